"""Searches become trends: counted by every worker, waited for by none."""

import asyncio
import datetime as dt
import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from psycopg import sql
from structlog.testing import capture_logs

from scholarship_api.activity import recording
from scholarship_api.activity.recording import MAX_QUERIES, SearchRecorder
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import changed, connected, running
from tests.activity.conftest import Connection, Headers
from tests.faults import FaultyProxy, eventually, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

TRENDS = "/api/v1/analytics/search-trends"


@pytest.fixture
def recorder(database: Database) -> SearchRecorder:
    """Of its own, whose background task does not run."""
    return SearchRecorder(database)


def counted(rows: Connection) -> dict[str, int]:
    return dict(
        rows.execute(
            "SELECT query, sum(searches)::int FROM search_counts GROUP BY query"
        ).fetchall()
    )


async def flush(*apps: FastAPI) -> None:
    for app in apps:
        await app.state.search_recorder.flush()


# --- From a search to a trend --------------------------------------------------------------------


async def test_what_counts_as_a_search(
    app: FastAPI, client: httpx.AsyncClient, rows: Connection
) -> None:
    await flush(app)
    rows.execute("TRUNCATE search_counts")
    for path in ("/api/v1/search", "/search"):
        assert (await client.get(path, params={"q": "Award"})).status_code == 200
        assert (await client.post(path, json={"keyword": " AWARD  "})).status_code == 200
    smart = await client.get("/api/v1/scholarships/smart-search", params={"q": "áward"})
    assert smart.status_code == 200
    await flush(app)
    assert counted(rows) == {"award": 5}
    # Neither further pages, nor searches without a query, nor what was refused, nor lists.
    first = await client.get("/api/v1/search", params={"q": "award", "limit": 2})
    cursor = first.json()["next_cursor"]
    for query in (
        f"q=award&limit=2&cursor={cursor}",
        "q=award&offset=2",
        "renewable=true",
        "q=%20",
    ):
        assert (await client.get(f"/api/v1/search?{query}")).status_code == 200
    assert (await client.get("/api/v1/search?q=award&limit=0")).status_code == 422
    assert (await client.get("/api/v1/search/suggestions?prefix=award")).status_code == 200
    await flush(app)
    assert counted(rows) == {"award": 6}


async def test_no_personal_data_is_kept(
    app: FastAPI, client: httpx.AsyncClient, rows: Connection, student: Headers
) -> None:
    for q in ("jane.doe@example.org award", "award for 078-05-1120", "+1 555 010 4477"):
        answer = await client.get("/api/v1/search", params={"q": q}, headers=student)
        assert answer.status_code == 200
    await flush(app)
    assert counted(rows) == {"award": 1, "award for": 1}
    columns = rows.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'search_counts'"
    ).fetchall()
    assert {name for (name,) in columns} == {"day", "query", "searches"}


async def test_trends_are_the_same_from_every_worker_and_after_a_restart(
    settings: Settings,
    apps: list[FastAPI],
    clients: list[httpx.AsyncClient],
    admin: Headers,
    rows: Connection,
) -> None:
    for worker, count in zip(clients, (3, 2), strict=True):
        for _ in range(count):
            await worker.get("/api/v1/search", params={"q": "Nursing"})
        await worker.get("/api/v1/search", params={"q": "law"})
    await flush(*apps)
    answers = [await worker.get(TRENDS, headers=admin) for worker in clients]
    assert answers[0].json() == answers[1].json()
    async with running(settings) as restarted, connected(restarted) as client:
        assert (await client.get(TRENDS, headers=admin)).json() == answers[0].json()
    assert answers[0].json()["queries"] == [
        {"query": "nursing", "searches": 5},
        {"query": "law", "searches": 2},
    ]


