"""The basis of an answer: a write that leaves it alone leaves the answer true."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.change_log import Changed
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search import limits
from scholarship_api.search.filters import kept_awards
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

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        texts = sum(map(len, self.ids)) + sum(map(len, self.words))
        return texts + 2 * len(self.ordinals) + limits.REQUEST_BYTES

    async def is_untouched_by(
        self, changed: Changed, *, model: ReadModel, snapshot: Snapshot
    ) -> bool:
        """Whether none of the changed awards was found, or would be found now.

        Raises DatabaseUnavailable.
        """
        if self.ordinals.intersect(changed.ordinals) or self._names_one_of(changed):
            return False
        kept = changed.ordinals & kept_awards(model, self.request, now=snapshot.now)
        if not kept:
            return True
        if not self.words or len(kept) > limits.MAX_COMPARED_CHANGES:
            return False
        ids = model.ordinals.ids_of(kept)
        return not await statements.any_has_words(snapshot.fetch, self.words, ids)

    def _names_one_of(self, changed: Changed) -> bool:
        return any(b"\x1f%b\x1f" % each.encode() in ids for ids in self.ids for each in changed.ids)
