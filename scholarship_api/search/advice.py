"""Smart search: a search with advice on how to get more results, or fewer."""

from collections.abc import AsyncIterator
from typing import Final

from scholarship_api.search import limits, service
from scholarship_api.search.asked import Found
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.response_schemas import SearchQuality
from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.service import Page
from scholarship_api.search.snapshot import Snapshot

NARROWING: Final = {
    "fields_of_study": "fields_of_study",
    "scholarship_types": "scholarship_types",
    "grade_level": "grade_levels",
}
"""The filters of which values are suggested, each with its facet."""

_WIDENING: Final = frozenset({"include_closed"})
"""The filters without which a search finds less."""


async def smart_search(
    snapshot: Snapshot, request: SearchRequest, *, codec: CursorCodec
) -> tuple[Page, list[str]]:
    """The page, and sentences: the correction, filters to drop after few results, filters to add
    after many.

    The advice takes at most MAX_PROBES counts, or one statement for the facets, and no further
    analysis of q. Raises ValidationFailed for a cursor that does not fit.
    """
    page, found = await service.search_with_text(snapshot, request, codec=codec)
    advice = [f"Searched for “{page.did_you_mean}”."] if page.did_you_mean else []
    if page.total <= limits.FEW_RESULTS:
        advice += [sentence async for sentence in _to_widen(snapshot, request, page, found)]
    elif quality(page.total) is SearchQuality.TOO_MANY_RESULTS:
        advice += [sentence async for sentence in _to_narrow(snapshot, request, page, found)]
    return page, advice


async def _to_widen(
    snapshot: Snapshot, request: SearchRequest, page: Page, found: Found
) -> AsyncIterator[str]:
    names = [name for name in page.filters if name not in _WIDENING]
    for name in names[: limits.MAX_PROBES]:
        default = SearchRequest.model_fields[name].get_default()
        wider = request.model_copy(update={name: default})
        if wider.q and found.text is None:  # it holds nothing to search for
            continue
        total = await service.count(snapshot, wider, found.text if wider.q else None)
        if total > page.total:
            yield f"Without the filter {name}: {total} instead of {page.total}."


async def _to_narrow(
    snapshot: Snapshot, request: SearchRequest, page: Page, found: Found
) -> AsyncIterator[str]:
    facets = page.facets or await service.facets_of(snapshot, request, found)
    for name, facet in NARROWING.items():
        values = [] if name in page.filters else getattr(facets, facet) or []
        useful = [value for value in values if value.count < page.total]
        if useful:
            yield f"Narrow by {name}={useful[0].value}: {useful[0].count} results."


def quality(total: int) -> SearchQuality:
    """The band of a number of results."""
    for most, band in (
        (0, SearchQuality.NO_RESULTS),
        (limits.FEW_RESULTS, SearchQuality.FEW_RESULTS),
        (limits.GOOD_RESULTS, SearchQuality.GOOD_RESULTS),
        (limits.MANY_RESULTS, SearchQuality.MANY_RESULTS),
    ):
        if total <= most:
            return band
    return SearchQuality.TOO_MANY_RESULTS