async def test_windows_limits_and_order(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    rows.execute(
        "INSERT INTO search_counts VALUES (current_date, 'b', 1), (current_date, 'a', 1),"
        " (current_date - 6, 'old', 5), (current_date - 7, 'older', 50), (current_date - 6, 'a', 3)"
    )

    async def trends(**params: int) -> list[tuple[str, int]]:
        queries = (await client.get(TRENDS, params=params, headers=admin)).json()["queries"]
        return [(entry["query"], entry["searches"]) for entry in queries]

    assert await trends(days=7) == [("old", 5), ("a", 4), ("b", 1)]
    assert await trends(days=1) == [("a", 1), ("b", 1)]
    assert await trends(days=8, limit=1) == [("older", 50)]


async def test_the_counts_are_written_by_themselves(
    settings: Settings, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "FLUSH_SECONDS", 0.1)
    async with running(settings) as app, connected(app) as client:
        await client.get("/api/v1/search", params={"q": "Nursing"})

        async def written() -> bool:
            return counted(rows) == {"nursing": 1}

        assert await eventually(written)


async def test_shutting_down_writes_what_is_left(settings: Settings, rows: Connection) -> None:
    async with running(settings) as app, connected(app) as client:
        for _ in range(3):
            await client.get("/api/v1/search", params={"q": "Nursing"})
        assert counted(rows) == {}
    assert counted(rows) == {"nursing": 3}


# --- Without making anything wait ----------------------------------------------------------------


async def test_searches_go_on_while_their_counts_cannot_be_written(
    app: FastAPI, client: httpx.AsyncClient, rows: Connection
) -> None:
    async def search_times() -> list[float]:
        times = []
        for number in range(20):
            started = time.perf_counter()
            answer = await client.get("/api/v1/search", params={"q": f"award {number}"})
            times.append(time.perf_counter() - started)
            assert answer.status_code == 200
        return sorted(times)

    free = await search_times()
    await flush(app)
    with rows.transaction():
        rows.execute("LOCK TABLE search_counts IN ACCESS EXCLUSIVE MODE")
        app.state.search_recorder.record("award 0")
        flushing = asyncio.create_task(app.state.search_recorder.flush())
        await asyncio.sleep(0.1)
        held_up = await search_times()
        assert not flushing.done()
        # Ends by lock_timeout.
        await flushing
    assert held_up[10] < 3 * free[10] + 0.05
    await flush(app)
    assert counted(rows) == {
        "award 0": 3,
        **{f"award {number}": 2 for number in range(1, 20)},
    }


async def test_counts_wait_for_a_database_that_is_away(
    settings: Settings, rows: Connection
) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        through = changed(settings, database_url=through_proxy(url, proxy))
        database = Database(through)
        recorder = SearchRecorder(database)
        recorder.record("law")
        for mode in ("refuse", "forward"):
            proxy.set(mode)
            recorder.record("Law")
            with capture_logs() as logs:
                await recorder.flush()
            waiting = [entry["count"] for entry in logs if entry["event"] == "searches.waiting"]
            assert waiting == ([2] if mode == "refuse" else [])
        await database.close()
    assert counted(rows) == {"law": 3}


async def test_a_database_that_is_frozen_does_not_hold_up_the_shutdown(
    settings: Settings, rows: Connection
) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database = Database(changed(settings, database_url=through_proxy(url, proxy)))
        recorder = SearchRecorder(database)
        recorder.record("law")
        await recorder.flush()
        proxy.set("blackhole")
        for number in range(MAX_QUERIES):
            recorder.record(f"law {number}")
        started = time.monotonic()
        with capture_logs() as logs:
            await recorder.close()
        assert time.monotonic() - started < recording.CLOSING_SECONDS + 0.7
        assert {"event": "searches.lost", "count": MAX_QUERIES, "log_level": "error"} in logs
        # What the proxy has just accepted it must have taken up before it can end it.
        await asyncio.sleep(0.2)
        proxy.set("refuse")
        await database.close()
    assert counted(rows) == {"law": 1}


async def test_recording_a_search_costs_next_to_nothing(recorder: SearchRecorder) -> None:
    hostile = "\ufdfa1-" * 170
    started = time.process_time()
    for number in range(5 * MAX_QUERIES):
        recorder.record(f"{number} {hostile}")
    assert (time.process_time() - started) / (5 * MAX_QUERIES) < 50e-6


async def test_hostile_queries_leave_others_their_turn(
    recorder: SearchRecorder, rows: Connection
) -> None:
    for number in range(MAX_QUERIES):
        recorder.record(f"{number} " + "\ufdfa1-" * 160)
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            started = time.perf_counter()
            await asyncio.sleep(0)
            longest = max(longest, time.perf_counter() - started)

    watching = asyncio.create_task(watch())
    await recorder.flush()
    watching.cancel()
    assert longest < 0.5


# --- Bounds --------------------------------------------------------------------------------------


async def test_overflow(recorder: SearchRecorder, rows: Connection) -> None:
    for number in range(MAX_QUERIES + 10):
        recorder.record(f"query {number}")
    recorder.record("query 0")
    with capture_logs() as logs:
        await recorder.flush()
    assert {"event": "searches.dropped", "count": 10, "log_level": "warning"} in logs
    found = counted(rows)
    assert len(found) == MAX_QUERIES
    assert found["query 0"] == 2
    assert f"query {MAX_QUERIES}" not in found
    # There is room again.
    recorder.record(f"query {MAX_QUERIES}")
    with capture_logs() as logs:
        await recorder.flush()
    assert logs == []
    assert counted(rows)[f"query {MAX_QUERIES}"] == 1


async def test_what_waits_for_the_database_is_bounded_too(
    settings: Settings, rows: Connection
) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database = Database(changed(settings, database_url=through_proxy(url, proxy)))
        recorder = SearchRecorder(database)
        proxy.set("refuse")
        for part in range(3):
            for number in range(MAX_QUERIES):
                recorder.record(f"query {part} {number}")
            await recorder.flush()
        proxy.set("forward")
        await recorder.flush()
        await database.close()
    assert set(counted(rows).values()) == {1}
    assert len(counted(rows)) == MAX_QUERIES


async def test_workers_that_count_the_same_queries(apps: list[FastAPI], rows: Connection) -> None:
    """In opposite orders, which would end in a deadlock."""
    queries = [f"query {number}" for number in range(300)]
    for _ in range(10):
        for query in queries:
            apps[0].state.search_recorder.record(query)
        for query in reversed(queries):
            apps[1].state.search_recorder.record(query)
        with capture_logs() as logs:
            await asyncio.gather(*(flush(app) for app in apps))
        assert logs == []
    assert counted(rows) == dict.fromkeys(queries, 20)


async def test_searches_count_for_the_day_on_which_they_were_made(
    recorder: SearchRecorder, rows: Connection
) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    recorder._counts[yesterday, "law"] = 2
    recorder.record("law")
    await recorder.flush()
    found: list[Any] = rows.execute(
        "SELECT day, searches FROM search_counts ORDER BY day"
    ).fetchall()
    assert found == [(yesterday, 2), (yesterday + dt.timedelta(days=1), 1)]


async def test_without_the_table_searches_work_and_the_recorder_lives(
    settings: Settings, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a schema that the roll-out has not migrated yet."""
    monkeypatch.setattr(recording, "FLUSH_SECONDS", 0.05)
    rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
    there, away = sql.Identifier("search_counts"), sql.Identifier("search_counts_away")
    async with running(settings) as app, connected(app) as client:
        rows.execute(rename.format(there, away))
        try:
            with capture_logs() as logs:
                answer = await client.get("/api/v1/search", params={"q": "law"})
                await asyncio.sleep(0.3)
        finally:
            rows.execute(rename.format(away, there))
        assert answer.status_code == 200
        assert [entry for entry in logs if entry["event"] == "searches.waiting"]

        async def written() -> bool:
            return counted(rows) == {"law": 1}

        assert await eventually(written)
