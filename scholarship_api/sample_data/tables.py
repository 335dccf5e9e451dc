"""Tables from which the synthetic catalogue draws its values, and the source of random bits.

Every choice is one lookup in a table that repeats each value in proportion to its weight. This is
cheap: it needs no bisection and no floating point.
"""

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final, TypeVar

TABLE_BITS: Final = 10
"""Bits of the index of an ordinary table."""

LARGE_TABLE_BITS: Final = 16
"""Bits of the index of a table with thousands of values."""

T = TypeVar("T")
Bits = Callable[[int], int]
"""Gives that many random bits."""


def random_bits(seed: int) -> Bits:
    return Random(seed).getrandbits  # noqa: S311 - repeatable on purpose, guards nothing


def weighted_table(pairs: Iterable[tuple[T, int]], bits: int = TABLE_BITS) -> tuple[T, ...]:
    """A table of 2**bits entries, in which each value has a share by its integer weight."""
    weighted = tuple(pairs)
    total = sum(weight for _, weight in weighted)
    table: list[T] = []
    reached = 0
    for value, weight in weighted:
        reached += weight
        table.extend([value] * (((reached << bits) // total) - len(table)))
    return tuple(table)


def zipf_table(values: Sequence[T], *, offset: int = 2, bits: int = TABLE_BITS) -> tuple[T, ...]:
    """A table with the Zipf-Mandelbrot distribution: rank n has the weight 1 / (n + offset)."""
    return weighted_table(((v, (1 << 40) // (n + offset)) for n, v in enumerate(values, 1)), bits)


def chance_table(percent: int) -> tuple[bool, ...]:
    return weighted_table(((True, percent), (False, 100 - percent)))


def choose(values: Sequence[T], bits: Bits) -> T:
    return values[bits(LARGE_TABLE_BITS) % len(values)]


def choose_distinct(table: Sequence[T], number: int, bits: Bits) -> list[T]:
    """Draw different values from an ordinary table."""
    found: list[T] = []
    while len(found) < number:
        value = table[bits(TABLE_BITS)]
        if value not in found:
            found.append(value)
    return found
