"""Reads on standbys: every client sees its own write, and no page is older than one before it."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.app import create_app
from scholarship_api.platform.database import migrations
from scholarship_api.preflight import servers as preflight
from scholarship_api.settings.settings import Settings
from tests.deploy.postgres_nodes import PostgresNode, url_of
from tests.deploy.test_database_failover import settings_for
from tests.faults import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.server, pytest.mark.slow]

DELAY_SECONDS: Final = 5
INSERT: Final = """
    INSERT INTO scholarships
        (id, name, organization, scholarship_type, status, description, deadline_kind)
    VALUES (%s, %s, 'Replicated', 'merit_based', 'published', '', 'rolling')
"""


@pytest.fixture(scope="module")
def primary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresNode]:
    with PostgresNode(tmp_path_factory.mktemp("primary") / "a") as node:
        migrations.upgrade(node.owner_url)
        yield node


@pytest.fixture
def standby(primary: PostgresNode, tmp_path: Path) -> Iterator[PostgresNode]:
    with primary.standby(tmp_path / "b") as node:
        yield node


@asynccontextmanager
async def service(
    primary: PostgresNode, redis_url: str, read_hosts: str, **settings: str
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    variables = {
        **settings_for(primary.address, redis_url),
        "DATABASE_READ_URL": url_of(read_hosts),
        **settings,
    }
    app = create_app(
        Settings.model_validate({name.lower(): value for name, value in variables.items()})
    )
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        yield app, client


def write(primary: PostgresNode, award: str, name: str) -> None:
    """As the API writes: the version of the catalogue counts it."""
    with primary.connect() as connection:
        connection.execute(
            INSERT + " ON CONFLICT (id) DO UPDATE SET name = excluded.name", [award, name]
        )


def reads(app: FastAPI, outcome: str) -> float:
    from scholarship_api.platform.observability import metrics  # noqa: PLC0415

    return float(metrics._instruments().reads.labels(outcome)._value.get())


async def is_in_state(app: FastAPI, *states: str) -> bool:
    return await eventually(_states_are(app, list(states)), seconds=60, every=0.1)


def _states_are(app: FastAPI, states: list[str]) -> Callable[[], Awaitable[bool]]:
    async def are() -> bool:
        return [each.state for each in app.state.database.replicas.all] == states

    return are


async def search(client: httpx.AsyncClient, word: str, **parameters: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    response = await client.get("/api/v1/search", params={"q": word, **parameters})
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def test_reads_go_to_the_replica(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    word = uuid.uuid4().hex
    write(primary, f"read-{word}", f"Award {word}")
    async with service(primary, redis_url, standby.address) as (app, client):
        assert await is_in_state(app, "up")
        before = reads(app, "replica")
        asked = itertools.count(1)

        async def is_asked() -> bool:
            """Whether it is, in the end; while it is behind, the primary answers for a moment."""
            assert await search(client, f"{word} award", limit=next(asked) % 100 + 1)
            return reads(app, "replica") > before

        assert await eventually(is_asked, seconds=60, every=0.1)

        async def is_shown() -> bool:
            ready = (await client.get("/readyz")).json()
            return bool(ready["services"]["read_replicas"]["status"] == "up")

        assert await eventually(is_shown, seconds=30, every=0.2)


async def test_a_delayed_replica_serves_no_stale_page(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    standby.set("recovery_min_apply_delay", f"{DELAY_SECONDS}s")
    async with service(primary, redis_url, standby.address) as (app, client):
        assert await is_in_state(app, "up")
        word = uuid.uuid4().hex
        award = f"delayed-{word}"
        for number in range(12):
            await asyncio.to_thread(write, primary, award, f"Award {word} number{number}")
            # The next request, another one, and a third that no cache knows.
            for limit in (5, 5, number + 6):
                [found] = await search(client, word, limit=limit)
                assert found["name"] == f"Award {word} number{number}"
            suggested = await client.get(
                "/api/v1/search/suggestions", params={"prefix": f"Award {word}"}
            )
            assert f"number{number}" in suggested.text
        assert reads(app, "behind") > 0
        # The replica takes part again once it has replayed the last write.
        before = reads(app, "replica")
        limits = itertools.count(20)

        async def replica_reads() -> bool:
            [found] = await search(client, word, limit=next(limits) % 80 + 20)
            assert found["name"] == f"Award {word} number11"
            return reads(app, "replica") > before

        assert await eventually(replica_reads, seconds=60, every=0.2)


async def test_a_rule_is_in_force_at_once_while_a_replica_is_behind(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    word = f"w{uuid.uuid4().hex}"  # 12e34... would be read as a number and a word
    for number in range(3):
        write(primary, f"rule-{word}-{number}", f"Award {word}")
    write(primary, f"pin-{word}", "Another name")
    async with service(primary, redis_url, standby.address) as (app, client):
        assert await is_in_state(app, "up")
        limits = itertools.cycle(range(1, 100))

        async def first() -> str:
            found = await search(client, word, limit=next(limits))
            return str(found[0]["id"])

        assert await first() != f"pin-{word}"
        standby.set("recovery_min_apply_delay", f"{DELAY_SECONDS}s")
        for pin in (f"pin-{word}", f"rule-{word}-2", f"rule-{word}-1"):
            await asyncio.to_thread(pin_for, primary, word, pin)
            # The next request, and the same with another limit.
            assert [await first(), await first()] == [pin, pin]
        assert not await search(client, f"synonym{word}")
        await asyncio.to_thread(add_synonym, primary, f"synonym{word}", word)
        assert len(await search(client, f"synonym{word}")) == 3


def pin_for(primary: PostgresNode, word: str, award_id: str) -> None:
    """Pin one award for the word, in place of any other."""
    with primary.connect() as connection, connection.transaction():
        connection.execute("DELETE FROM search_rules")
        connection.execute(
            "INSERT INTO search_rules (id, query, match, pins)"
            " VALUES (gen_random_uuid(), %s, 'exact', %s)",
            [word, [award_id]],
        )


def add_synonym(primary: PostgresNode, word: str, other: str) -> None:
    with primary.connect() as connection:
        connection.execute(
            "INSERT INTO search_synonyms (id, kind, words, others)"
            " VALUES (gen_random_uuid(), 'one_way', %s, %s)",
            [[word], [other]],
        )


async def test_clients_never_go_back_in_time(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    standby.set("recovery_min_apply_delay", "200ms")
    word = uuid.uuid4().hex
    await asyncio.to_thread(write, primary, f"clock-{word}", f"Award {word} 0")
    async with service(primary, redis_url, standby.address) as (app, client):
        assert await is_in_state(app, "up")
        written = 0
        done = asyncio.Event()

        async def write_on() -> None:
            nonlocal written
            for number in range(1, 40):
                name = f"Award {word} {number}"
                await asyncio.to_thread(write, primary, f"clock-{word}", name)
                written = number
                await asyncio.sleep(0.05)
            done.set()

        async def read_on(first_limit: int) -> None:
            newest = 0
            for limit in itertools.cycle(range(first_limit, first_limit + 20)):
                acknowledged = written
                [found] = await search(client, word, limit=limit)
                seen = int(found["name"].rpartition(" ")[2])
                assert seen >= max(newest, acknowledged)
                newest = seen
                if done.is_set():
                    return

        await asyncio.gather(write_on(), *(read_on(first) for first in (1, 21, 41)))


async def test_a_replica_that_is_killed_or_frozen_is_left_out_and_comes_back(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    word = uuid.uuid4().hex
    write(primary, f"lost-{word}", f"Award {word}")
    async with service(primary, redis_url, standby.address) as (app, client):
        assert await is_in_state(app, "up")
        limits = itertools.cycle(range(1, 100))

        async def search_on(until: Awaitable[bool]) -> None:
            waiting = asyncio.ensure_future(until)
            while not waiting.done():
                assert await search(client, word, limit=next(limits))
            assert await waiting

        await search_on(asyncio.sleep(0.2, result=True))
        standby.kill()
        await search_on(is_in_state(app, "refused"))

        async def is_degraded() -> bool:  # probes share a result for a second
            ready = (await client.get("/readyz")).json()
            shown = ready["services"]["read_replicas"]
            return (ready["status"], shown["status"], shown.get("reason")) == (
                "degraded",
                "degraded",
                "refused",
            )

        assert await eventually(is_degraded, seconds=60)
        await asyncio.to_thread(standby.start)
        await search_on(is_in_state(app, "up"))
        with standby.frozen():
            await search_on(is_in_state(app, "timeout"))
        await search_on(is_in_state(app, "up"))


async def test_a_replica_that_lags_too_much_is_left_out(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    async with service(
        primary, redis_url, f"{standby.address},{primary.address}", READ_REPLICA_MAX_LAG="2"
    ) as (app, _):
        assert await is_in_state(app, "up", "up")
        standby.execute("SELECT pg_wal_replay_pause()")
        write(primary, f"lag-{uuid.uuid4().hex}", "Award")
        assert await is_in_state(app, "lagging", "up")
        standby.execute("SELECT pg_wal_replay_resume()")
        assert await is_in_state(app, "up", "up")


async def test_the_checklist_shows_the_replicas(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    async def row(hosts: str) -> tuple[str, str]:
        variables = settings_for(primary.address, redis_url) | {"DATABASE_READ_URL": url_of(hosts)}
        settings = Settings.model_validate({k.lower(): v for k, v in variables.items()})
        rows = await preflight.rows_of(settings, 1)
        return next((each.outcome, each.detail) for each in rows if each.name == "read replicas")

    assert (await row(standby.address))[0] == "passed"
    status, detail = await row(f"{standby.address},127.0.0.1:1")
    assert (status, "2 (refused)" in detail) == ("warning", True)
    assert (await row("127.0.0.1:1"))[0] == "failed"


def test_several_urls_and_hosts_are_read() -> None:
    urls = "postgresql://u:planted,x@a:1,b:2/d,postgresql://u@/d?host=/run/c postgres://u@e/d"
    settings = Settings.model_validate({"environment": "test", "database_read_url": urls})
    assert len(settings.database_read_url) == 3
    assert "planted" not in repr(settings)


def test_an_unreadable_url_is_refused_without_its_parts() -> None:
    with pytest.raises(Exception, match="DATABASE_READ_URL") as refusal:
        Settings.model_validate({"environment": "test", "database_read_url": "mysql://u:planted@h"})
    assert "planted" not in str(refusal.value)
    assert not isinstance(refusal.value, psycopg.Error)
