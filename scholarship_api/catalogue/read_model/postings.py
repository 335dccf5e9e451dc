"""Postings: for each value of a field, the bitmap of the awards that name it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from pyroaring import BitMap

FEW_ORDINALS: Final = 4
"""Up to so many are taken out of a bitmap one by one, 60 ns each; a bitmap of them takes 300 ns."""

Value = Hashable
"""A code, a number, or an entry of several parts; numbers of one field compare with each other."""


class Postings:
    """The postings of one field. An award in `restricted` is closed to those who have none of the
    values that it names."""

    def __init__(self) -> None:
        self.restricted = BitMap()
        """The awards that name any value; the others are open to all."""
        self._bitmaps: dict[Any, BitMap] = {}
        self._sorted: list[Any] | None = None
        self._groups: dict[Hashable, list[Any]] | None = None
        """Like `_sorted` made when first needed, and again once a value has come or gone."""

    def __iter__(self) -> Iterator[Any]:
        return iter(self._bitmaps)

    def __contains__(self, value: object) -> bool:
        return value in self._bitmaps

    def items(self) -> Iterable[tuple[Any, BitMap]]:
        """Each value with its bitmap, which belongs to us."""
        return self._bitmaps.items()

    def grouped(
        self, keys: Callable[[Any], Iterable[Hashable]]
    ) -> Mapping[Hashable, Sequence[Any]]:
        """The values by their keys. `keys` has to be the same function each time."""
        if self._groups is None:
            self._groups = {}
            for value in self._bitmaps:
                for key in keys(value):
                    self._groups.setdefault(key, []).append(value)
        return self._groups

    def add(self, ordinal: int, values: Iterable[Value]) -> None:
        bitmaps = self._bitmaps
        for value in values:
            bitmap = bitmaps.get(value)
            if bitmap is None:
                bitmaps[value] = bitmap = BitMap()
                self._forget_order()
            bitmap.add(ordinal)
            self.restricted.add(ordinal)

    def restore(self, value: Value, bitmap: BitMap) -> None:
        """Take the awards of `value` from a snapshot."""
        self._bitmaps[value] = bitmap
        self.restricted |= bitmap
        self._forget_order()

    def discard(self, ordinals: BitMap) -> None:
        """Take these awards out of every bitmap."""
        if not self.restricted.intersect(ordinals):
            return
        self.restricted -= ordinals
        if len(ordinals) <= FEW_ORDINALS:
            few = list(ordinals)
            for bitmap in self._bitmaps.values():
                for ordinal in few:
                    bitmap.discard(ordinal)
        else:
            for bitmap in self._bitmaps.values():
                bitmap.difference_update(ordinals)
        for value in [value for value, bitmap in self._bitmaps.items() if not bitmap]:
            del self._bitmaps[value]
            self._forget_order()

    def has_exactly(self, ordinal: int, values: Iterable[Value]) -> bool:
        """Whether the award names these values and no others. It looks at every bitmap."""
        named = {value for value, bitmap in self._bitmaps.items() if ordinal in bitmap}
        return named == set(values)

    def of(self, values: Iterable[Value]) -> BitMap:
        """The awards that name any of `values`; not to be changed."""
        return union([found for value in values if (found := self._bitmaps.get(value))])

    def at_most(self, bound: Any) -> BitMap:  # noqa: ANN401 - a number of the field's kind
        """The awards that name a number up to `bound`."""
        numbers = self._numbers()
        return self._between(0, bisect_right(numbers, bound))

    def at_least(self, bound: Any) -> BitMap:  # noqa: ANN401
        """The awards that name a number from `bound` on."""
        numbers = self._numbers()
        return self._between(bisect_left(numbers, bound), len(numbers))

    def _between(self, start: int, end: int) -> BitMap:
        numbers = self._numbers()
        return union([self._bitmaps[number] for number in numbers[start:end]])

    def _forget_order(self) -> None:
        self._sorted = self._groups = None

    def _numbers(self) -> list[Any]:
        if self._sorted is None:
            self._sorted = sorted(self._bitmaps)
        return self._sorted


def union(bitmaps: list[BitMap]) -> BitMap:
    """All of them together; a single one is returned as it is, and not to be changed."""
    if len(bitmaps) == 1:
        return bitmaps[0]
    return BitMap.union(*bitmaps) if bitmaps else BitMap()
