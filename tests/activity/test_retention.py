"""Rows older than the retention time are removed: in batches, by one worker at a time."""

import asyncio
import datetime as dt
from typing import Any

import pytest
from structlog.testing import capture_logs

from scholarship_api.activity import queries, retention
from scholarship_api.catalogue.search_index import refresh_statistics
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings, SettingsError
from tests.accounts.conftest import changed, running
from tests.activity.conftest import Connection
from tests.faults import FaultyProxy, eventually, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

NOW = dt.datetime(2026, 5, 20, 12, tzinfo=dt.UTC)


def fill(rows: Connection, ages: list[dt.timedelta]) -> None:
    for age in ages:
        rows.execute(
            "INSERT INTO interactions (scholarship_id, type, occurred_at)"
            " VALUES ('award_1', 'viewed', %s)",
            [NOW - age],
        )
        rows.execute("INSERT INTO query_counts VALUES (%s, %s, 1)", [(NOW - age).date(), str(age)])


def left(rows: Connection) -> tuple[list[Any], list[Any]]:
    interactions = rows.execute("SELECT occurred_at FROM interactions ORDER BY 1").fetchall()
    searches = rows.execute("SELECT day FROM query_counts ORDER BY 1").fetchall()
    return [at for (at,) in interactions], [day for (day,) in searches]


def total(rows: Connection) -> int:
    return sum(map(len, left(rows)))


async def test_only_older_rows_are_removed(database: Database, rows: Connection) -> None:
    day, instant = dt.timedelta(days=1), dt.timedelta(microseconds=1)
    ages = [0 * day, 9 * day, 10 * day, 10 * day + instant, 11 * day, 4000 * day]
    fill(rows, ages)
    with capture_logs() as logs:
        removed = await retention.purge(database, retention_days=10, now=NOW)
    assert removed == 3 + 2
    assert {"event": "retention.purged", "rows": 5, "log_level": "info"} in logs
    interactions, searches = left(rows)
    assert interactions == [NOW - age for age in sorted(ages[:3], reverse=True)]
    # A count is removed when its whole day is older.
    assert searches == [(NOW - age).date() for age in sorted(ages[:4], reverse=True)]
    assert await retention.purge(database, retention_days=10, now=NOW) == 0


async def test_rows_are_removed_in_batches(
    database: Database, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 7)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)
    fill(rows, [dt.timedelta(days=20, minutes=number) for number in range(21)])
    assert await retention.purge(database, retention_days=10, now=NOW) == 42
    assert total(rows) == 0


async def test_a_purge_runs_while_statistics_are_refreshed(
    database: Database, rows: Connection
) -> None:
    fill(rows, [dt.timedelta(days=20)])
    async with database.bulk_connection() as connection, connection.transaction():
        await refresh_statistics(connection)  # its lock is held until the outer transaction ends
        assert await retention.purge(database, retention_days=10, now=NOW) == 2


async def test_statistics_are_refreshed_during_a_purge(
    database: Database, rows: Connection
) -> None:
    rows.execute("UPDATE search_words SET documents = 0")
    async with database.write_session() as session:
        assert await queries.try_retention_lock(session)
        async with database.bulk_connection() as connection:
            await refresh_statistics(connection)
    counted = rows.execute("SELECT bool_and(documents > 0) FROM search_words").fetchone()
    assert counted == (True,)


