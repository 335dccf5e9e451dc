"""Searches become trends: known words only, each client once a day, and no search waits."""

import asyncio
import datetime as dt
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from psycopg import sql
from structlog.testing import capture_logs

from scholarship_api.activity.searches import recording
from scholarship_api.activity.searches.queries import MIN_CLIENTS
from scholarship_api.activity.searches.recording import MAX_PENDING, CountedSearch, SearchRecorder
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import changed, connected, running
from tests.activity.conftest import Connection, Headers, MakeAccount
from tests.faults import FaultyProxy, eventually, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

TRENDS = "/api/v1/analytics/search-trends"
KEY = b"a key of the tests"
LAW = CountedSearch("law", has_results=True)


@pytest.fixture
def recorder(database: Database) -> SearchRecorder:
    """A recorder whose background task does not run."""
    return SearchRecorder(database, key=KEY)


def counted(rows: Connection) -> dict[str, int]:
    """Queries with their number of clients over all days."""
    return dict(
        rows.execute("SELECT query, sum(clients)::int FROM query_counts GROUP BY query").fetchall()
    )


async def flush(*apps: FastAPI) -> None:
    for app in apps:
        await app.state.search_recorder.flush()


async def search(app: FastAPI, q: str, *, clients: int = 1, first: int = 1) -> None:
    """Search for `q` from several addresses."""
    for number in range(first, first + clients):
        async with connected(app, f"192.0.2.{number}") as client:
            assert (await client.get("/api/v1/search", params={"q": q})).status_code == 200


# --- From a search to a trend --------------------------------------------------------------------


async def test_the_first_page_of_every_search_is_counted(app: FastAPI, rows: Connection) -> None:
    sent = [
        ("GET", "/api/v1/search?q=Award", None),
        ("GET", "/search?q=Award", None),
        ("POST", "/api/v1/search", {"keyword": " AWARD  "}),
        ("POST", "/search", {"q": "award"}),
        ("GET", "/api/v1/scholarships/smart-search?q=%C3%A1ward", None),
    ]
    for number, (method, path, body) in enumerate(sent):
        async with connected(app, f"192.0.2.{number}") as client:
            assert (await client.request(method, path, json=body)).status_code == 200
    await flush(app)
    assert counted(rows) == {"award": 5}
    async with connected(app, "192.0.2.99") as client:
        first = await client.get("/api/v1/search", params={"q": "curie", "limit": 2})
        await flush(app)
        rows.execute("TRUNCATE query_counts, query_clients")
        cursor = first.json()["next_cursor"]
        for query in (
            f"q=curie&limit=2&cursor={cursor}",
            "q=curie&offset=2",
            "renewable=true",
            "q=%20",
        ):
            assert (await client.get(f"/api/v1/search?{query}")).status_code == 200
        assert (await client.get("/api/v1/search?q=curie&limit=0")).status_code == 422
        assert (await client.get("/api/v1/search/suggestions?prefix=curie")).status_code == 200
    await flush(app)
    assert counted(rows) == {}


async def test_a_client_counts_once_a_day_for_a_query(
    apps: list[FastAPI], make_account: MakeAccount, rows: Connection
) -> None:
    """Over all workers, restarts and spellings; an account is one client at every address."""
    _, account = await make_account()
    for _ in range(3):
        for app in apps:
            await search(app, "law")
            await search(app, " LAW")
            for address in ("192.0.2.7", "192.0.2.8"):
                async with connected(app, address) as client:
                    await client.get("/api/v1/search?q=law", headers=account)
            await flush(app)
    assert counted(rows) == {"law": 2}
    await search(apps[0], "nursing law")
    await search(apps[1], "law", first=2)
    await flush(*apps)
    assert counted(rows) == {"law": 3, "nursing law": 1}


async def test_a_query_is_a_trend_from_five_clients_on(
    settings: Settings, apps: list[FastAPI], admin: Headers, rows: Connection
) -> None:
    async def trends(app: FastAPI) -> dict[str, int]:
        async with connected(app) as client:
            answer = await client.get(TRENDS, headers=admin)
            return {entry["query"]: entry["searches"] for entry in answer.json()["queries"]}

    for app, clients, first in ((apps[0], 3, 1), (apps[1], 1, 4)):
        await search(app, "Nursing", clients=clients, first=first)
    for _ in range(10):
        await search(apps[0], "spam nursing law")
    await flush(*apps)
    assert counted(rows) == {"nursing": 4, "nursing law": 1}
    assert await trends(apps[0]) == {}
    await search(apps[1], "Nursing", first=5)
    await flush(*apps)
    assert await trends(apps[0]) == await trends(apps[1]) == {"nursing": 5}
    async with running(settings) as restarted:
        assert await trends(restarted) == {"nursing": 5}


