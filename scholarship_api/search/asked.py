"""A search request as it was parsed, and what was found for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Match
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.search.basis import Basis
from scholarship_api.search.cursors import Cursor, CursorCodec, Keyset
from scholarship_api.search.filters import Kept, is_filtered, keep
from scholarship_api.search.response_schemas import Facets
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql.statements import Window
from scholarship_api.search.sql.summaries import Item
from scholarship_api.search.text.interpretation import Interpretation
from scholarship_api.search.text.tsquery import TextQuery


class ScoreBoost(NamedTuple):
    """Awards whose score is multiplied: those of the ids, and those that name the field."""

    factor: float
    award_ids: Sequence[str]
    field_of_study: str | None = None

    def awards(self, model: ReadModel) -> BitMap:
        found = model.ordinals.find_all(list(self.award_ids))
        if self.field_of_study is not None:
            found |= model.naming("fields_of_study", [self.field_of_study])
        return found


class Curation(NamedTuple):
    """The rules for the words of a search that is ordered by relevance."""

    pins: tuple[str, ...]
    """The ids of awards that come first."""
    boosts_digest: str | None
    """Identifies the boosts: the order of a walk depends on them."""


class PinnedWalk(NamedTuple):
    """How far a walk over a result with pins is."""

    pins: tuple[str, ...]
    shown: int
    """Pinned awards on this page, which are its first ones."""
    left: int
    """Pinned awards that are left for the next pages: the last ones of `pins`."""


@dataclass(frozen=True, slots=True)
class Asked:
    snapshot: Snapshot
    request: SearchRequest
    codec: CursorCodec
    filters: dict[str, Any]
    digest: str
    """Identifies the search: a cursor of another one is refused."""
    cursor: Cursor | None
    interpretation: Interpretation | None = None
    """The source of `request`, if phrases of q became filters."""
    only: Sequence[str] | None = None
    """The ids of the only awards that may be found, such as those of an organization."""
    without: Collection[str] = ()
    """The ids of awards that may not be found."""
    text: TextQuery | None = None
    """The words, if they are known already."""
    boosts: Sequence[ScoreBoost] = ()
    """The largest factor first."""
    curation: Curation | None = None
    """None where no rule has pins or boosts for the search."""
    counted_too: Sequence[str] = ()
    """The ids of awards that facets count beside what is found."""

    @property
    def window(self) -> Window:
        return Window(
            keyset=self.keyset,
            limit=self.request.limit,
            offset=self.request.offset,
        )

    @property
    def keyset(self) -> Keyset | None:
        """The sort key of the last row before this page; None at the beginning."""
        return (self.cursor.keyset or None) if self.cursor else None

    @property
    def is_filtered(self) -> bool:
        """Whether anything but words, and being open, is asked for."""
        return self.is_restricted or is_filtered(self.request)

    @property
    def is_restricted(self) -> bool:
        """Whether only some awards may be found, whatever the request says."""
        return self.only is not None or bool(self.without)

    def keep(self, model: ReadModel) -> Kept:
        """The awards that the filters keep, whatever their words."""
        within = None
        if self.only is not None:
            within = model.ordinals.find_all(self.only)
        if self.without:
            excluded = model.ordinals.find_all(list(self.without))
            within = (model.all() if within is None else within) - excluded
        return keep(model, self.request, now=self.snapshot.now, within=within)

    def counted(self, model: ReadModel, awards: BitMap) -> BitMap:
        """The awards that facets count, given those that were found."""
        if not self.counted_too:
            return awards
        return awards | model.ordinals.find_all(list(self.counted_too))


@dataclass(frozen=True, slots=True)
class Found:
    total: int
    is_exact: bool = True
    items: Sequence[Item] = field(default=())
    has_more: bool = False
    """Whether there are rows after the page."""
    keyset: Keyset | None = None
    """The sort key of the last row."""
    facets: Facets | None = None
    text: TextQuery | None = None
    """The words that were searched for in the end, which may be fewer than q has."""
    is_tiered: bool = False
    basis: Basis | None = None
    """None for what any write may change."""
    matches: Sequence[Match | None] = ()
    """With a profile: how each of the items suits it."""
    ineligible_hidden: int | None = None
    unknown_amounts_hidden: int | None = None
    pinned: PinnedWalk | None = None
