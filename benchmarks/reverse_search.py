"""Time to find the saved searches that a changed award is a new result of.

    python -m benchmarks.reverse_search [--quick]

1 000 000 saved searches with 100 000 different queries (--quick: 10 000 with 1 000) are compared
with one award that is published, and the time is compared with that of checking every query by the
search itself. 300 of the queries are checked for it, and the result is scaled; what both ways find
for these is the same, or the program fails.

Then 10 000 awards are published at once, and followed for 100 000 searches with 10 000 queries,
until all matches are stored (--quick: 500 awards, 10 000 searches). Last, awards are changed by
PATCH in a database with saved searches and in one without.

Of 100 queries 60 have two words, 10 one rare word, 4 an incomplete and 1 a misspelt one, 20 a word
and filters, and 5 several filters only. Words are chosen so that a query of words finds about .3 %
of the awards at most, and a word with filters 2 % before its filters: nobody wants to be told about
more. Queries of filters only find what their filters keep.
"""

import asyncio
import datetime as dt
import os
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from itertools import islice
from random import Random
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from pydantic import SecretStr
from sqlalchemy import make_url

from benchmarks.administrators import administrator, token_of
from benchmarks.catalogues import SIZES, Catalogue, catalogue
from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, run
from benchmarks.load import Connection, Load
from benchmarks.mixes import filter_sets
from benchmarks.progress import STDERR
from benchmarks.queries import Word, misspelt, pairs, vocabulary
from benchmarks.servers import Server, api, postgres_pid, redis_pid, valkey
from scholarship_api.catalogue import past_states
from scholarship_api.changes import sequencer
from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.database.engine import Database
from scholarship_api.saved_searches import notifications
from scholarship_api.saved_searches.indexing import digest_of
from scholarship_api.saved_searches.indexing_queries import Unindexed
from scholarship_api.saved_searches.matching import Found, SearchMatcher
from scholarship_api.saved_searches.schemas import canonical_query, request_of
from scholarship_api.search import new_results, service
from scholarship_api.search.new_results import Since
from scholarship_api.search.parts import SearchParts, search_parts
from scholarship_api.settings.settings import Settings

WANTED_SHARE: Final = 1 / 50
"""Time of the reverse search relative to that of checking every query."""

WANTED_SECONDS: Final = 300.0
"""For the awards that are published at once."""

WANTED_WRITE: Final = 1.05
"""CPU of a write with saved searches relative to one without."""

SEARCHES_OF_QUERY: Final = 10
SEARCHES_OF_SUBJECT: Final = 50
SINGLE_AWARDS: Final = 7
"""Awards that are compared one by one; the median counts."""

CHECKED_QUERIES: Final = 300
WRITTEN_AWARDS: Final = 1_000
RARE_SHARE: Final = 0.003
"""Share of the awards that a query finds at most, if its words are independent of each other."""

FILTERED_SHARE: Final = 0.02
"""The same before its filters."""

_JUST_BEFORE: Final = dt.timedelta(microseconds=1)

_PUBLISH: Final = "UPDATE scholarships SET status = 'published' WHERE id = ANY (%s)"
_ARCHIVE: Final = "UPDATE scholarships SET status = 'archived' WHERE id = ANY (%s)"
_LAST_CHANGES: Final = """
SELECT scholarship_id, max(id), max(changed_at) FROM scholarship_changes
WHERE scholarship_id = ANY (%s) GROUP BY 1
"""
_SKIP: Final = """
UPDATE outbox_consumers SET position = (SELECT coalesce(max(position), 0) FROM outbox)
"""

Query = dict[str, Any]


