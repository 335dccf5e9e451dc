"""Sums of a number over any set of awards, without going through the awards.

The number is stored bit by bit: for each power of two, the awards whose number has it. A sum is as
many counts of intersections as the highest number has bits, 2 us each.
"""

from pyroaring import BitMap


class BitSlices:
    def __init__(self) -> None:
        self._slices: list[BitMap] = []

    def add(self, ordinal: int, number: int) -> None:
        """Take an award with a number of 0 or more."""
        while number >> len(self._slices):
            self._slices.append(BitMap())
        for exponent in range(number.bit_length()):
            if number >> exponent & 1:
                self._slices[exponent].add(ordinal)

    def discard(self, ordinals: BitMap) -> None:
        for each in self._slices:
            each.difference_update(ordinals)

    def sum(self, ordinals: BitMap) -> int:
        return sum(
            each.intersection_cardinality(ordinals) << exponent
            for exponent, each in enumerate(self._slices)
        )
