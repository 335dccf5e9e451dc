"""The search itself: one path for GET, POST, and every list of the catalogue."""

import math
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg

from scholarship_api.errors import NotFound
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import cursors
from scholarship_api.search.schemas import (
    Facets,
    SearchQuality,
    SearchRequest,
    Sort,
    Suggestion,
    Suggestions,
)
from scholarship_api.search.snapshot import Source
from scholarship_api.search.sql import plan, statements, suggestions
from scholarship_api.search.sql.filters import conditions_of, for_text
from scholarship_api.search.sql.statements import Conditions, Rows, Window
from scholarship_api.search.sql.summaries import facets_of, items_of
from scholarship_api.search.text.analysis import understand
from scholarship_api.search.text.tsquery import Ranked, TextQuery
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy

FEW_RESULTS: Final = 4


@dataclass(frozen=True, slots=True)
class Page:
    """What a search found."""

    items: list[bytes]
    """Each a ScholarshipSummary as JSON."""
    total: int
    total_is_exact: bool
    page: int
    page_size: int
    filters: dict[str, Any]
    has_next: bool
    has_previous: bool
    next_cursor: str | None
    facets: Facets | None = None
    did_you_mean: str | None = None


async def search(
    source: Source, request: SearchRequest, *, organization: str | None = None
) -> Page:
    """Run a search; `organization` keeps that organization's awards only.

    Raises ValidationFailed for a cursor that does not fit.
    """
    applied = request.applied()
    digest = cursors.digest_of({**applied, "sort": request.order, "organization": organization})
    cursor = cursors.decode(request.cursor, digest=digest) if request.cursor else None
    text = await _text_query(source, request, cursor) if request.q else None
    conditions = conditions_of(request, now=source.now, organization=organization, text=text)
    if request.q and text is None:
        found = _Found(conditions)
    else:
        try:
            found = await _find(source, request, conditions, text=text, cursor=cursor)
        except (psycopg.DataError, psycopg.ProgrammingError, ValueError, LookupError):
            if cursor is None:
                raise
            raise cursors.invalid() from None
    text = found.text
    rows = found.rows
    page = cursor.page if cursor else request.offset // request.limit + 1
    next_cursor = None
    if rows.has_more:
        next_cursor = cursors.Cursor(
            digest=digest,
            keys=rows.keys or (),
            page=page + 1,
            is_graded=found.is_graded or None,
            match=text.match if text else None,
            ranked=text.ranked if text and not found.is_graded else None,
            placed=text.placed if text and found.is_graded else None,
            letters=text.letters if text else 0,
            did_you_mean=text.did_you_mean if text else None,
        ).encode()
    facets = None
    if request.facets:
        counts = await statements.facets(
            source.fetch, found.conditions, total=found.total, exact=found.is_exact
        )
        facets = facets_of(counts)
    return Page(
        items=items_of(rows.items, rows.standings, source),
        total=found.total,
        total_is_exact=found.is_exact,
        page=page,
        page_size=request.limit,
        filters=applied,
        has_next=rows.has_more,
        has_previous=page > 1 or request.offset > 0,
        next_cursor=next_cursor,
        facets=facets,
        did_you_mean=text.did_you_mean if text else None,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    conditions: Conditions
    rows: Rows = field(default_factory=lambda: Rows([], [], has_more=False, keys=None))
    total: int = 0
    is_exact: bool = True
    is_graded: bool = False
    text: TextQuery | None = None
    """What was looked for in the end; with fewer words than q has when no award has all."""


async def _find(
    source: Source,
    request: SearchRequest,
    conditions: Conditions,
    *,
    text: TextQuery | None,
    cursor: cursors.Cursor | None,
) -> _Found:
    fetch = source.fetch
    window: Window = {
        "sort": request.order,
        "keys": cursor.keys if cursor else None,
        "limit": request.limit,
        "offset": request.offset,
    }
    by_relevance = text is not None and request.order is Sort.RELEVANCE
    ranked = window if by_relevance and not (cursor and cursor.is_graded) else None
    count = await statements.count(fetch, conditions, ranked=ranked)
    narrower = text.narrower if text else None
    if not count.is_exact and narrower is not None:
        text, conditions = narrower, for_text(conditions, narrower)
        count = await statements.count(fetch, conditions, ranked=ranked)
    enough = 1
    looser_texts = text.looser if text else ()
    if not count.total and looser_texts and await _are_filtered_out(source, request, conditions):
        looser_texts = ()
    for looser in looser_texts:
        if count.total >= enough:
            break
        text, conditions = looser, for_text(conditions, looser)
        enough = FEW_RESULTS  # a word was given up already: rather one more than a poor page
        count = await statements.count(fetch, conditions, ranked=ranked)
    if text is not None and cursor is None:
        text = text.for_matches(count.total)
    is_graded = bool(cursor.is_graded) if cursor else by_relevance and not count.is_exact
    if count.page is not None:
        rows = count.page
    elif is_graded and text is not None:
        rows = await plan.graded_page(fetch, conditions, text=text, total=count.total, **window)
    else:
        rows = await plan.page(fetch, conditions, total=count.total, **window)
    return _Found(conditions, rows, count.total, count.is_exact, is_graded, text)


async def _are_filtered_out(source: Source, request: SearchRequest, conditions: Conditions) -> bool:
    """Whether awards have all the words, but none that the filters keep: then that is the answer,
    and not awards with fewer of the words."""
    unfiltered = conditions_of(
        SearchRequest(include_closed=request.include_closed),
        now=source.now,
        organization=None,
        text=None,
    )
    if unfiltered.pieces == conditions.pieces:
        return False
    unfiltered = unfiltered.with_text(conditions.text, match=conditions.params["match"])
    return await statements.count_up_to(source.fetch, unfiltered, cap=1) > 0


def quality(total: int) -> SearchQuality:
    """The contract's bands: 0, 1-4, 5-20, 21-50, more."""
    for most, band in (
        (0, SearchQuality.NO_RESULTS),
        (FEW_RESULTS, SearchQuality.FEW_RESULTS),
        (20, SearchQuality.GOOD_RESULTS),
        (50, SearchQuality.MANY_RESULTS),
    ):
        if total <= most:
            return band
    return SearchQuality.TOO_MANY_RESULTS


async def advise(source: Source, request: SearchRequest, page: Page) -> list[str]:
    """What would help: a correction, filters to drop after few results, to add after many."""
    advice = [f"Searched for “{page.did_you_mean}”."] if page.did_you_mean else []
    if page.total <= FEW_RESULTS:
        for name in page.filters:
            wider = request.model_copy(
                update={name: SearchRequest.model_fields[name].get_default(), "cursor": None}
            )
            found = (await search(source, _probe(wider))).total
            if found > page.total:
                advice.append(f"Without the filter {name}: {found} instead of {page.total}.")
    elif quality(page.total) is SearchQuality.TOO_MANY_RESULTS:
        narrower = _probe(request).model_copy(update={"facets": True})
        counted = (await search(source, narrower)).facets
        for name in ("fields_of_study", "scholarship_types", "grade_levels"):
            values = getattr(counted, name) if name not in page.filters else []
            useful = [value for value in values if value.count < page.total]
            if useful:
                advice.append(f"Narrow by {name}={useful[0].value}: {useful[0].count} results.")
    return advice


def _probe(request: SearchRequest) -> SearchRequest:
    return request.model_copy(update={"limit": 1, "offset": 0, "cursor": None, "facets": False})


async def require_organization(fetch: Fetch, name: str) -> None:
    """Raises NotFound unless some published award is of this organization."""
    if "\x00" in name or not await statements.organization_exists(fetch, name):
        raise NotFound("No organization of this name has published an award.")


async def suggest(source: Source, prefix: str, *, limit: int) -> Suggestions:
    """Completions: fields of study, then organizations, then names of open awards.

    A name is completed from its beginning first, then from any of its words.
    """
    folded = " ".join((await suggestions.fold(source.fetch, prefix)).split())
    found = [Suggestion(text=label, kind="field") for label in _fields_with(folded)]
    if folded:
        names, organizations = await suggestions.complete_texts(
            source.fetch, folded, now=source.now, limit=limit
        )
        if len(names) + len(organizations) < limit:
            names += await suggestions.names_with(source, folded, limit=limit)
        found += [
            Suggestion(text=text, kind="organization") for text in organizations[: limit // 2]
        ]
        found += [Suggestion(text=text, kind="name") for text in dict.fromkeys(names)]
    return Suggestions(prefix=prefix, suggestions=found[:limit])


def _fields_with(folded: str) -> list[str]:
    labels = [name.replace("_", " ") for name in (*FieldOfStudy, *FIELD_ALIASES)]
    return [
        label
        for label in labels
        if folded and any(label[at:].startswith(folded) for at in _word_starts(label))
    ]


def _word_starts(text: str) -> list[int]:
    return [at for at in range(len(text)) if at == 0 or text[at - 1] == " "]


async def _text_query(
    source: Source, request: SearchRequest, cursor: cursors.Cursor | None
) -> TextQuery | None:
    if cursor is None:
        return await understand(source, request.q or "")
    if cursor.match is None:
        raise cursors.invalid()
    ranked = tuple(Ranked(*part) for part in cursor.ranked or ())
    return TextQuery(
        match=cursor.match,
        ranked=ranked,
        placed=cursor.placed,
        letters=cursor.letters,
        did_you_mean=cursor.did_you_mean,
        # Few, or else the walk would be one by grades.
        likely=0 if request.order is Sort.RELEVANCE and not cursor.is_graded else math.inf,
    )
