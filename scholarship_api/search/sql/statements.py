"""The statements of a search for words: which awards have them, and in which order.

Filters are the read model's. Statements that fetch a page answer in one row, because every row and
every value costs time in Python. Their texts are few, so that connections can prepare them: what
varies is a parameter.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.cursors import Keyset
from scholarship_api.search.sql import summaries
from scholarship_api.search.sql.scoring import boosted, negated_score
from scholarship_api.search.sql.summaries import Item
from scholarship_api.search.text import highlights
from scholarship_api.search.text.required_lexemes import Required
from scholarship_api.search.text.tsquery import TextQuery, highlighted, word_beginnings

_PUBLISHED: Final = "s.status = 'published'"
_MATCHES: Final = f"{_PUBLISHED} AND s.search_vector @@ %(match)s::tsquery"
_OPEN: Final = "s.closes_at >= %(now)s::timestamptz"
_AMONG: Final = f"{_PUBLISHED} AND s.id = ANY (%(ids)s::text[])"
_AFTER: Final = """(s.negated_score, s.closes_at, s.id)
    > (%(key_0)s::float8, %(key_1)s::timestamptz, %(key_2)s::text)"""

_IDS: Final = """CASE WHEN counted.total <= %(cap)s::int THEN
    (SELECT E'\\x1f' || string_agg(id, E'\\x1f') || E'\\x1f' FROM matched) END"""
"""SQL for the ids of the matches, unless they are too many."""

_SEPARATOR: Final = b"\x1f"
"""A control character, which JSON escapes and no id contains."""


@dataclass(slots=True)
class RankedRows:
    """A page by relevance."""

    items: dict[str, Item]
    """By id, in their order."""
    has_more: bool
    """Whether there are rows after the page."""
    keyset: Keyset | None
    """The sort key of the last row; None for a page that is not full."""
    matches: bytes = b""
    """The ids of all matches, where PostgreSQL has found them, as `Basis.ids` has them."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a result: at most `limit` after `keyset`, without the first `offset`."""

    keyset: Keyset | None
    limit: int
    offset: int


async def rank_matches(
    fetch: Fetch,
    text: TextQuery,
    window: Window,
    *,
    open_at: dt.datetime | None,
    cap: int,
    highlight: bool,
) -> tuple[int, RankedRows]:
    """The number of awards with the words and a page of them by relevance, in one statement.

    `open_at` leaves out awards that have closed before it. With more than `cap` matches the number
    is `cap` + 1, and there are no rows. The ids of all matches come with the page.
    """
    where = _MATCHES if open_at is None else f"{_MATCHES} AND {_OPEN}"
    return await _ranked(
        fetch, text, window, where=where, cap=cap, highlight=highlight, params={"now": open_at}
    )


async def rank_among(
    fetch: Fetch,
    text: TextQuery,
    window: Window,
    award_ids: Sequence[str],
    *,
    highlight: bool,
    boosts: Sequence[tuple[float, Sequence[str]]] = (),
) -> RankedRows:
    """A page of these awards, all of which have the words, by relevance.

    `boosts` are factors of the scores of some awards, the largest first.
    """
    _, rows = await _ranked(
        fetch,
        text,
        window,
        where=_AMONG,
        cap=len(award_ids),
        highlight=highlight,
        params={
            "ids": list(award_ids),
            **{f"boosted_{place}": list(ids) for place, (_, ids) in enumerate(boosts)},
        },
        factors=[factor for factor, _ in boosts],
    )
    return rows


async def _ranked(
    fetch: Fetch,
    text: TextQuery,
    window: Window,
    *,
    where: str,
    cap: int,
    highlight: bool,
    params: Mapping[str, object],
    factors: Sequence[float] = (),
) -> tuple[int, RankedRows]:
    is_first_page = window.keyset is None
    item = summaries.ITEM_WITH_TEXTS if highlight else summaries.ITEM
    order = "s.negated_score, s.closes_at, s.id"
    ids = "NULL" if where == _AMONG else _IDS
    keyset = {f"key_{position}": key for position, key in enumerate(window.keyset or ())}
    words = summaries.WORDS if highlight else "NULL"
    [(total, matches, shown, has_more, last, marked)] = await fetch(
        f"""
        WITH matched AS MATERIALIZED (
            SELECT {summaries.COLUMNS}, s.name_folded, s.closes_at, s.search_vector, s.xmin
            FROM scholarships AS s WHERE {where} LIMIT %(cap)s::int + 1
        ), counted AS MATERIALIZED (
            SELECT count(*) AS total FROM matched
        )
        SELECT counted.total, {ids}, page.*, {words} FROM counted, LATERAL (
            SELECT
                string_agg(concat_ws(E'\\x1f', s.id, s.xmin, {summaries.AVAILABILITY_SOURCE},
                    {item}), E'\\x1f' ORDER BY s.number) FILTER (WHERE s.number <= %(limit)s::int),
                count(*) > %(limit)s::int,
                max(json_build_array(s.negated_score, s.closes_at::text, s.id)::text)
                    FILTER (WHERE s.number = %(limit)s::int)
            FROM (
                SELECT s.*, row_number() OVER (ORDER BY {order}) AS number
                FROM (
                    SELECT s.* FROM (
                        SELECT s.*, {boosted(negated_score(), factors)} AS negated_score
                        FROM matched AS s
                    ) AS s
                    WHERE counted.total <= %(cap)s::int AND {"true" if is_first_page else _AFTER}
                    ORDER BY {order} LIMIT %(limit)s::int + 1 OFFSET %(offset)s
                ) AS s
            ) AS s
        ) AS page
        """,
        {
            **text_params(text),
            **params,
            **keyset,
            "cap": cap,
            "limit": window.limit,
            "offset": window.offset,
        },
    )
    rows = RankedRows(
        await _items(fetch, shown, match=text.match if highlight else None, words=marked),
        has_more == b"t",
        last and tuple(from_json(last)),
        matches or b"",
    )
    return int(total), rows


