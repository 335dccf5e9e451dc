"""Slips of the pen: which words may have been meant, and how near each is to what was typed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations, product
from typing import Final, NamedTuple

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_MISTAKEN: Final = frozenset(
    one + other
    for group in ("aeiouy", "cks", "sz", "mn", "fv", "gj", "td", "bp", "qk")
    for one, other in permutations(group, 2)
)
"""Pairs of letters that are mistaken for each other, by their sound or on the keyboard."""

# Slips are counted first and weighed second: whole ones and their cost in one number.
_SLIP: Final = 64
_STEP: Final = _SLIP + 1.0
_SWAPPED: Final = _SLIP + 0.8
_LIKELY: Final = _SLIP + 0.7
_DOUBLED: Final = _SLIP + 0.6
_FIRST: Final = 0.3
"""More: the first letter is the one that is most seldom wrong."""

LONGEST: Final = 40
"""Letters; a longer word is looked up as it is."""

SHORT: Final = 6
"""Letters of a word with so few trigrams that a slip leaves hardly any."""

SHORTEST_HALF: Final = 3


@dataclass(frozen=True, slots=True)
class Known:
    """A word of the catalogue, or of our own table."""

    word: str
    lexeme: str
    documents: int
    """About how many awards hold it."""


class Distance(NamedTuple):
    slips: int
    cost: float
    """Less than their number where they are of the kind that is made often."""


def slips(word: str) -> int:
    """How many slips a word of this length may hold (as Elasticsearch's AUTO, +1)."""
    for shorter_than, allowed in ((3, 0), (6, 1), (9, 2)):
        if len(word) < shorter_than:
            return allowed
    return 3


def slipped(word: str) -> Iterator[str]:
    """Texts with a slip less than `word`, or another one: those of which an index of trigrams finds
    few, as they have little in common with it. All with one slip if it is short; else those with
    letters left out or swapped."""
    yield from _moved(word)
    if len(word) > SHORT:
        return
    for moved in set(_moved(word)):
        yield from _moved(moved)
    for at, letter in product(range(len(word) + 1), _LETTERS):
        yield word[:at] + letter + word[at:]
        yield word[:at] + letter + word[at + 1 :]


def _moved(word: str) -> Iterator[str]:
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]


def halves(word: str) -> Iterator[tuple[str, str]]:
    """Where a space may have been left out."""
    for at in range(SHORTEST_HALF, len(word) - SHORTEST_HALF + 1):
        yield word[:at], word[at:]


def nearest(typed: str, candidates: Iterable[Known], *, limit: int) -> list[tuple[float, Known]]:
    """The candidates near enough for the word's length, each with its cost, nearest first.

    Among those as near as each other the one that more awards hold comes first.
    """
    allowed = slips(typed)
    letters = frozenset(typed)
    near = []
    for known in candidates:
        # A slip changes the length by one, and the set of letters by two, at most.
        if abs(len(known.word) - len(typed)) > allowed:
            continue
        if len(letters.symmetric_difference(known.word)) > 2 * allowed:
            continue
        found = distance(typed, known.word, at_most=allowed)
        if found is not None and found.slips > 0:
            near.append((found.cost - 0.1 * min(known.documents, 64) ** 0.25, found.cost, known))
    near.sort(key=lambda each: (each[0], each[2].word))
    return [(cost, known) for _, cost, known in near[:limit]]


def distance(typed: str, word: str, *, at_most: int) -> Distance | None:
    """The fewest slips from the one to the other; None if there are more than `at_most`.

    Optimal string alignment (Damerau-Levenshtein with no part edited twice): a letter more, a
    letter less, another letter, or two neighbours swapped is a slip. Boytsov, Indexing methods for
    approximate dictionary searching, 2011, 2.2.
    """
    two_above: list[float] = []
    above = [column * _STEP for column in range(len(word) + 1)]
    for row, letter in enumerate(typed, start=1):
        before = typed[row - 2] if row > 1 else ""
        current = [row * _STEP]
        # What it takes to leave out this letter; less when it only was typed twice.
        more = _DOUBLED if letter == before else _STEP
        for column, wanted in enumerate(word, start=1):
            if letter == wanted:
                best = above[column - 1]
            else:
                best = above[column - 1] + (_LIKELY if letter + wanted in _MISTAKEN else _STEP)
            left_out = word[column - 2] if column > 1 else ""
            less = _DOUBLED if wanted == left_out else _STEP
            best = min(best, above[column] + more, current[-1] + less)
            if letter == left_out and before == wanted:
                best = min(best, two_above[column - 2] + _SWAPPED)
            current.append(best)
        if min(current) >= (at_most + 1) * _SLIP:
            return None
        two_above, above = above, current
    steps, cost = divmod(above[-1], _SLIP)
    if steps > at_most:
        return None
    return Distance(int(steps), cost + (_FIRST if typed[:1] != word[:1] else 0.0))
