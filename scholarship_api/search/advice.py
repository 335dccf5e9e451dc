"""Advice on a search: how to get more results, or fewer."""

from typing import Final

from scholarship_api.search import limits, service
from scholarship_api.search.schemas import SearchQuality, SearchRequest
from scholarship_api.search.service import Page
from scholarship_api.search.snapshot import Snapshot

NARROWING_FACETS: Final = ("fields_of_study", "scholarship_types", "grade_levels")
"""The facets whose values are suggested as filters."""


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


async def advise(snapshot: Snapshot, request: SearchRequest, page: Page) -> list[str]:
    """Sentences: the correction, filters to drop after few results, filters to add after many."""
    advice = [f"Searched for “{page.did_you_mean}”."] if page.did_you_mean else []
    if page.total <= limits.FEW_RESULTS:
        for name in page.filters:
            wider = request.model_copy(
                update={name: SearchRequest.model_fields[name].get_default(), "cursor": None}
            )
            found = (await service.search(snapshot, _probe(wider))).total
            if found > page.total:
                advice.append(f"Without the filter {name}: {found} instead of {page.total}.")
    elif quality(page.total) is SearchQuality.TOO_MANY_RESULTS:
        narrower = _probe(request).model_copy(update={"facets": True})
        counted = (await service.search(snapshot, narrower)).facets
        for name in NARROWING_FACETS:
            values = getattr(counted, name) if name not in page.filters else []
            useful = [value for value in values if value.count < page.total]
            if useful:
                advice.append(f"Narrow by {name}={useful[0].value}: {useful[0].count} results.")
    return advice


def _probe(request: SearchRequest) -> SearchRequest:
    return request.model_copy(update={"limit": 1, "offset": 0, "cursor": None, "facets": False})
