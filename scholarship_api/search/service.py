"""The search: one path for GET, POST, and every list of the catalogue."""

import math
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from scholarship_api.errors import NotFound
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import cursors, limits
from scholarship_api.search.cursors import Cursor, CursorCodec
from scholarship_api.search.schemas import (
    Facets,
    SearchRequest,
    Sort,
    Suggestion,
    Suggestions,
)
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import counts, pages, plan, statements, suggestions
from scholarship_api.search.sql.conditions import Conditions
from scholarship_api.search.sql.facets import NO_FACETS, count_facets
from scholarship_api.search.sql.filters import conditions_of, with_query
from scholarship_api.search.sql.plan import Estimate, Plan
from scholarship_api.search.sql.statements import Rows, Window
from scholarship_api.search.sql.summaries import complete_items
from scholarship_api.search.text.analysis import analyse
from scholarship_api.search.text.tsquery import TextQuery, WeightedClause
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy

_BAD_CURSOR_ERRORS: Final = (
    psycopg.DataError,
    psycopg.InternalError,
    psycopg.ProgrammingError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
    LookupError,
    ValueError,
)
"""The errors of a keyset or tsquery that does not fit the search, if a cursor has brought it."""


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to a search."""

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


@dataclass(frozen=True, slots=True)
class _Search:
    """A parsed request."""

    snapshot: Snapshot
    request: SearchRequest
    codec: CursorCodec
    filters: dict[str, Any]
    digest: str
    """Identifies the search: a cursor of another one is refused."""
    cursor: Cursor | None
    conditions: Conditions
    """Without the words of q."""

    @property
    def window(self) -> Window:
        return {
            "sort": self.request.order,
            "keyset": self.cursor.keyset if self.cursor else None,
            "limit": self.request.limit,
            "offset": self.request.offset,
        }


@dataclass(frozen=True, slots=True)
class Planned:
    """The text query that is answered in the end, and the plan for its page."""

    text: TextQuery | None
    conditions: Conditions
    total: int
    is_exact: bool
    plan: Plan
    estimate: Estimate
    rows: Rows | None = None
    """The rows of the page, if counting them has found them too."""


async def search(
    snapshot: Snapshot,
    request: SearchRequest,
    *,
    codec: CursorCodec,
    organization: str | None = None,
) -> Page:
    """Run a search; `organization` keeps that organization's awards only.

    Raises ValidationFailed for a cursor that does not fit.
    """
    page, _ = await search_and_plan(snapshot, request, codec=codec, organization=organization)
    return page


async def search_and_plan(
    snapshot: Snapshot,
    request: SearchRequest,
    *,
    codec: CursorCodec,
    organization: str | None = None,
) -> tuple[Page, Planned]:
    """The same, with what was searched for in the end."""
    asked = _parse(snapshot, request, codec, organization)
    text = await _analyse(asked)
    try:
        planned = await _plan(asked, text)
        rows = planned.rows or await _fetch(asked, planned)
    except _BAD_CURSOR_ERRORS:
        if asked.cursor is None:
            raise
        raise cursors.invalid() from None
    return await _render(asked, planned, rows), planned


def _parse(
    snapshot: Snapshot, request: SearchRequest, codec: CursorCodec, organization: str | None
) -> _Search:
    filters = request.applied_filters()
    digest = cursors.digest_of({**filters, "sort": request.order, "organization": organization})
    return _Search(
        snapshot=snapshot,
        request=request,
        codec=codec,
        filters=filters,
        digest=digest,
        cursor=codec.decode(request.cursor, digest=digest) if request.cursor else None,
        conditions=conditions_of(request, now=snapshot.now, organization=organization),
    )


async def _analyse(asked: _Search) -> TextQuery | None:
    """The words of q; None without q, and for one that has nothing to search for."""
    request, cursor = asked.request, asked.cursor
    if not request.q:
        return None
    if cursor is None:
        return await analyse(asked.snapshot, request.q)
    if cursor.match is None:
        raise cursors.invalid()
    is_ranked = request.order is Sort.RELEVANCE and not cursor.is_tiered
    return TextQuery(
        match=cursor.match,
        weighted_clauses=tuple(WeightedClause(*each) for each in cursor.weighted_clauses or ()),
        field_query=cursor.field_query,
        query_length=cursor.query_length,
        did_you_mean=cursor.did_you_mean,
        # A ranked walk has few matches, or it would be tiered.
        estimated_matches=0 if is_ranked else math.inf,
    )


async def _plan(asked: _Search, text: TextQuery | None) -> Planned:
    """Choose what to search for and how.

    A q of nothing but stop words or signs matches nothing. When too many awards match to be ranked,
    synonyms are given up. When no award has all words, the relaxations are tried, with fewer and
    fewer of them.
    """
    if text is None and asked.request.q:
        return _planned(asked, None, asked.conditions, Estimate(0, cap=0), Rows.none())
    planned = await _plan_for(asked, text)
    if text is None:
        return planned
    if not planned.is_exact and text.without_synonyms is not None:
        text = text.without_synonyms
        planned = await _plan_for(asked, text)
    if (
        not planned.total
        and text.relaxations
        and not await _are_filtered_out(asked, planned.conditions)
    ):
        for relaxed in text.relaxations:
            planned = await _plan_for(asked, relaxed)
            # A word was given up already: one word less is better than a page of very few results.
            if planned.total >= limits.FEW_RESULTS:
                break
    return planned


async def _plan_for(asked: _Search, text: TextQuery | None) -> Planned:
    """Count the matches of one text query, and choose the plan for its page."""
    fetch = asked.snapshot.fetch
    conditions = asked.conditions if text is None else with_query(asked.conditions, text)
    expected = await counts.expect(fetch, conditions)
    if expected.is_settled:
        return _planned(asked, text, conditions, expected.estimate)
    rows, cap = None, expected.estimate.cap
    is_rankable = expected.estimate.is_within_cap
    if is_rankable and _choose(asked, conditions, expected.estimate) is Plan.RANK_ALL:
        # Counting reads all that ranking needs, so one statement does both.
        total, rows = await statements.ranked_page(fetch, conditions, cap=cap, **asked.window)
    else:
        total = await counts.count_up_to(fetch, conditions, cap=cap + 1)
    estimate = await counts.settle(fetch, conditions, expected, counted=total)
    return _planned(asked, text, conditions, estimate, rows if estimate.is_within_cap else None)


def _planned(
    asked: _Search,
    text: TextQuery | None,
    conditions: Conditions,
    estimate: Estimate,
    rows: Rows | None = None,
) -> Planned:
    total = int(estimate.matches)
    return Planned(
        text=text.for_matches(total) if text is not None and asked.cursor is None else text,
        conditions=conditions,
        total=total,
        is_exact=estimate.is_within_cap,
        plan=_choose(asked, conditions, estimate),
        estimate=estimate,
        rows=rows,
    )


def _choose(asked: _Search, conditions: Conditions, estimate: Estimate) -> Plan:
    request = asked.request
    selectivity = None
    if conditions.has_text and request.order is Sort.DEADLINE:
        is_few = plan.expects_few(estimate.matches, is_filtered=conditions.is_filtered)
        [selectivity, *_] = plan.selectivities(
            matches=estimate.matches, offset=request.offset, is_few=is_few
        )
    return plan.choose(estimate, request.order, asked.cursor, selectivity)


async def _are_filtered_out(asked: _Search, conditions: Conditions) -> bool:
    """Whether awards have all words, but the filters leave them out: then that is the answer, and
    not awards with fewer of the words."""
    unfiltered = conditions_of(
        SearchRequest(include_closed=asked.request.include_closed),
        now=asked.snapshot.now,
        organization=None,
    )
    if unfiltered.clauses == conditions.clauses:
        return False
    unfiltered = unfiltered.with_text(conditions.text, match=conditions.params["match"])
    return await counts.count_up_to(asked.snapshot.fetch, unfiltered, cap=1) > 0


async def _fetch(asked: _Search, planned: Planned) -> Rows:
    return await pages.fetch_page(
        asked.snapshot.fetch,
        planned.plan,
        planned.conditions,
        text=planned.text,
        estimate=planned.estimate,
        **asked.window,
    )


async def _render(asked: _Search, planned: Planned, rows: Rows) -> Page:
    request, text = asked.request, planned.text
    page = asked.cursor.page if asked.cursor else request.offset // request.limit + 1
    facets = None
    if request.facets:
        facets = await facets_of(asked.snapshot, planned)
    return Page(
        items=complete_items(rows.items, rows.availability_sources, asked.snapshot),
        total=planned.total,
        total_is_exact=planned.is_exact,
        page=page,
        page_size=request.limit,
        filters=asked.filters,
        has_next=rows.has_more,
        has_previous=page > 1 or request.offset > 0,
        next_cursor=_next_cursor(asked, planned, rows, page) if rows.has_more else None,
        facets=facets,
        did_you_mean=text.did_you_mean if text else None,
    )


async def facets_of(snapshot: Snapshot, planned: Planned) -> Facets:
    """The facets of all matches."""
    if not planned.total:
        return NO_FACETS
    return await count_facets(
        snapshot.fetch, planned.conditions, total=planned.total, is_exact=planned.is_exact
    )


def _next_cursor(asked: _Search, planned: Planned, rows: Rows, page: int) -> str:
    text, is_tiered = planned.text, planned.plan is Plan.TIERED
    cursor = Cursor(
        digest=asked.digest,
        keyset=rows.keyset or (),
        page=min(page + 1, limits.MAX_PAGE_NUMBER),
        is_tiered=is_tiered or None,
        match=text.match if text else None,
        weighted_clauses=text.weighted_clauses if text and not is_tiered else None,
        field_query=text.field_query if text and is_tiered else None,
        query_length=text.query_length if text else 0,
        did_you_mean=text.did_you_mean if text else None,
    )
    return asked.codec.encode(cursor)


async def require_organization(fetch: Fetch, name: str) -> None:
    """Raises NotFound unless some published award is of this organization."""
    if "\x00" in name or not await statements.organization_exists(fetch, name):
        raise NotFound("No organization of this name has published an award.")


async def suggest(snapshot: Snapshot, prefix: str, *, limit: int) -> Suggestions:
    """Completions: fields of study, then organizations, then names of open awards.

    Names that begin with the prefix come before names that contain its words.
    """
    folded = " ".join((await suggestions.fold(snapshot.fetch, prefix)).split())
    found = [Suggestion(text=label, kind="field") for label in _fields_with(folded)]
    if folded:
        names, organizations = await suggestions.complete_texts(
            snapshot.fetch, folded, now=snapshot.now, limit=limit
        )
        if len(names) + len(organizations) < limit:
            names += await suggestions.names_with(snapshot, folded, limit=limit)
        found += [
            Suggestion(text=text, kind="organization") for text in organizations[: limit // 2]
        ]
        found += [Suggestion(text=text, kind="name") for text in dict.fromkeys(names)]
    return Suggestions(prefix=prefix, suggestions=found[:limit])


def _fields_with(folded: str) -> list[str]:
    """The fields of study with a word that begins with `folded`."""
    labels = [name.replace("_", " ") for name in (*FieldOfStudy, *FIELD_ALIASES)]
    return [
        label
        for label in labels
        if folded and any(label[at:].startswith(folded) for at in _word_starts(label))
    ]


def _word_starts(text: str) -> list[int]:
    return [at for at in range(len(text)) if at == 0 or text[at - 1] == " "]
