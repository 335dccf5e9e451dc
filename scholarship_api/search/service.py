"""The search itself: one path for GET, POST, and every list of the catalogue."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final, TypedDict

import psycopg
from psycopg.rows import DictRow

from scholarship_api.errors import NotFound
from scholarship_api.platform.database import DriverConnection
from scholarship_api.search import cursors, queries, ranking, terms
from scholarship_api.search.conditions import conditions_of, for_text
from scholarship_api.search.presentation import facets_of, summary_of
from scholarship_api.search.queries import Conditions
from scholarship_api.search.schemas import (
    SearchPage,
    SearchQuality,
    SearchRequest,
    Sort,
    Suggestion,
    Suggestions,
)
from scholarship_api.search.text_queries import Ranked, TextQuery, quote
from scholarship_api.search.understanding import understand
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy

FEW_RESULTS: Final = 4


async def search(
    connection: DriverConnection,
    request: SearchRequest,
    *,
    now: dt.datetime,
    organization: str | None = None,
) -> SearchPage:
    """Run a search; `organization` keeps that organization's awards only.

    `took_ms` is for whoever sends the page to say.
    Raises ValidationFailed for a cursor that does not fit.
    """
    applied = request.applied()
    digest = cursors.digest_of({**applied, "sort": request.order, "organization": organization})
    cursor = cursors.decode(request.cursor, digest=digest) if request.cursor else None
    text = await _text_query(connection, request.q, cursor) if request.q else None
    conditions = conditions_of(request, now=now, organization=organization, text=text)
    if request.q and text is None:
        found = _Found([], total=0, is_exact=True, is_graded=False, conditions=conditions)
    else:
        try:
            found = await _find(connection, request, conditions, text=text, cursor=cursor, now=now)
        except (psycopg.DataError, psycopg.ProgrammingError, ValueError, IndexError):
            if cursor is None:
                raise
            raise cursors.invalid() from None
    text, conditions = found.text, found.conditions
    has_next = len(found.rows) > request.limit
    del found.rows[request.limit :]
    page = cursor.page if cursor else request.offset // request.limit + 1
    next_cursor = None
    if has_next:
        next_cursor = cursors.Cursor(
            digest=digest,
            keys=found.rows[-1][1],
            page=page + 1,
            is_graded=found.is_graded or None,
            match=text.match if text else None,
            ranked=text.ranked if text and not found.is_graded else None,
            placed=text.placed if text and found.is_graded else None,
            letters=text.letters if text else 0,
            did_you_mean=text.did_you_mean if text else None,
        ).encode()
    optional: dict[str, Any] = {}
    if request.facets:
        counts = await queries.facets(
            connection, conditions, total=found.total, exact=found.is_exact
        )
        optional["facets"] = facets_of(counts)
    if text is not None and text.did_you_mean is not None:
        optional["did_you_mean"] = text.did_you_mean
    return SearchPage(
        items=[summary_of(row, now=now) for row, _ in found.rows],
        total=found.total,
        total_is_exact=found.is_exact,
        page=page,
        page_size=request.limit,
        filters=applied,
        took_ms=0,
        has_next=has_next,
        has_previous=page > 1 or request.offset > 0,
        next_cursor=next_cursor,
        **optional,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    rows: list[tuple[DictRow, ranking.Keys]]
    """Of the page and one more, if there is one."""
    total: int
    is_exact: bool
    is_graded: bool
    conditions: Conditions
    text: TextQuery | None = None
    """What was looked for in the end; with fewer words than q has when no award has all."""


async def _find(
    connection: DriverConnection,
    request: SearchRequest,
    conditions: Conditions,
    *,
    text: TextQuery | None,
    cursor: cursors.Cursor | None,
    now: dt.datetime,
) -> _Found:
    total, exact = await queries.count(connection, conditions)
    narrower = text.narrower if text else None
    if not exact and narrower is not None:
        text, conditions = narrower, for_text(conditions, narrower)
        total, exact = await queries.count(connection, conditions)
    enough = 1
    looser_texts = text.looser if text else ()
    if not total and looser_texts and await _are_filtered_out(connection, request, conditions, now):
        looser_texts = ()
    for looser in looser_texts:
        if total >= enough:
            break
        text, conditions = looser, for_text(conditions, looser)
        enough = FEW_RESULTS  # a word was given up already: rather one more than a poor page
        total, exact = await queries.count(connection, conditions)
    if text is not None and cursor is None:
        text = text.for_matches(total)
        conditions = for_text(conditions, text)
    by_relevance = text if request.order is Sort.RELEVANCE else None
    is_graded = bool(cursor.is_graded) if cursor else not exact and by_relevance is not None
    place: _Place = {
        "keys": cursor.keys if cursor else None,
        "limit": request.limit + 1,
        "offset": request.offset,
    }
    if is_graded and by_relevance is not None:
        rows = await ranking.graded_page(
            connection, conditions, text=by_relevance, total=total, **place
        )
    else:
        rows = await ranking.page(connection, conditions, sort=request.order, total=total, **place)
    return _Found(
        rows, total=total, is_exact=exact, is_graded=is_graded, conditions=conditions, text=text
    )


async def _are_filtered_out(
    connection: DriverConnection, request: SearchRequest, conditions: Conditions, now: dt.datetime
) -> bool:
    """Whether awards have all the words, but none that the filters keep: then that is the answer,
    and not awards with fewer of the words."""
    unfiltered = conditions_of(
        SearchRequest(include_closed=request.include_closed), now=now, organization=None, text=None
    )
    if unfiltered.pieces == conditions.pieces:
        return False
    unfiltered = unfiltered.with_text(conditions.text, match=conditions.params["match"])
    return await queries.count_up_to(connection, unfiltered, cap=1) > 0


class _Place(TypedDict):
    keys: ranking.Keys | None
    limit: int
    offset: int


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


async def advise(
    connection: DriverConnection, request: SearchRequest, page: SearchPage, *, now: dt.datetime
) -> list[str]:
    """What would help: a correction, filters to drop after few results, to add after many."""
    advice = [f"Searched for “{page.did_you_mean}”."] if page.did_you_mean else []
    if page.total <= FEW_RESULTS:
        for name in page.filters:
            wider = request.model_copy(
                update={name: SearchRequest.model_fields[name].get_default(), "cursor": None}
            )
            found = (await search(connection, _probe(wider), now=now)).total
            if found > page.total:
                advice.append(f"Without the filter {name}: {found} instead of {page.total}.")
    elif quality(page.total) is SearchQuality.TOO_MANY_RESULTS:
        narrower = _probe(request).model_copy(update={"facets": True})
        counted = (await search(connection, narrower, now=now)).facets
        for name in ("fields_of_study", "scholarship_types", "grade_levels"):
            values = getattr(counted, name) if name not in page.filters else []
            useful = [value for value in values if value.count < page.total]
            if useful:
                advice.append(f"Narrow by {name}={useful[0].value}: {useful[0].count} results.")
    return advice


def _probe(request: SearchRequest) -> SearchRequest:
    return request.model_copy(update={"limit": 1, "offset": 0, "cursor": None, "facets": False})


async def require_organization(connection: DriverConnection, name: str) -> None:
    """Raises NotFound unless some published award is of this organization."""
    if "\x00" in name or not await queries.organization_exists(connection, name):
        raise NotFound("No organization of this name has published an award.")


async def suggest(
    connection: DriverConnection, prefix: str, *, limit: int, now: dt.datetime
) -> Suggestions:
    """Completions: fields of study, then organizations, then names of open awards.

    A name is completed from its beginning first, then from any of its words.
    """
    folded = " ".join((await queries.fold(connection, prefix)).split())
    found = [Suggestion(text=label, kind="field") for label in _fields_with(folded)]
    if folded:
        names, organizations = await queries.complete_texts(
            connection, folded, now=now, limit=limit
        )
        if len(names) + len(organizations) < limit:
            names += await _names_with(connection, folded, now=now, limit=limit)
        found += [
            Suggestion(text=text, kind="organization") for text in organizations[: limit // 2]
        ]
        found += [Suggestion(text=text, kind="name") for text in dict.fromkeys(names)]
    return Suggestions(prefix=prefix, suggestions=found[:limit])


async def _names_with(
    connection: DriverConnection, folded: str, *, now: dt.datetime, limit: int
) -> list[str]:
    try:
        words = [word.text for word in terms.parse(folded.replace('"', " ")).words]
    except ValueError:  # no name has so many
        return []
    if not words:
        return []
    resolved = await queries.resolve_words(connection, words)
    wanted = [quote(f"n/{row['lexeme']}") for row in resolved[:-1] if row["lexeme"]]
    last = {resolved[-1]["folded"], resolved[-1]["lexeme"] or resolved[-1]["folded"]}
    wanted.append("(" + "|".join(f"{quote(f'n/{stem}')}:*" for stem in sorted(last)) + ")")
    return await queries.names_with(connection, "&".join(wanted), now=now, limit=limit)


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
    connection: DriverConnection, q: str, cursor: cursors.Cursor | None
) -> TextQuery | None:
    if cursor is None:
        return await understand(connection, q)
    if cursor.match is None:
        raise cursors.invalid()
    ranked = tuple(Ranked(*part) for part in cursor.ranked or ())
    return TextQuery(
        match=cursor.match,
        ranked=ranked,
        placed=cursor.placed,
        letters=cursor.letters,
        did_you_mean=cursor.did_you_mean,
    )