def measure(*, quick: bool) -> Sequence[Figure]:
    searches = (10_000, 10_000) if quick else (1_000_000, 100_000)
    with catalogue(SIZES[0] if quick else SIZES[1]) as awards:
        queries = list(islice(_queries(awards), searches[0] // SEARCHES_OF_QUERY))
        with _copy(awards, "many") as url:
            _save(url, queries, searches[0])
            single = asyncio.run(_single(url, queries, searches[0]))
        with _copy(awards, "several") as url, _copy(awards, "none") as without:
            _save(url, queries[: searches[1] // SEARCHES_OF_QUERY], searches[1])
            at_once = asyncio.run(_at_once(url, 500 if quick else 10_000, searches[1]))
            return [single, at_once, _writes(url, without, quick=quick)]


# --- The searches --------------------------------------------------------------------------------


def _queries(awards: Catalogue) -> Iterator[Query]:
    """Different queries, endlessly."""
    random = Random(1)  # noqa: S311 - repeatable on purpose
    with awards.connect() as connection:
        words = vocabulary(connection, awards.rows)
    rare = [word for word in words if word.share <= RARE_SHARE]
    few = [word for word in words if word.share <= FILTERED_SHARE]
    two = (
        (one, other)
        for one, other in _pairs(words, awards.rows)
        if one.share * other.share <= RARE_SHARE
    )
    filters = filter_sets(random)
    seen: set[str] = set()
    number = 0
    while True:
        query = _query(number % 100, two, random.choice(few), random.choice(rare), filters)
        number += 1
        with suppress(ValueError):  # two sets of filters may contradict each other
            canonical = canonical_query(query, use_profile=False)
            if (key := repr(canonical)) not in seen:
                seen.add(key)
                yield canonical


def _query(
    kind: int, two: Iterator[tuple[Word, Word]], word: Word, rare: Word, filters: Iterator[Query]
) -> Query:
    if kind < 60:
        one, other = next(two)
        return {"q": f"{one.text} {other.text}"}
    if kind < 70:
        return {"q": rare.text if kind < 65 else f"{rare.text} {word.text}"}
    if kind < 74:
        return {"q": f"{rare.text} {word.text[:4]}"}
    if kind == 74:
        return {"q": f"{misspelt(rare.text)} {word.text}"}
    chosen = next(filters)
    if kind < 95:
        return {"q": word.text, **chosen}
    return {**next(filters), **chosen, "scholarship_types": ["athletic"]}


def _pairs(words: Sequence[Word], rows: int) -> Iterator[tuple[Word, Word]]:
    seed = 1
    while True:
        yield from pairs(words, rows=rows, seed=seed)
        seed += 1


def _save(url: str, queries: Sequence[Query], searches: int) -> None:
    """Store searches that tell at once by webhook, SEARCHES_OF_QUERY of each query."""
    subjects = [uuid.uuid4() for _ in range(-(-searches // SEARCHES_OF_SUBJECT))]
    with _connect(url) as connection, connection.transaction():
        with connection.cursor().copy("COPY subjects (id, client, external_id) FROM STDIN") as copy:
            for subject in subjects:
                copy.write_row((subject, "benchmark", subject.hex))
        columns = "id, subject_id, name, query, use_profile, notify_channel, notify_frequency"
        with connection.cursor().copy(f"COPY saved_searches ({columns}) FROM STDIN") as copy:
            for number in range(searches):
                query = Jsonb(queries[number % len(queries)])
                subject = subjects[number % len(subjects)]
                row = (uuid.uuid4(), subject, "One", query, False, "webhook", "immediate")
                copy.write_row(row)
        # Searches are told only of changes that are newer.
        connection.execute("UPDATE saved_searches SET created_at = now() - interval '1 day'")
    with _connect(url) as connection:
        connection.execute("VACUUM ANALYZE saved_searches, subjects")


# --- The reverse search --------------------------------------------------------------------------


@asynccontextmanager
async def _worker(url: str) -> AsyncIterator[tuple[Database, SearchParts, SearchMatcher]]:
    settings = Settings(environment="test", database_url=SecretStr(url))
    database = Database(settings)
    parts = search_parts(settings, database)
    await parts.read_model.loaded()
    try:
        yield database, parts, SearchMatcher(database, parts.answers, parts.cursor_codec)
    finally:
        await parts.read_model.close()
        await database.close()


async def _single(url: str, queries: Sequence[Query], searches: int) -> Figure:
    async with _worker(url) as (_, parts, matcher):
        indexing = await _seconds(matcher.index)
        STDERR.print(f"{searches:,} searches indexed in {indexing:.0f} s")
        award_ids = _archived(url, SINGLE_AWARDS)
        first_changes, before = _published(url, award_ids)
        random = Random(2)  # noqa: S311
        checked = random.sample(list(queries), min(CHECKED_QUERIES, len(queries)))
        reverse, every, results = [], [], 0
        for award_id in award_ids:
            change = {award_id: first_changes[award_id]}
            began = time.perf_counter()
            found: Found = await matcher.match(change, before=before)
            reverse.append(time.perf_counter() - began)
            began = time.perf_counter()
            expected = await _check_every(parts, checked, change, before)
            every.append((time.perf_counter() - began) / len(checked) * len(queries))
            results += len(found)
            _compare(found, checked, expected)
    shares = [ours / all_ for ours, all_ in zip(reverse, every, strict=True)]
    detail = (
        f"{statistics.median(reverse):.2f} / {statistics.median(every):,.0f} s,"
        f" {results / len(award_ids):,.0f} of {len(queries):,} queries found,"
        f" indexed in {indexing:.0f} s"
    )
    goal = f"one changed award, {searches:,} saved searches: time / checking every query"
    return Figure(goal, statistics.median(shares), "at most", WANTED_SHARE, "x", detail)


async def _check_every(
    parts: SearchParts, queries: Sequence[Query], change: dict[str, int], before: dt.datetime
) -> list[set[str]]:
    """The new results of each query, found by running its search."""
    snapshot = await parts.answers.snapshot()
    since = Since(before, await past_states.changed_by(snapshot.fetch, change))
    model = await snapshot.model()
    past = await past_states.model_before(snapshot.fetch, since.known, unchecked=model.unchecked)
    found: list[set[str]] = []
    for query in queries:
        request = request_of(query, profile=None)
        try:
            resolved = await service.resolve(snapshot, request, codec=parts.cursor_codec)
        except ValidationFailed:
            found.append(set())
        else:
            found.append(await new_results.new_results(snapshot, resolved, after=since, past=past))
    return found


def _compare(found: Found, queries: Sequence[Query], expected: Sequence[set[str]]) -> None:
    for query, awards in zip(queries, expected, strict=True):
        search = Unindexed(uuid.uuid4(), query, use_profile=False)
        if set(found.get(digest_of(search), ())) != awards:
            raise RuntimeError(f"the reverse search and the search disagree about {query}")


async def _at_once(url: str, awards: int, searches: int) -> Figure:
    async with _worker(url) as (database, _, matcher):
        await matcher.index()
        award_ids = _archived(url, awards)
        await _sequence(database)
        with _connect(url) as connection:
            connection.execute(_SKIP)
            connection.execute(_PUBLISH, [award_ids])
        took = await _seconds(lambda: _follow(database, matcher))
    with _connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM saved_search_matches").fetchone()
    assert row
    detail = f"{row[0]:,} matches stored, {os.cpu_count()} CPUs"
    goal = f"{awards:,} changed awards, {searches:,} saved searches"
    return Figure(goal, took, "at most", WANTED_SECONDS, "s", detail)


async def _follow(database: Database, matcher: SearchMatcher) -> None:
    await _sequence(database)
    while await notifications.follow_changes(database, matcher, now=dt.datetime.now(dt.UTC)):
        pass


async def _sequence(database: Database) -> None:
    while True:
        async with database.write_session() as session:
            if not await sequencer.advance(session):
                return


async def _seconds(step: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await step()
    return time.perf_counter() - began


def _archived(url: str, awards: int) -> list[str]:
    """Open awards that are archived now, so that they can be published."""
    with _connect(url) as connection:
        rows = connection.execute(
            "SELECT id FROM scholarships WHERE status = 'published' AND closes_at > now()"
            " ORDER BY md5(id) LIMIT %s",
            [awards],
        ).fetchall()
        award_ids = [row[0] for row in rows]
        connection.execute(_ARCHIVE, [award_ids])
    return award_ids


def _published(url: str, award_ids: list[str]) -> tuple[dict[str, int], dt.datetime]:
    """Publish awards. Returns the change of each, and an instant before them."""
    with _connect(url) as connection:
        connection.execute(_PUBLISH, [award_ids])
        rows = connection.execute(_LAST_CHANGES, [award_ids]).fetchall()
    return {row[0]: row[1] for row in rows}, min(row[2] for row in rows) - _JUST_BEFORE


# --- Writes --------------------------------------------------------------------------------------


def _writes(url: str, without: str, *, quick: bool) -> Figure:
    with valkey() as redis_url:
        cases = {}
        others = (postgres_pid(_conninfo(url)), redis_pid(redis_url))
        with ExitStack() as stack:
            for name, database in (("with", url), ("without", without)):
                account = stack.enter_context(administrator(database))
                server = stack.enter_context(api(database, redis_url=redis_url))
                load = _patches(server, token_of(server, *account))
                cases[name] = Case(load, server.cpu_seconds_with(*others))
            found = in_turn(cases, quick=quick)
    ratio = found["with"].cost_ratio(found["without"])
    detail = found["with"].detail(found["without"])
    goal = "a changed award (PATCH) with saved searches: CPU / without"
    return Figure(goal, ratio, "at most", WANTED_WRITE, "x", detail)


def _patches(server: Server, token: str) -> Callable[[float], Load]:
    random = Random(3)  # noqa: S311
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/merge-patch+json",
        "If-Match": "*",
    }

    def load(seconds: float) -> Load:
        began = time.monotonic()
        requests = failed = 0
        with Connection(server.port) as client:
            while time.monotonic() < began + seconds:
                path = f"/api/v1/scholarships/synthetic_{random.randint(1, WRITTEN_AWARDS):08d}"
                body = {"max_awards": random.randrange(1, 1_000)}
                answer = client.ask(path, method="PATCH", headers=headers, body=body)
                failed += answer.status != 200
                requests += 1
        return Load(requests, failed, seconds)

    return load


# --- Databases -----------------------------------------------------------------------------------


@contextmanager
def _copy(awards: Catalogue, name: str) -> Iterator[str]:
    """The URL of a copy of the catalogue, which is removed afterwards."""
    source = make_url(awards.url)
    copy = f"reverse_search_{name}"
    drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(copy))
    maintenance = source.set(database="postgres").render_as_string(hide_password=False)
    with _connect(maintenance) as connection:
        connection.execute(drop)
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {}").format(
                Identifier(copy), Identifier(source.database or "")
            )
        )
        try:
            yield source.set(database=copy).render_as_string(hide_password=False)
        finally:
            with suppress(psycopg.Error):
                connection.execute(drop)


def _connect(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(_conninfo(url), autocommit=True)


def _conninfo(url: str) -> str:
    return url.replace("+psycopg", "")


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
