"""The basis of an answer: a write that leaves it alone leaves the answer true."""

from collections.abc import Sequence
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
    """The awards that a search has found, on every page, and what it has asked for.

    Words are compared with the whole text of an award. What they stand for is not part of it: an
    answer holds no longer than the statistics of words.
    """

    request: SearchRequest
    revision: int
    """The revision of the read model; what PostgreSQL has answered is as new, or newer."""
    ordinals: BitMap = field(default_factory=BitMap)
    ids: Sequence[bytes] = ()
    """Further awards, as lists of ids that begin, end and are joined with \\x1f."""
    words: Sequence[str] = ()
    """The tsqueries that were asked, if any."""
    is_complete: bool = True
    """Whether `ordinals` and `ids` are all awards with the words that the filters keep."""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        texts = sum(map(len, self.ids)) + sum(map(len, self.words))
        return texts + 2 * len(self.ordinals) + limits.REQUEST_BYTES

    async def is_untouched_by(
        self, changed: Changed, *, model: ReadModel, snapshot: Snapshot
    ) -> bool:
        """Whether none of the changed awards was found, or would be found now.

        An award that was not found can only be found now if words or filters judge it anew. Where
        the awards that were found are not all known, none of the changed awards may have the words,
        whatever the filters: as long as they are not reworded, they had the words that they have.
        Raises DatabaseUnavailable.
        """
        if self.ordinals.intersect(changed.ordinals) or self._names_one_of(changed):
            return False
        if self.is_complete:
            kept = self._kept(changed.judged_anew, model=model, snapshot=snapshot)
            asked = model.ordinals.ids_of(kept)
        elif changed.reworded:
            return False
        else:
            asked = list(changed.ids)
        if not asked:
            return True
        if not self.words or len(asked) > limits.MAX_COMPARED_CHANGES:
            return False
        return not await statements.any_has_words(snapshot.fetch, self.words, asked)

    def _kept(self, awards: BitMap, *, model: ReadModel, snapshot: Snapshot) -> BitMap:
        """Those of the awards that the filters keep now, shown or counted as hidden."""
        if not awards:
            return awards
        return keep(model, self.request, now=snapshot.now, within=awards).with_hidden

    def _names_one_of(self, changed: Changed) -> bool:
        return any(b"\x1f%b\x1f" % each.encode() in ids for ids in self.ids for each in changed.ids)
