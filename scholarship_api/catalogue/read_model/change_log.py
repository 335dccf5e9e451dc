"""Which awards a process has seen change, so that answers from before can be used again."""

from collections import deque
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from pyroaring import BitMap

MAX_CHANGES: Final = 2_000
"""Changed awards, with an id of 30 bytes each, that the log remembers. An import changes more at
once, and then hardly any answer stays true."""

MAX_ENTRIES: Final = 256
"""Deltas that the log remembers, however few awards each has changed."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Awards that are not what they were."""

    ids: frozenset[str]
    """All of them."""
    judged_anew: BitMap
    """The ordinals, before and after, of those that words, filters and orders may treat in another
    way than before. The others have changed only in what is shown of them."""
    ids_judged_anew: frozenset[str]
    """The ids of the same awards, and of those that the model does not have."""
    reworded: bool
    """Whether the words of one of them may be others than they were."""


class ChangeLog:
    """The last changes of a model, by its revision."""

    def __init__(self) -> None:
        self.revision = 0
        """Counts the changes of the model."""
        self._entries: deque[tuple[int, Changed]] = deque()
        """Each with the revision that it has led to."""
        self._known_from = 0
        """All changes after this revision are in the log."""
        self._size = 0

    def add(self, changed: Changed) -> None:
        """Some awards have changed."""
        self.revision += 1
        self._entries.append((self.revision, changed))
        self._size += len(changed.ids)
        while self._size > MAX_CHANGES or len(self._entries) > MAX_ENTRIES:
            self._known_from, forgotten = self._entries.popleft()
            self._size -= len(forgotten.ids)

    def add_unknown(self) -> None:
        """Any award may have changed."""
        self.revision += 1
        self._entries.clear()
        self._size = 0
        self._known_from = self.revision

    def since(self, revision: int) -> Changed | None:
        """The awards that have changed after `revision`; None where that is not known any more."""
        if revision < self._known_from:
            return None
        newest_first = reversed(self._entries)
        found = [
            changed for _, changed in takewhile(lambda entry: entry[0] > revision, newest_first)
        ]
        if len(found) == 1:
            return found[0]
        return Changed(
            frozenset().union(*(changed.ids for changed in found)),
            BitMap().union(*(changed.judged_anew for changed in found)),
            frozenset().union(*(changed.ids_judged_anew for changed in found)),
            any(changed.reworded for changed in found),
        )