async def matching_ids(fetch: Fetch, match: str, *, limit: int) -> list[bytes]:
    """The ids, in UTF-8, of at most so many of the published awards with the words, in no order."""
    return await _encoded_ids(
        fetch,
        "SELECT string_agg(s.id, E'\\x1f') FROM"
        f" (SELECT s.id FROM scholarships AS s WHERE {_MATCHES} LIMIT {limit:d}) AS s",
        {"match": match},
    )


async def all_matching_ids(fetch: Fetch, match: str, *, limit: int) -> list[bytes] | None:
    """The ids, in UTF-8, of all published awards with the words, in no order; None if they are more
    than `limit`."""
    [(total, joined)] = await fetch(
        "WITH matched AS MATERIALIZED"
        f" (SELECT s.id FROM scholarships AS s WHERE {_MATCHES} LIMIT %(limit)s::int + 1)"
        " SELECT count(*), CASE WHEN count(*) <= %(limit)s::int"
        " THEN (SELECT string_agg(id, E'\\x1f') FROM matched) END FROM matched",
        {"match": match, "limit": limit},
    )
    if int(total) > limit:
        return None
    return joined.split(_SEPARATOR) if joined else []


async def matching_among(fetch: Fetch, match: str, award_ids: Sequence[str]) -> list[bytes]:
    """The ids, in UTF-8, of the given awards that contain the words, in no order."""
    # IS TRUE keeps the index of words out: the awards are few, and their rows say it.
    return await _encoded_ids(
        fetch,
        "SELECT string_agg(s.id, E'\\x1f') FROM scholarships AS s"
        f" WHERE {_AMONG} AND (s.search_vector @@ %(match)s::tsquery) IS TRUE",
        {"match": match, "ids": list(award_ids)},
    )


# A word that is told apart from others with its stem is indexed as itself, behind a sign.
_AWARDS_WITH_WORDS: Final = """
SELECT 'whole', given.lexeme, coalesce((
    SELECT sum(known.documents) FROM search_words AS known WHERE known.lexeme = given.lexeme
), 0) + coalesce((
    SELECT known.documents FROM search_words AS known WHERE '=' || known.word = given.lexeme
        AND known.word = substr(given.lexeme, 2)
), 0) FROM unnest(%(lexemes)s::text[]) AS given (lexeme)
UNION ALL
SELECT 'beginning', given.letters, coalesce((
    SELECT sum(known.documents) FROM search_words AS known
    WHERE known.word >= given.letters COLLATE "C"
      AND known.word < (given.letters || chr(1114111)) COLLATE "C"
), 0) FROM unnest(%(beginnings)s::text[]) AS given (letters)
"""


async def awards_with_words(
    fetch: Fetch, *, lexemes: Sequence[str], beginnings: Sequence[str]
) -> dict[Required, int]:
    """About how many awards have each lexeme, and a word with each beginning."""
    rows = await fetch(
        _AWARDS_WITH_WORDS, {"lexemes": list(lexemes), "beginnings": list(beginnings)}
    )
    return {(kind.decode(), letters.decode()): int(documents) for kind, letters, documents in rows}


async def any_has_words(fetch: Fetch, tsqueries: Sequence[str], award_ids: Collection[str]) -> bool:
    """Whether one of the given awards, published or not, has the words of one of the tsqueries."""
    [(found,)] = await fetch(
        "SELECT EXISTS (SELECT FROM scholarships AS s"
        " WHERE s.id = ANY (%(ids)s::text[])"
        " AND s.search_vector @@ ANY (%(tsqueries)s::text[]::tsquery[]))",
        {"ids": list(award_ids), "tsqueries": list(tsqueries)},
    )
    return bool(found == b"t")


