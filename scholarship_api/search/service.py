"""The search: one path for GET, POST, and every list of the catalogue.

A search without `q` is answered from the read model, which knows every filter and every order. A
search with `q` asks PostgreSQL for the awards with the words, see `text_search`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import psycopg
from pydantic import ValidationError
from pyroaring import BitMap

from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.errors import NotFound
from scholarship_api.search import cursors, limits, match_order, text_matching, text_search
from scholarship_api.search.asked import Asked, Found
from scholarship_api.search.basis import Basis
from scholarship_api.search.curation import curated, find_with_pins
from scholarship_api.search.cursors import Cursor, CursorCodec, Keyset
from scholarship_api.search.facets import (
    FILTERS,
    count_facets,
    no_facets,
    with_values_named,
)
from scholarship_api.search.filters import Kept, kept_awards
from scholarship_api.search.hits import matches_of, size_of, with_matches, with_pins_marked
from scholarship_api.search.items import read_items
from scholarship_api.search.orders import ORDERS
from scholarship_api.search.response_schemas import (
    Facets,
    InterpretedPhrase,
    Suggestion,
    Suggestions,
)
from scholarship_api.search.schemas import DISJUNCTIVE, SearchRequest, Sort
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.sql import statements, suggestions
from scholarship_api.search.sql.summaries import Item
from scholarship_api.search.summary import complete_items
from scholarship_api.search.text.interpretation import Interpretation, interpret
from scholarship_api.search.text.tsquery import TextQuery
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy


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
    basis: Basis | None = None
    """None for an answer that any write may change."""
    is_corrected: bool | None = None
    ignored_words: list[str] | None = None
    interpreted: list[InterpretedPhrase] | None = None
    ineligible_hidden: int | None = None
    unknown_amounts_hidden: int | None = None


_BAD_CURSOR_ERRORS: Final = (
    psycopg.DataError,
    psycopg.InternalError,
    psycopg.ProgrammingError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
)
"""The errors of a keyset or tsquery that does not fit the search, if a cursor has brought it."""


async def search(
    snapshot: Snapshot,
    request: SearchRequest,
    *,
    codec: CursorCodec,
    organization: str | None = None,
    without: Collection[str] = (),
    with_rules: bool = False,
) -> Page:
    """Run a search; `organization` keeps that organization's awards only, `without` leaves awards
    out by their ids, and `with_rules` applies the rules of operators to it.

    Raises ValidationFailed for a cursor that does not fit, and NotFound for an organization that
    has published no award.
    """
    page, _ = await search_with_text(
        snapshot,
        request,
        codec=codec,
        organization=organization,
        without=without,
        with_rules=with_rules,
    )
    return page


async def search_with_text(
    snapshot: Snapshot,
    request: SearchRequest,
    *,
    codec: CursorCodec,
    organization: str | None = None,
    without: Collection[str] = (),
    with_rules: bool = False,
) -> tuple[Page, Found]:
    """The same, with what was found, and for which words in the end."""
    asked = await _parse(snapshot, request, codec, organization)
    if without:
        asked = replace(asked, without=without)
    if with_rules:
        asked = await curated(asked)
    understood, found = await _answer(asked)
    if DISJUNCTIVE in request.facets and found.facets is not None:
        found = replace(found, facets=await _disjunctive_facets(understood, found))
    if request.facet_query is not None and found.facets is not None:
        found = replace(found, facets=with_values_named(found.facets, request.facet_query))
    return _render(understood, found), found


async def _answer(asked: Asked) -> tuple[Asked, Found]:
    """The result, and the search that has found it: with or without interpreted phrases."""
    understood = await interpreted(asked)
    try:
        found = await find_with_pins(understood, _find)
        if understood is not asked and not found.total:
            # The filters leave nothing, so the words are searched for as they are.
            understood, found = asked, await find_with_pins(asked, _find)
    except _BAD_CURSOR_ERRORS:
        if asked.cursor is None:
            raise
        raise cursors.invalid() from None
    return understood, found


@dataclass(frozen=True, slots=True)
class Resolved:
    """The filters and words that a search has ended with."""

    request: SearchRequest
    """Its filters, those of interpreted phrases included."""
    text: TextQuery | None = None
    """The words, without alternatives; None without words."""
    is_relaxed: bool = False
    """Whether no award has all words, so that fewer are searched for."""
    named: Sequence[str] | None = None
    """The only awards, where q holds nothing but a name."""


async def resolve(snapshot: Snapshot, request: SearchRequest, *, codec: CursorCodec) -> Resolved:
    """Run the search as a whole, to know which words decide."""
    first = request.model_copy(
        update={"limit": 1, "offset": 0, "cursor": None, "facets": (), "highlight": False}
    )
    if not request.q:
        return Resolved(first)
    understood, found = await _answer(await _parse(snapshot, first, codec, None))
    if found.text is None:
        if not understood.request.q:  # all of it was filters
            return Resolved(understood.request)
        named = await statements.ids_named(
            snapshot.fetch, understood.request.q, limit=limits.KNOWN_MATCHES
        )
        return Resolved(understood.request, named=named)
    whole = await text_search.query_of(understood)
    known = {None if each is None else each.match for each in with_all_words(whole)}
    text = replace(found.text, relaxations=(), uncorrected=None, without_synonyms=None)
    return Resolved(understood.request, text, is_relaxed=text.match not in known)


def with_all_words(text: TextQuery | None) -> Iterator[TextQuery | None]:
    """The query, and its forms that have all of its words."""
    while text is not None:
        yield text
        yield text.without_synonyms
        text = text.uncorrected


async def search_among(
    snapshot: Snapshot,
    request: SearchRequest,
    *,
    codec: CursorCodec,
    resolved: Resolved,
    only: Sequence[str],
    purpose: str,
) -> Page:
    """A page of some awards, in the order of a search that is resolved already.

    `purpose` tells cursors of different selections apart. Raises ValidationFailed for a cursor that
    does not fit.
    """
    asked = await _parse(snapshot, request, codec, None, purpose=purpose)
    paged = resolved.request.model_copy(
        update={name: getattr(request, name) for name in ("limit", "offset", "cursor", "highlight")}
    )
    asked = replace(asked, request=paged, only=only, text=resolved.text)
    try:
        return _render(asked, await _find(asked))
    except _BAD_CURSOR_ERRORS:
        if asked.cursor is None:
            raise
        raise cursors.invalid() from None


@dataclass(frozen=True, slots=True)
class FoundIds:
    ids: list[str]
    is_complete: bool
    """Whether these are all awards that the search finds."""


async def find_ids(
    snapshot: Snapshot, request: SearchRequest, *, codec: CursorCodec, limit: int
) -> FoundIds:
    """The ids of what a search finds, at most `limit` of them, those that close soonest.

    Of words that are too common to be counted, they are a sample.
    """
    selected = await select(snapshot, request, codec=codec)
    awards, is_complete = selected.awards, True
    model = await snapshot.model()
    if selected.text is not None:
        matches = await text_matching.some_matches(snapshot, model, selected.text)
        awards, is_complete = awards & matches, len(matches) <= limits.KNOWN_MATCHES
    page = ORDERS[Sort.DEADLINE].page(model, awards, limit=limit)
    return FoundIds(
        [model.ordinals.id_of(ordinal) for ordinal in page],
        is_complete and len(awards) <= limit,
    )


@dataclass(frozen=True, slots=True)
class Selected:
    """The awards that a search finds, for those that read all of them."""

    awards: BitMap
    """The ordinals of the awards that the filters keep."""
    text: TextQuery | None
    """The words that they must have besides; None: no further ones."""


async def select(snapshot: Snapshot, request: SearchRequest, *, codec: CursorCodec) -> Selected:
    found = Found(total=0)
    if request.q:
        _, found = await search_with_text(snapshot, request, codec=codec)
    model = await snapshot.model()
    awards = kept_awards(model, request, now=snapshot.now)
    if request.q and found.text is None:  # nothing but stop words: it may still be a name
        named = await statements.ids_named(snapshot.fetch, request.q, limit=limits.KNOWN_MATCHES)
        awards &= model.ordinals.find_all(named)
    return Selected(awards, found.text)


async def _parse(
    snapshot: Snapshot,
    request: SearchRequest,
    codec: CursorCodec,
    organization: str | None,
    *,
    purpose: str | None = None,
) -> Asked:
    filters = request.applied_filters()
    identity = {**filters, "sort": request.order, "organization": organization}
    if purpose is not None:
        identity["purpose"] = purpose
    identity |= {name: False for name in ("typo", "interpret") if not getattr(request, name)}
    if request.student is not None:
        identity["profile"] = request.student.sent()
    if request.is_private:
        digest = codec.private_digest_of(identity)
    else:
        digest = cursors.digest_of(identity)
    return Asked(
        snapshot=snapshot,
        request=request,
        codec=codec,
        filters=filters,
        digest=digest,
        cursor=codec.decode(request.cursor, digest=digest) if request.cursor else None,
        only=(None if organization is None else await _ids_of(snapshot, organization)),
    )


async def interpreted(asked: Asked) -> Asked:
    """The search with the filters that q asks for in words; the same if it asks for none."""
    request = asked.request
    if not request.interpret or not request.q:
        return asked
    understood = interpret(
        request.q, today=asked.snapshot.now.date(), filters=SearchRequest.model_fields
    )
    if not understood.phrases and not understood.preferred_words:
        return asked
    if asked.filters.keys() & understood.filters.keys():
        return asked
    if await statements.ids_named(asked.snapshot.fetch, request.q, limit=1, may_go_on=False):
        return asked
    try:
        filters = SearchRequest.model_validate(dict(understood.filters))
    except ValidationError:
        # Such as "over 5000 under 1000", or an amount that no award may have.
        return asked
    interpreted = request.model_copy(
        update={name: getattr(filters, name) for name in understood.filters} | {"q": understood.q}
    )
    return replace(asked, request=interpreted, interpretation=understood)


async def _ids_of(snapshot: Snapshot, organization: str) -> list[str]:
    found: list[str] = []
    if "\x00" not in organization:
        found = await statements.ids_of_organization(snapshot.fetch, organization)
    if not found:
        raise NotFound("No organization of this name has published an award.")
    return found


async def _find(asked: Asked) -> Found:
    if not asked.request.q:
        return await _find_structured(asked)
    text = await text_search.query_of(asked)
    if text is not None:
        return await text_search.find(asked, text)
    # Nothing but stop words or signs, such as IT or The Who: it may still be a name.
    named = await statements.ids_named(
        asked.snapshot.fetch, asked.request.q, limit=limits.KNOWN_MATCHES
    )
    if not named:
        return Found(
            total=0, facets=no_facets(asked.request.facets) if asked.request.facets else None
        )
    return await _find_structured(asked, among=named)


async def _find_structured(asked: Asked, *, among: Sequence[str] | None = None) -> Found:
    """Everything but the rows of the page comes from the read model, in one state.

    `among` are the ids of the only awards that may be found.
    """
    request = asked.request

    def choose(model: ReadModel) -> tuple[Sequence[int], Found]:
        kept = asked.keep(model)
        if among is not None:
            kept = kept.among(model.ordinals.find_all(among))
        page, keyset = _structured_page(asked, model, kept)
        total = len(kept.awards)
        return page, Found(
            total=total,
            has_more=keyset is not None,
            keyset=keyset,
            facets=count_facets(
                model,
                asked.counted(model, kept.awards),
                total=total + len(asked.counted_too),
                now=asked.snapshot.now,
                names=request.facets,
            )
            if request.facets
            else None,
            basis=_basis(asked, kept.with_hidden, model.ordinals.ids_of(page)),
            matches=matches_of(kept, page),
            ineligible_hidden=size_of(kept.ineligible),
            unknown_amounts_hidden=size_of(kept.unknown_amounts),
        )

    snapshot = asked.snapshot

    async def read(wanted: Mapping[str, int]) -> dict[str, tuple[int, Item]]:
        found = await read_items(snapshot.fetch, snapshot.items, wanted, highlighted=None)
        return {award_id: (item.row_version, item) for award_id, item in found.items()}

    found, rows = await snapshot.read(choose, read)
    return replace(found, items=rows)


def _structured_page(
    asked: Asked, model: ReadModel, kept: Kept
) -> tuple[Sequence[int], Keyset | None]:
    """The awards of the page, and the keyset of the last one if there are more."""
    request = asked.request
    limit, offset, keyset = request.limit, request.offset, asked.keyset
    if request.order is Sort.MATCH and kept.matches is not None:
        page, groups = match_order.page(
            model, kept.matches, kept.awards, limit=limit + 1, offset=offset, keyset=keyset
        )
        has_more, page = len(page) > limit, page[:limit]
        last = match_order.keyset_of(model, page[-1], groups[limit - 1]) if has_more else None
        return page, last
    order = ORDERS[Sort.DEADLINE if request.order is Sort.RELEVANCE else request.order]
    page = order.page(model, kept.awards, limit=limit + 1, keyset=keyset, offset=offset)
    has_more, page = len(page) > limit, page[:limit]
    return page, order.keyset_of(model, page[-1]) if has_more else None


def _basis(asked: Asked, kept: BitMap, shown: Iterable[str]) -> Basis | None:
    if asked.is_restricted:
        return None
    is_complete = len(kept) <= limits.MAX_BASIS_AWARDS
    return Basis(
        asked.request,
        asked.snapshot.revision,
        frozenset(shown),
        kept if is_complete else BitMap(),
        is_complete=is_complete,
    )


async def count(snapshot: Snapshot, request: SearchRequest, text: TextQuery | None) -> int:
    """How many results the filters have, with words that are analysed already."""
    model = await snapshot.model()
    kept = kept_awards(model, request, now=snapshot.now)
    if text is None:
        return len(kept)
    return await text_matching.count(snapshot, model, text, kept)


async def facets_of(snapshot: Snapshot, request: SearchRequest, found: Found) -> Facets:
    """The facets of all results, of which the words are analysed already."""
    model = await snapshot.model()
    awards = kept_awards(model, request, now=snapshot.now)
    if found.text is not None:
        awards &= await text_matching.some_matches(snapshot, model, found.text)
    return count_facets(model, awards, total=found.total, now=snapshot.now)


async def _disjunctive_facets(asked: Asked, found: Found) -> Facets:
    """The facets, of which those of a filter in force are counted as if it were not."""
    request = asked.request
    facets = found.facets or Facets()
    for facet, name in FILTERS.items():
        default = SearchRequest.model_fields[name].get_default()
        if facet in request.facets and getattr(request, name) != default:
            wider = request.model_copy(update={name: default})
            model = await asked.snapshot.model()
            kept = awards = replace(asked, request=wider).keep(model).awards
            if found.text is not None:
                awards = kept & await text_matching.some_matches(asked.snapshot, model, found.text)
            if found.pinned is not None:
                awards |= kept & model.ordinals.find_all(list(found.pinned.pins))
            counted = count_facets(
                model, awards, total=len(awards), now=asked.snapshot.now, names=(facet,)
            )
            facets = facets.model_copy(update={facet: getattr(counted, facet)})
    return facets


def _render(asked: Asked, found: Found) -> Page:
    request, text = asked.request, found.text
    page = asked.cursor.page if asked.cursor else request.offset // request.limit + 1
    return Page(
        items=with_pins_marked(
            with_matches(complete_items(found.items, asked.snapshot), found.matches),
            0 if found.pinned is None else found.pinned.shown,
        ),
        total=found.total,
        total_is_exact=found.is_exact,
        page=page,
        page_size=request.limit,
        filters=asked.filters,
        has_next=found.has_more,
        has_previous=page > 1 or request.offset > 0,
        next_cursor=_next_cursor(asked, found, page) if found.has_more else None,
        facets=found.facets,
        did_you_mean=text.did_you_mean if text else None,
        basis=found.basis,
        is_corrected=text.is_corrected if text and text.did_you_mean else None,
        ignored_words=list(text.ignored_words) if text and text.ignored_words else None,
        interpreted=_phrases(asked.interpretation),
        ineligible_hidden=found.ineligible_hidden,
        unknown_amounts_hidden=found.unknown_amounts_hidden,
    )


def _phrases(understood: Interpretation | None) -> list[InterpretedPhrase] | None:
    if understood is None or not understood.phrases:
        return None
    return [
        InterpretedPhrase(
            text=phrase.text,
            filter=phrase.filter,
            value=phrase.value,
            removed_from_query=phrase.is_removed,
        )
        for phrase in understood.phrases
    ]


def _next_cursor(asked: Asked, found: Found, page: int) -> str:
    text, is_tiered = found.text, found.is_tiered
    cursor = Cursor(
        digest=asked.digest,
        keyset=found.keyset or (),
        page=min(page + 1, limits.MAX_PAGE_NUMBER),
        is_tiered=is_tiered or None,
        match=text.match if text else None,
        weighted_clauses=text.weighted_clauses if text and not is_tiered else None,
        field_query=text.field_query if text and is_tiered else None,
        query_length=text.query_length if text else 0,
        did_you_mean=text.did_you_mean if text else None,
        is_uncorrected=text is not None and not text.is_corrected,
        ignored_words=text.ignored_words if text else (),
        pinned=found.pinned.pins if found.pinned else (),
        pins_left=found.pinned.left if found.pinned else 0,
        boosts=asked.curation.boosts_digest if asked.curation else None,
    )
    return asked.codec.encode(cursor)


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
