"""The basis of an answer: a write that leaves it alone leaves the answer true."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.change_log import Changed
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search import limits
from scholarship_api.search.filters import keep
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import statements


@dataclass(frozen=True, slots=True)
class Basis:
    """The awards that a search has shown and found, and what it has asked for.

    Words are compared with the whole text of an award. What they stand for is not part of it: an
    answer holds no longer than the statistics of words.
    """

    request: SearchRequest
    revision: int
    """The revision of the read model; what PostgreSQL has answered is as new, or newer."""
    shown: frozenset[str]
    """The ids of the awards on the page."""
    ordinals: BitMap = field(default_factory=BitMap)
    """The awards that were found, on every page."""
    ids: Sequence[bytes] = ()
    """Further awards, as lists of ids that begin, end and are joined with \\x1f."""
    words: Sequence[str] = ()
    """The tsqueries that were asked, if any."""
    is_complete: bool = True
    """Whether `ordinals` and `ids` are all awards with the words that the filters keep."""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        texts = sum(sum(map(len, each)) for each in (self.shown, self.ids, self.words))
        return texts + 2 * len(self.ordinals) + limits.REQUEST_BYTES

    async def is_untouched_by(
        self, changed: Changed, *, model: ReadModel, snapshot: Snapshot
    ) -> bool:
        """Whether none of the changed awards was shown, and none decides what is found now.

        Where the awards that were found are not all known, no award that is judged anew may have
        the words, whatever the filters: as long as it is not reworded, it had the words that it
        has. Raises DatabaseUnavailable.
        """
        if self._rests_on_one_of(changed):
            return False
        asked = self._candidates(changed, model=model, snapshot=snapshot)
        if not asked:
            return True
        if not self.words or len(asked) > limits.MAX_COMPARED_CHANGES:
            return False
        return not await statements.any_has_words(snapshot.fetch, self.words, asked)

    def _candidates(
        self, changed: Changed, *, model: ReadModel, snapshot: Snapshot
    ) -> Collection[str]:
        """The awards that are judged anew and would be found now if they had the words."""
        if not self.is_complete or not changed.ids_judged_anew:
            return changed.ids_judged_anew
        kept = keep(model, self.request, now=snapshot.now, within=changed.judged_anew)
        return model.ordinals.ids_of(kept.with_hidden)

    def _rests_on_one_of(self, changed: Changed) -> bool:
        return (
            not self.shown.isdisjoint(changed.ids)
            or self.ordinals.intersect(changed.judged_anew)
            or (changed.reworded and not self.is_complete)
            or any(
                b"\x1f%b\x1f" % each.encode() in ids
                for ids in self.ids
                for each in changed.ids_judged_anew
            )
        )