async def test_one_worker_purges_at_a_time(
    database: Database, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(rows, [dt.timedelta(days=20)])
    async with database.write_session() as session:
        assert await queries.try_retention_lock(session)
        assert await retention.purge(database, retention_days=10, now=NOW) == 0
        assert total(rows) == 2
    monkeypatch.setattr(retention, "BATCH_ROWS", 3)
    fill(rows, [dt.timedelta(days=20, minutes=number + 1) for number in range(50)])
    removed = await asyncio.gather(
        *(retention.purge(database, retention_days=10, now=NOW) for _ in range(3))
    )
    assert sum(removed) == 102 - total(rows)
    await retention.purge(database, retention_days=10, now=NOW)
    assert total(rows) == 0


async def test_a_cancelled_purge_keeps_its_finished_batches(
    database: Database, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH_ROWS", 5)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 3600)
    fill(rows, [dt.timedelta(days=20, minutes=number) for number in range(20)])
    purging = asyncio.create_task(retention.purge(database, retention_days=10, now=NOW))

    async def begun() -> bool:
        return total(rows) == 35

    assert await eventually(begun)
    purging.cancel()
    await asyncio.gather(purging, return_exceptions=True)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0)
    removed = 0

    async def ended() -> bool:
        nonlocal removed
        # Stops early when the application of the fixture looks for old rows at that moment.
        removed += await retention.purge(database, retention_days=10, now=NOW)
        return removed == 35

    assert await eventually(ended)


async def test_the_application_purges_by_its_setting(
    settings: Settings, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "FIRST_PURGE_DELAY_SECONDS", 0)
    rows.execute(
        "INSERT INTO interactions (scholarship_id, type, occurred_at)"
        " SELECT 'award_1', 'viewed', now() - make_interval(days => days)"
        " FROM unnest(ARRAY[1, 6, 8, 366]) AS days"
    )

    async def kept(count: int) -> bool:
        return len(left(rows)[0]) == count

    for days, count in ((365, 3), (7, 2)):
        async with running(changed(settings, analytics_retention_days=days)):
            assert await eventually(lambda count=count: kept(count))  # type: ignore[misc]


async def test_purging_continues_after_an_outage_of_the_database(
    settings: Settings, rows: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "FIRST_PURGE_DELAY_SECONDS", 0)
    monkeypatch.setattr(retention, "PURGE_INTERVAL_SECONDS", 0.05)
    fill(rows, [dt.timedelta(days=4000)])
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        database = Database(changed(settings, database_url=through_proxy(url, proxy)))
        proxy.set("refuse")
        with capture_logs() as logs:
            purging = asyncio.create_task(retention.run(database, retention_days=365))

            async def postponed() -> bool:
                return any(entry["event"] == "retention.postponed" for entry in logs)

            assert await eventually(postponed)
        assert total(rows) == 2
        proxy.set("forward")

        async def purged() -> bool:
            return total(rows) == 0

        assert await eventually(purged)
        purging.cancel()
        await asyncio.gather(purging, return_exceptions=True)
        await database.close()


@pytest.mark.parametrize("days", [0, -1, 3651, "x"])
def test_invalid_retention_times_are_refused(settings: Settings, days: object) -> None:
    with pytest.raises(SettingsError, match="ANALYTICS_RETENTION_DAYS"):
        changed(settings, analytics_retention_days=days)


async def test_clients_of_past_days_and_former_counts_are_removed(
    database: Database, rows: Connection
) -> None:
    for days in range(4):
        day = (NOW - dt.timedelta(days=days)).date()
        rows.execute("INSERT INTO query_clients VALUES (%s, 'law', 'digest')", [day])
        rows.execute("INSERT INTO event_clients VALUES (%s, 'digest')", [day])
        rows.execute("INSERT INTO search_counts VALUES (%s, 'jane doe', 1)", [day])
    await retention.purge(database, retention_days=365, now=NOW)
    for table in ("query_clients", "event_clients"):
        found = rows.execute(f"SELECT day FROM {table} ORDER BY 1").fetchall()
        assert [day for (day,) in found] == [
            (NOW - dt.timedelta(days=days)).date() for days in (1, 0)
        ]
    assert rows.execute("SELECT * FROM search_counts").fetchall() == []


async def test_old_counts_of_events_are_removed(database: Database, rows: Connection) -> None:
    for days in (9, 10, 11):
        day = (NOW - dt.timedelta(days=days)).date()
        rows.execute(
            "INSERT INTO query_event_counts VALUES (%s, 'law', 'click', 1, 1, 0, 0)", [day]
        )
        rows.execute("INSERT INTO award_event_counts VALUES (%s, 'a', 'click', 1, 0, 0)", [day])
    assert await retention.purge(database, retention_days=10, now=NOW) == 2
    for table in ("query_event_counts", "award_event_counts"):
        found = rows.execute(f"SELECT day FROM {table} ORDER BY 1").fetchall()
        assert [day for (day,) in found] == [
            (NOW - dt.timedelta(days=days)).date() for days in (10, 9)
        ]
