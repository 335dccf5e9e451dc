"""Small integers for awards: an award's place in every bitmap and column of the read model.

Python's own strings and dictionaries would take 170 bytes for each award. Here an id takes its
letters and 14 bytes: all ids lie in one buffer, and a chained hash table of integers finds them.
"""

import time
from array import array
from collections import deque
from collections.abc import Iterable
from typing import Final
from zlib import crc32

from pyroaring import BitMap

_NONE: Final = 0xFFFFFFFF
_FIRST_BUCKETS: Final = 1024
_MIN_WASTE_BYTES: Final = 65_536
"""The buffer is packed when more than this, and more than half of it, belonged to removed ids."""


REUSE_AFTER_SECONDS: Final = 30.0
"""How long the ordinal of a removed award stands for nothing. A request that waits for PostgreSQL
may hold bitmaps for as long as its deadline."""


class Ordinals:
    """The ordinals of removed awards are given to new ones, but not at once."""

    def __init__(self) -> None:
        self.used = BitMap()
        """The ordinals that stand for an award."""
        self._text = bytearray()
        self._starts = array("I")
        self._lengths = array("H")
        self._heads = array("I", [_NONE]) * _FIRST_BUCKETS
        self._next = array("I")
        """The next ordinal in the same bucket of the hash table."""
        self._free: deque[tuple[float, int]] = deque()
        """When each may be used again."""
        self._wasted_bytes = 0

    def __len__(self) -> int:
        return len(self.used)

    @property
    def limit(self) -> int:
        """All ordinals are below this."""
        return len(self._starts)

    def find(self, award_id: str) -> int | None:
        return next(iter(self._find([award_id.encode()])), None)

    def find_all(self, award_ids: Iterable[str]) -> BitMap:
        """The ordinals of those ids that are known."""
        return self.find_encoded(award_id.encode() for award_id in award_ids)

    def find_encoded(self, award_ids: Iterable[bytes]) -> BitMap:
        """The ordinals of those ids, in UTF-8, that are known."""
        return BitMap(self._find(award_ids))

    def _find(self, award_ids: Iterable[bytes]) -> list[int]:
        # One loop with local names: a search looks up thousands of ids.
        text, starts, lengths, following = self._text, self._starts, self._lengths, self._next
        heads, mask = self._heads, len(self._heads) - 1
        found = []
        for award_id in award_ids:
            ordinal = heads[crc32(award_id) & mask]
            while ordinal != _NONE:
                if lengths[ordinal] == len(award_id) and text.startswith(award_id, starts[ordinal]):
                    found.append(ordinal)
                    break
                ordinal = following[ordinal]
        return found

    def add(self, award_id: str) -> int:
        """The ordinal of a new id. Raises ValueError for an id that is known."""
        if self.find(award_id) is not None:
            raise ValueError("the id has an ordinal")
        text = award_id.encode()
        if self._free and self._free[0][0] <= time.monotonic():
            _, ordinal = self._free.popleft()
        else:
            ordinal = len(self._starts)
            self._starts.append(0)
            self._lengths.append(0)
            self._next.append(_NONE)
        self._starts[ordinal] = len(self._text)
        self._lengths[ordinal] = len(text)
        self._text += text
        self.used.add(ordinal)
        if len(self.used) > len(self._heads):
            self._rehash(2 * len(self._heads))
        else:
            self._link(ordinal)
        return ordinal

    def discard(self, ordinal: int) -> None:
        """Forget the award of `ordinal`."""
        self._unlink(ordinal)
        self.used.discard(ordinal)
        self._free.append((time.monotonic() + REUSE_AFTER_SECONDS, ordinal))
        self._wasted_bytes += self._lengths[ordinal]
        self._lengths[ordinal] = 0
        if self._wasted_bytes > max(_MIN_WASTE_BYTES, len(self._text) // 2):
            self._pack()

    def id_of(self, ordinal: int) -> str:
        return self.bytes_of(ordinal).decode()

    def ids_of(self, ordinals: Iterable[int]) -> list[str]:
        text, starts, lengths = self._text, self._starts, self._lengths
        return [
            text[(start := starts[ordinal]) : start + lengths[ordinal]].decode()
            for ordinal in ordinals
        ]

    def bytes_of(self, ordinal: int) -> bytearray:
        """The id in UTF-8, by which ids sort as PostgreSQL's collation "C" sorts them."""
        start = self._starts[ordinal]
        return self._text[start : start + self._lengths[ordinal]]

    def _bucket(self, ordinal: int) -> int:
        return crc32(self.bytes_of(ordinal)) & (len(self._heads) - 1)

    def _link(self, ordinal: int) -> None:
        bucket = self._bucket(ordinal)
        self._next[ordinal] = self._heads[bucket]
        self._heads[bucket] = ordinal

    def _unlink(self, ordinal: int) -> None:
        bucket = self._bucket(ordinal)
        current = self._heads[bucket]
        if current == ordinal:
            self._heads[bucket] = self._next[ordinal]
            return
        while self._next[current] != ordinal:
            current = self._next[current]
        self._next[current] = self._next[ordinal]

    def _rehash(self, buckets: int) -> None:
        self._heads = array("I", [_NONE]) * buckets
        for ordinal in self.used:
            self._link(ordinal)

    def _pack(self) -> None:
        """Leave out the text of removed ids."""
        packed = bytearray()
        for ordinal in self.used:
            text = self.bytes_of(ordinal)
            self._starts[ordinal] = len(packed)
            packed += text
        self._text = packed
        self._wasted_bytes = 0