async def test_five_clients_on_different_days_make_no_trend(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    """They could be one person on several days."""
    rows.execute(
        "INSERT INTO query_counts SELECT current_date - day, 'law', %s FROM generate_series(0, 9)"
        " AS day",
        [MIN_CLIENTS - 1],
    )
    assert (await client.get(TRENDS, headers=admin)).json()["queries"] == []


async def test_windows_limits_and_order(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    rows.execute(
        "INSERT INTO query_counts VALUES (current_date, 'b', 5), (current_date, 'a', 5),"
        " (current_date - 6, 'old', 9), (current_date - 7, 'older', 50), (current_date - 6, 'a', 1)"
    )

    async def trends(**params: int) -> list[tuple[str, int]]:
        queries = (await client.get(TRENDS, params=params, headers=admin)).json()["queries"]
        return [(entry["query"], entry["searches"]) for entry in queries]

    assert await trends(days=7) == [("old", 9), ("a", 6), ("b", 5)]
    assert await trends(days=1) == [("a", 5), ("b", 5)]
    assert await trends(days=8, limit=1) == [("older", 50)]


async def test_searches_are_written_by_themselves(
    settings: Settings, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FLUSH_SECONDS", 0.1)
    async with running(settings) as app:
        await search(app, "Nursing")

        async def written() -> bool:
            return counted(rows) == {"nursing": 1}

        assert await eventually(written)


async def test_shutting_down_writes_the_last_searches(settings: Settings, rows: Connection) -> None:
    async with running(settings) as app:
        await search(app, "Nursing", clients=3)
        assert counted(rows) == {}
    assert counted(rows) == {"nursing": 3}


# --- Words that are kept -------------------------------------------------------------------------


async def test_words_of_the_catalogue_and_of_the_synonyms_are_kept(
    app: FastAPI, rows: Connection
) -> None:
    for query in ("Łódź astronomers", "lodz  ASTRONOMERS!", '"future" astronomers', "undergrads"):
        await search(app, query)
    await flush(app)
    assert counted(rows) == {"lodz astronomers": 1, "future astronomers": 1, "undergrads": 1}


async def test_an_unknown_word_is_left_out(app: FastAPI, rows: Connection) -> None:
    await search(app, "jonathan publicsson wants a law award")
    await search(app, "publicsson")
    await flush(app)
    assert counted(rows) == {"law award": 1}


async def test_a_word_that_only_shares_its_stem_is_left_out(app: FastAPI, rows: Connection) -> None:
    await search(app, "law astronomering")
    await flush(app)
    assert counted(rows) == {"law": 1}


async def test_clients_are_stored_as_digests_that_cannot_be_linked(
    recorder: SearchRecorder, rows: Connection
) -> None:
    for query in ("law", "nursing"):
        recorder.record(CountedSearch(query, has_results=True), client="address:192.0.2.1")
    await recorder.flush()
    digests = [digest for (digest,) in rows.execute("SELECT client FROM query_clients").fetchall()]
    assert len(set(digests)) == 2
    assert {len(digest) for digest in digests} == {recording.DIGEST_BYTES}
    columns = rows.execute(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_name IN ('query_counts', 'query_clients')"
    ).fetchall()
    assert set(columns) == {
        *(("query_counts", name) for name in ("day", "query", "clients")),
        *(("query_clients", name) for name in ("day", "query", "client")),
    }


# --- Without making anything wait ----------------------------------------------------------------


async def test_searches_do_not_wait_for_searches_that_cannot_be_written(
    app: FastAPI, client: httpx.AsyncClient, rows: Connection
) -> None:
    async def search(limit: int) -> None:
        answer = await client.get("/api/v1/search", params={"q": "award", "limit": limit})
        assert answer.status_code == 200

    await search(1)
    await flush(app)
    with rows.transaction():
        rows.execute("LOCK TABLE query_clients IN ACCESS EXCLUSIVE MODE")
        app.state.search_recorder.record(LAW, client="a")
        flushing = asyncio.create_task(app.state.search_recorder.flush())
        await asyncio.sleep(0.1)
        for limit in (1, 2, 3):
            await search(limit)
        assert not flushing.done()
        await flushing  # until lock_timeout
    await flush(app)
    assert counted(rows) == {"award": 1, "law": 1}


async def test_searches_wait_for_a_database_that_is_away(
    settings: Settings, rows: Connection
) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database = Database(changed(settings, database_url=through_proxy(url, proxy)))
        recorder = SearchRecorder(database, key=KEY)
        recorder.record(LAW, client="a")
        for mode in ("refuse", "forward"):
            proxy.set(mode)
            recorder.record(LAW, client=mode)
            with capture_logs() as logs:
                await recorder.flush()
            waiting = [entry["count"] for entry in logs if entry["event"] == "searches.waiting"]
            assert waiting == ([2] if mode == "refuse" else [])
        await database.close()
    assert counted(rows) == {"law": 3}


async def test_a_frozen_database_does_not_hold_up_the_shutdown(
    settings: Settings, rows: Connection
) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database = Database(changed(settings, database_url=through_proxy(url, proxy)))
        recorder = SearchRecorder(database, key=KEY)
        recorder.record(LAW, client="a")
        await recorder.flush()
        proxy.set("blackhole")
        for number in range(MAX_PENDING):
            recorder.record(LAW, client=str(number))
        with capture_logs() as logs:
            # Without its deadline, closing would wait for the statement's, which is 8 s.
            async with asyncio.timeout(recording.CLOSING_SECONDS + 5):
                await recorder.close()
        assert {"event": "searches.lost", "count": MAX_PENDING, "log_level": "error"} in logs
        # The proxy must have taken up the connection that it has just accepted, to end it.
        await asyncio.sleep(0.2)
        proxy.set("refuse")
        await database.close()
    assert counted(rows) == {"law": 1}


# --- Bounds --------------------------------------------------------------------------------------


async def test_searches_beyond_the_bound_are_dropped(
    recorder: SearchRecorder, rows: Connection
) -> None:
    for number in range(MAX_PENDING + 10):
        recorder.record(LAW, client=str(number))
    with capture_logs() as logs:
        await recorder.flush()
    assert {"event": "searches.dropped", "count": 10, "log_level": "warning"} in logs
    assert counted(rows) == {"law": MAX_PENDING}
    recorder.record(LAW, client=str(MAX_PENDING))  # there is room again
    with capture_logs() as logs:
        await recorder.flush()
    assert logs == []
    assert counted(rows) == {"law": MAX_PENDING + 1}


async def test_searches_that_wait_for_the_database_are_bounded(
    settings: Settings, rows: Connection
) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database = Database(changed(settings, database_url=through_proxy(url, proxy)))
        recorder = SearchRecorder(database, key=KEY)
        proxy.set("refuse")
        for part in range(3):
            for number in range(MAX_PENDING):
                recorder.record(LAW, client=f"{part} {number}")
            await recorder.flush()
        proxy.set("forward")
        await recorder.flush()
        await database.close()
    assert counted(rows) == {"law": MAX_PENDING}


async def test_workers_that_count_the_same_queries_do_not_deadlock(
    apps: list[FastAPI], rows: Connection
) -> None:
    """Each sees the searches in another order."""
    words = ("law", "nursing", "art", "music", "dance", "award")
    searches = [(f"{one} {other}", one) for one in words for other in words]
    for number in range(10):
        for query, client in searches:
            apps[0].state.search_recorder.record(
                CountedSearch(query, has_results=True), client=f"{client} {number}"
            )
        for query, client in reversed(searches):
            apps[1].state.search_recorder.record(
                CountedSearch(query, has_results=True), client=f"{client} {number}"
            )
        with capture_logs() as logs:
            await asyncio.gather(*(flush(app) for app in apps))
        assert logs == []
    assert counted(rows) == {query: 10 for query, _ in searches}


async def test_searches_count_for_the_day_on_which_they_were_made(
    recorder: SearchRecorder, rows: Connection
) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    recorder._pending[yesterday, LAW, "a"] = None
    recorder.record(LAW, client="a")
    await recorder.flush()
    found: list[Any] = rows.execute("SELECT day, clients FROM query_counts ORDER BY day").fetchall()
    assert found == [(yesterday, 1), (yesterday + dt.timedelta(days=1), 1)]


async def test_searches_work_without_the_table(
    settings: Settings, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a schema that the roll-out has not migrated yet."""
    monkeypatch.setattr(recording, "FLUSH_SECONDS", 0.05)
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    there, away = sql.Identifier("query_counts"), sql.Identifier("query_counts_away")
    async with running(settings) as app:
        rows.execute(rename.format(there, away))
        try:
            with capture_logs() as logs:
                await search(app, "law")
                await asyncio.sleep(0.3)
        finally:
            rows.execute(rename.format(away, there))
        assert [entry for entry in logs if entry["event"] == "searches.waiting"]

        async def written() -> bool:
            return counted(rows) == {"law": 1}

        assert await eventually(written)
