"""A search for words: PostgreSQL finds and ranks them, the read model filters and sorts.

Each statement sees the catalogue as it is at that moment, which may be later than the read model's.
So that a page and its total belong to one state of the catalogue, the writes that came meanwhile
are looked at in the end, and the page is made anew when they concern it.
"""

import math
from collections.abc import Mapping, Sequence

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Match
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.postings import union
from scholarship_api.search import limits
from scholarship_api.search.asked import Asked, Found
from scholarship_api.search.basis import Basis
from scholarship_api.search.facets import count_facets
from scholarship_api.search.hits import matches_of, size_of
from scholarship_api.search.response_schemas import Facets
from scholarship_api.search.schemas import Sort
from scholarship_api.search.text.analysis import analyse
from scholarship_api.search.text.tsquery import TextQuery, WeightedClause
from scholarship_api.search.text_matching import Matched, TextMatching
from scholarship_api.search.text_pages import TextPages

ATTEMPTS = 4
"""How often a page is made when writes concern it meanwhile; the last one is shown as it is."""


async def query_of(asked: Asked) -> TextQuery | None:
    """The words of q; None if it has nothing to search for."""
    cursor = asked.cursor
    if cursor is None and asked.text is not None:
        return asked.text
    if cursor is None:
        request = asked.request
        understood = asked.interpretation
        return await analyse(
            asked.snapshot,
            request.q or "",
            correct=request.typo,
            preferred=understood.preferred_words if understood else frozenset(),
        )
    if cursor.match is None:  # the walk began with names, see `service`
        return None
    by_relevance = asked.request.order in (Sort.RELEVANCE, Sort.MATCH)
    is_ranked = by_relevance and not cursor.is_tiered
    return TextQuery(
        match=cursor.match,
        weighted_clauses=tuple(WeightedClause(*each) for each in cursor.weighted_clauses or ()),
        field_query=cursor.field_query,
        typed=" ".join((asked.request.q or "").split()),
        query_length=cursor.query_length,
        did_you_mean=cursor.did_you_mean,
        is_corrected=not cursor.is_uncorrected,
        ignored_words=cursor.ignored_words,
        # A ranked walk has few matches, or it would be tiered.
        estimated_matches=0 if is_ranked else math.inf,
    )


async def find(asked: Asked, text: TextQuery) -> Found:
    for attempt in range(ATTEMPTS):
        model = await (asked.snapshot.updated_model() if attempt else asked.snapshot.model())
        search = _TextSearch(asked, model)
        found = await search.find(text)
        if attempt + 1 == ATTEMPTS or await search.is_current(found):
            return found
    raise AssertionError("the last attempt returns")


class _TextSearch:
    """One attempt to answer a search."""

    def __init__(self, asked: Asked, model: ReadModel) -> None:
        self._asked = asked
        self._request = asked.request
        self._model = model
        self._kept = asked.keep(model)
        self._revision = asked.snapshot.revision
        self._matching = TextMatching(asked, model, self._kept)
        self._shown: Mapping[str, int] = {}
        """See `TextPage.shown`."""

    async def find(self, text: TextQuery) -> Found:
        matched = await self._matching.find(text)
        page = await TextPages(self._asked, self._model, self._kept).page(matched)
        self._shown = page.shown
        hidden = matched.hidden or self._kept
        return Found(
            total=matched.total,
            is_exact=matched.is_exact,
            items=page.items,
            has_more=page.has_more,
            keyset=page.keyset,
            facets=self._facets(matched),
            text=matched.text,
            is_tiered=page.is_tiered and self._request.order in (Sort.RELEVANCE, Sort.MATCH),
            basis=self._basis(),
            matches=self._matches_of(list(page.shown)),
            ineligible_hidden=_times(size_of(hidden.ineligible), matched.hidden_share),
            unknown_amounts_hidden=_times(size_of(hidden.unknown_amounts), matched.hidden_share),
        )

    async def is_current(self, found: Found) -> bool:
        """Whether no write since the beginning concerns what was found."""
        if all(matched.rows is not None for matched in self._matching.tried):
            return True  # PostgreSQL has answered alone, of one state
        snapshot = self._asked.snapshot
        changed, model = await snapshot.changed_since(self._revision)
        kept = self._asked.keep(model).awards
        if not all(
            (ordinal := model.ordinals.find(award_id)) is not None
            and ordinal in kept
            and model.row_versions[ordinal] == row_version
            for award_id, row_version in self._shown.items()
        ):
            return False
        if changed is None:
            return False
        if not changed.ids or found.basis is None or not found.basis.is_complete:
            return True
        return await found.basis.is_untouched_by(changed, model=model, snapshot=snapshot)

    def _basis(self) -> Basis | None:
        """None where more counts than words and filters."""
        if self._asked.is_restricted or self._asked.boosts:
            return None
        awards = [
            matched.awards if matched.hidden is None else matched.hidden.with_hidden
            for matched in self._matching.tried
            if matched.awards is not None
        ]
        ranked = [each.rows for each in self._matching.tried if each.rows is not None]
        ids = [rows.matches for rows in ranked]
        words = [matched.text.match for matched in self._matching.tried]
        found = union(awards)
        is_complete = (
            len(awards) + len(ids) == len(self._matching.tried)
            and not self._matching.asked_for_others
            and len(found) <= limits.MAX_BASIS_AWARDS
        )
        return Basis(
            self._request,
            self._revision,
            frozenset(self._shown).union(*(rows.items for rows in ranked)),
            found if is_complete else BitMap(),
            ids if is_complete else (),
            words,
            is_complete,
        )

    def _matches_of(self, award_ids: Sequence[str]) -> list[Match | None]:
        find = self._model.ordinals.find
        ordinals = [find(award_id) for award_id in award_ids]
        return matches_of(self._kept, [-1 if each is None else each for each in ordinals])

    def _facets(self, matched: Matched) -> Facets | None:
        awards = matched.awards if matched.awards is not None else matched.sample
        if not self._request.facets or awards is None:
            return None
        return count_facets(
            self._model,
            self._asked.counted(self._model, awards),
            total=matched.total + len(self._asked.counted_too),
            now=self._asked.snapshot.now,
            names=self._request.facets,
        )


def _times(number: int | None, share: float) -> int | None:
    return None if number is None else round(number * share)
