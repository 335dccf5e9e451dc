"""Awards in the order of a number and then of their id: pages, and ranges of the number."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.postings import union

MAX_LEAF: Final = 1024
"""Awards in a leaf. A leaf is the smallest piece that is inserted into, and one that has none of
the wanted awards costs a microsecond to pass by."""

SORT_BELOW_LEAVES: Final = 2
"""Up to this many wanted awards for each leaf are sorted, instead of going through the leaves."""

ITERATE_ABOVE: Final = 8
"""A leaf of which one award in so many is wanted is gone through; of fewer these are sorted."""

Place = tuple[int, bytes | bytearray]
"""Where an award stands in the order: its number and its id in UTF-8."""


class _Leaf:
    __slots__ = ("bitmap", "ordinals")

    def __init__(self, ordinals: "array[int]") -> None:
        self.ordinals = ordinals
        """In their order."""
        self.bitmap = BitMap(ordinals)


class OrderedIndex:
    """Like a B-tree of two levels. `numbers` is a column of the model, by ordinal: it has to hold
    an award's number as long as the award is in here."""

    def __init__(self, numbers: "array[int]", *, id_of: Callable[[int], bytes | bytearray]) -> None:
        self._numbers = numbers
        self._id_of = id_of
        self.number_of: Final[Callable[[int], int]] = numbers.__getitem__
        self._leaves: list[_Leaf] = []
        self._firsts: list[Place] = []
        """The first place of each leaf."""

    def leaves(self) -> "list[array[int]]":
        """The awards in their order, in pieces: everything else follows from them."""
        return [leaf.ordinals for leaf in self._leaves]

    def restore(self, leaves: "list[array[int]]") -> None:
        """Take the leaves of an index that was the same."""
        self._leaves = [_Leaf(ordinals) for ordinals in leaves]
        self._firsts = [self.place_of(leaf.ordinals[0]) for leaf in self._leaves]

    def place_of(self, ordinal: int) -> Place:
        return self._numbers[ordinal], self._id_of(ordinal)

    def build(self, ordinals: Iterable[int]) -> None:
        """Take all awards, in their order."""
        ordered = array("I", ordinals)
        half = MAX_LEAF // 2  # leaves room to insert
        self._leaves = [
            _Leaf(ordered[start : start + half]) for start in range(0, len(ordered), half)
        ]
        self._firsts = [self.place_of(leaf.ordinals[0]) for leaf in self._leaves]

    def __iter__(self) -> Iterator[int]:
        for leaf in self._leaves:
            yield from leaf.ordinals

    def add(self, ordinal: int) -> None:
        place = self.place_of(ordinal)
        if not self._leaves:
            self._leaves.append(_Leaf(array("I", [ordinal])))
            self._firsts.append(place)
            return
        at = max(0, bisect_right(self._firsts, place) - 1)
        leaf = self._leaves[at]
        position = self._position(leaf, place)
        leaf.ordinals.insert(position, ordinal)
        leaf.bitmap.add(ordinal)
        if position == 0:
            self._firsts[at] = place
        if len(leaf.ordinals) > MAX_LEAF:
            half = len(leaf.ordinals) // 2
            halves = [_Leaf(leaf.ordinals[:half]), _Leaf(leaf.ordinals[half:])]
            self._leaves[at : at + 1] = halves
            self._firsts.insert(at + 1, self.place_of(halves[1].ordinals[0]))

    def discard(self, ordinal: int) -> None:
        """Take out an award that is in the index."""
        place = self.place_of(ordinal)
        at = bisect_right(self._firsts, place) - 1
        leaf = self._leaves[at]
        position = self._position(leaf, place)
        if leaf.ordinals.pop(position) != ordinal:
            raise AssertionError("the award has another number than when it was added")
        leaf.bitmap.discard(ordinal)
        if not leaf.ordinals:
            del self._leaves[at], self._firsts[at]
        elif position == 0:
            self._firsts[at] = self.place_of(leaf.ordinals[0])

    def _position(self, leaf: _Leaf, place: Place) -> int:
        """How many awards of the leaf are before `place`."""
        number, award_id = place
        start = bisect_left(leaf.ordinals, number, key=self.number_of)
        end = bisect_right(leaf.ordinals, number, lo=start, key=self.number_of)
        return bisect_left(leaf.ordinals, award_id, lo=start, hi=end, key=self._id_of)

    def between(self, low: int, high: int) -> BitMap:
        """The awards with a number from `low` to `high`, both included."""
        numbers = self._numbers
        found: list[BitMap] = []
        first = bisect_left(self._leaves, low, key=lambda leaf: numbers[leaf.ordinals[-1]])
        for leaf in self._leaves[first:]:
            if numbers[leaf.ordinals[0]] > high:
                break
            if low <= numbers[leaf.ordinals[0]] and numbers[leaf.ordinals[-1]] <= high:
                found.append(leaf.bitmap)
            else:
                start = bisect_left(leaf.ordinals, low, key=numbers.__getitem__)
                end = bisect_right(leaf.ordinals, high, key=numbers.__getitem__)
                found.append(BitMap(leaf.ordinals[start:end]))
        return BitMap(union(found))

    def next_number(self, after: int) -> int | None:
        """The lowest number above `after`."""
        numbers = self._numbers
        at = bisect_right(self._leaves, after, key=lambda leaf: numbers[leaf.ordinals[-1]])
        if at == len(self._leaves):
            return None
        ordinals = self._leaves[at].ordinals
        return numbers[ordinals[bisect_right(ordinals, after, key=numbers.__getitem__)]]

    def page(
        self,
        wanted: BitMap,
        *,
        limit: int,
        after: Place | None = None,
        offset: int = 0,
        descending: bool = False,
    ) -> list[int]:
        """At most `limit` of the wanted awards that come after a place, without the first `offset`
        of them."""
        if len(wanted) <= SORT_BELOW_LEAVES * len(self._leaves):
            ordered = self._sorted(wanted, after=after, descending=descending)
            return ordered[offset : offset + limit]
        found: list[int] = []
        for leaf in self._leaves_after(after, descending=descending):
            hits = wanted & leaf.bitmap
            if not hits:
                continue
            if after is None and offset >= len(hits):
                offset -= len(hits)
                continue
            ordered = self._hits(leaf, hits, after=after, descending=descending)
            after = None  # the further leaves are behind it as a whole
            found += ordered[offset:]
            offset = max(0, offset - len(ordered))
            if len(found) >= limit:
                break
        return found[:limit]

    def _leaves_after(self, after: Place | None, *, descending: bool) -> Iterator[_Leaf]:
        leaves = self._leaves
        if descending:
            end = len(leaves) if after is None else bisect_right(self._firsts, after)
            return (leaves[at] for at in range(end - 1, -1, -1))
        start = 0 if after is None else max(0, bisect_right(self._firsts, after) - 1)
        return (leaves[at] for at in range(start, len(leaves)))

    def _hits(
        self, leaf: _Leaf, hits: BitMap, *, after: Place | None, descending: bool
    ) -> list[int]:
        if after is not None or len(hits) * ITERATE_ABOVE < len(leaf.ordinals):
            return self._sorted(hits, after=after, descending=descending)
        ordered = [ordinal for ordinal in leaf.ordinals if ordinal in hits]
        return ordered[::-1] if descending else ordered

    def _sorted(self, wanted: BitMap, *, after: Place | None, descending: bool) -> list[int]:
        places = [(self.place_of(ordinal), ordinal) for ordinal in wanted]
        if after is not None and descending:
            places = [entry for entry in places if entry[0] < after]
        elif after is not None:
            places = [entry for entry in places if entry[0] > after]
        places.sort(reverse=descending)
        return [ordinal for _, ordinal in places]