async def ids_named(fetch: Fetch, typed: str, *, limit: int, may_go_on: bool = True) -> list[str]:
    """At most so many of the published awards of which the name or the organization is this text.

    A text of several words may also be the beginning of the name, if that `may_go_on`.
    """
    prefix = " ".join(typed.split())
    is_beginning = may_go_on and " " in prefix
    begins = (
        " OR (s.name_folded >= given.folded || ' ' AND s.name_folded < given.folded || '!')"
        if is_beginning
        else ""
    )
    return await _ids(
        fetch,
        "SELECT string_agg(named.id, E'\\x1f') FROM (SELECT s.id FROM scholarships AS s,"
        ' (SELECT public.fold_text(%(typed)s::text) COLLATE "C" AS folded) AS given'
        f" WHERE {_PUBLISHED} AND (s.name_folded = given.folded"
        f" OR s.organization_folded = given.folded{begins}) LIMIT {limit:d}) AS named",
        {"typed": prefix},
    )


async def ids_of_organization(fetch: Fetch, name: str) -> list[str]:
    """The published awards of the organization, however its name is spelled."""
    return await _ids(
        fetch,
        "SELECT string_agg(s.id, E'\\x1f') FROM scholarships AS s"
        f" WHERE {_PUBLISHED} AND s.organization_folded = public.fold_text(%(name)s::text)",
        {"name": name},
    )


async def estimate_matches(fetch: Fetch, match: str) -> int:
    """How many published awards have the words, according to PostgreSQL's planner."""
    explained = await fetch(
        f"EXPLAIN (FORMAT JSON) SELECT 1 FROM scholarships AS s WHERE {_MATCHES}", {"match": match}
    )
    return int(from_json(explained[0][0])[0]["Plan"]["Plan Rows"])


async def items(
    fetch: Fetch, award_ids: Sequence[str], *, words: str | None = None
) -> dict[str, Item]:
    """The published awards of these ids; `words` are those to show passages of."""
    item, marked_words = summaries.ITEM, "NULL"
    if words is not None:
        item, marked_words = summaries.ITEM_WITH_TEXTS, summaries.WORDS
    [(shown, marked)] = await fetch(
        f"SELECT string_agg(concat_ws(E'\\x1f', s.id, s.xmin, {summaries.AVAILABILITY_SOURCE},"
        f" {item}), E'\\x1f'), {marked_words} FROM scholarships AS s WHERE {_AMONG}",
        {"ids": list(award_ids)} | ({} if words is None else _stems(words)),
    )
    return await _items(fetch, shown, match=words, words=marked)


def text_params(text: TextQuery) -> dict[str, object]:
    """The parameters of the ranking formula, and of the words to mark."""
    return {
        "match": text.match,
        **_stems(text.match),
        "clauses": [clause.tsquery for clause in text.weighted_clauses],
        "weights": [clause.weight for clause in text.weighted_clauses],
        "alternative_counts": [clause.alternative_count for clause in text.weighted_clauses],
        "query_length": text.query_length,
        "typed": text.typed,
    }


def _stems(match: str) -> dict[str, object]:
    """The parameter of `summaries.WORDS`."""
    return {"lexemes": sorted(highlights.stems(match))}


async def _items(
    fetch: Fetch, shown: bytes | None, *, match: str | None, words: bytes | None
) -> dict[str, Item]:
    """The awards of a page as PostgreSQL gives them.

    With `match`, each has its passages, in which the `words` of the catalogue are marked.
    """
    parts = shown.split(_SEPARATOR) if shown else []
    found: dict[str, Item] = {}
    unmarked: list[str] = []
    highlight = None
    if match is not None:
        highlight = highlights.highlighter(match, words.decode().split() if words else ())
    columns = [parts[column::5] for column in range(5)]
    for encoded_id, row_version, source, summary, encoded_texts in zip(*columns, strict=True):
        award_id, json = encoded_id.decode(), summary
        if highlight is not None:
            texts = encoded_texts.decode()
            if highlights.can_mark(texts):
                json = _with_match(summary, highlight(texts))
            else:
                unmarked.append(award_id)
        found[award_id] = Item(int(row_version), source, json)
    if unmarked and match is not None:
        passages = await _passages(fetch, match, unmarked)
        for award_id in unmarked:
            item = found[award_id]
            found[award_id] = item._replace(json=_with_match(item.json, passages.get(award_id)))
    return found


async def _passages(fetch: Fetch, match: str, award_ids: Sequence[str]) -> dict[str, str]:
    """The passages of awards that PostgreSQL has to mark, as HTML."""
    rows = await fetch(
        f"SELECT s.id, {summaries.MARKED} FROM scholarships AS s WHERE {_AMONG}",
        {
            "ids": list(award_ids),
            "highlighted": highlighted(match),
            "word_beginnings": word_beginnings(match),
        },
    )
    return {award_id.decode(): passages.decode() for award_id, passages in rows}


def _with_match(summary: bytes, passages: str | None) -> bytes:
    return b'%b,"match":%b}' % (summary[:-1], to_json(passages))


async def _ids(fetch: Fetch, statement: str, params: Mapping[str, Any]) -> list[str]:
    return [award_id.decode() for award_id in await _encoded_ids(fetch, statement, params)]


async def _encoded_ids(fetch: Fetch, statement: str, params: Mapping[str, Any]) -> list[bytes]:
    [(joined,)] = await fetch(statement, params)
    return joined.split(_SEPARATOR) if joined else []
