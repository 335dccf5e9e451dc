"""The model of a process is as new as the catalogue, whoever writes and in whatever order."""

import asyncio
import contextlib
import datetime as dt
import random
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import psycopg
import pytest
from psycopg import IsolationLevel
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr
from sqlalchemy import make_url

from scholarship_api.catalogue.read_model import current, statements
from scholarship_api.catalogue.read_model.current import CurrentModel, load
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.versions import CatalogueVersions
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.catalogue.read_model.test_model import contents

pytestmark = pytest.mark.anyio

Connection = psycopg.Connection[Any]

NOW: Final = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
PUT: Final = """
    INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind,
        application_deadline, deadline_date, amount_min, amount_max, currency, min_gpa,
        residency_states, status)
    VALUES (%(id)s, 'Award', 'Trust', %(type)s, 'fixed',
        '2027-03-01'::timestamptz + %(days)s * interval '1 day',
        '2027-03-01'::date + %(days)s, %(amount)s, %(amount)s, 'USD', %(gpa)s, %(states)s,
        %(status)s)
    ON CONFLICT (id) DO UPDATE SET (scholarship_type, application_deadline, deadline_date,
        amount_min, amount_max, min_gpa, residency_states, status) = ROW (
        excluded.scholarship_type, excluded.application_deadline, excluded.deadline_date,
        excluded.amount_min, excluded.amount_max, excluded.min_gpa, excluded.residency_states,
        excluded.status)
"""


def put(connection: Connection, award_id: str, **values: Any) -> None:  # noqa: ANN401
    award = {
        "type": "merit_based",
        "days": 10,
        "amount": 1000,
        "gpa": None,
        "states": [],
        "status": "published",
    }
    connection.execute(PUT, award | values | {"id": award_id})


@pytest.fixture(scope="module")
def conninfo(module_database_url: str) -> str:
    return module_database_url.replace("+psycopg", "")


@pytest.fixture
def writer(conninfo: str) -> Iterator[Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("DELETE FROM scholarships")
        for number in range(20):
            put(connection, f"award-{number:02d}", days=number)
        yield connection


@contextlib.asynccontextmanager
async def database_at(url: str) -> AsyncIterator[Database]:
    database = Database(Settings(environment="test", database_url=SecretStr(url)))
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(module_database_url: str) -> AsyncIterator[Database]:
    async with database_at(module_database_url) as database:
        yield database


@pytest.fixture
async def model(database: Database, writer: Connection) -> AsyncIterator[CurrentModel]:
    """Loaded with the awards that the writer begins with."""
    kept = CurrentModel(database, CatalogueVersions(database))
    await kept.newest()
    yield kept
    await kept.close()


async def assert_newest(model: CurrentModel, database: Database) -> ReadModel:
    """That it is what a model would be that is loaded now."""
    kept, _ = await model.newest()
    loaded, _ = await load(database)
    assert contents(kept, NOW) == contents(loaded, NOW)
    return kept


def ids(model: ReadModel) -> set[str]:
    return {model.ordinals.id_of(ordinal) for ordinal in model.ordinals.used}


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE scholarships SET amount_max = 5000 WHERE id = 'award-03'",
        "UPDATE scholarships SET status = 'archived' WHERE id = 'award-04'",
        "UPDATE scholarships SET status = 'draft'",
        "DELETE FROM scholarships WHERE id > 'award-10'",
        "DELETE FROM scholarships",
        "TRUNCATE scholarships",
        "TRUNCATE scholarships, scholarship_changes",
        "WITH gone AS (DELETE FROM scholarships WHERE id = 'award-05' RETURNING 1) SELECT 1",
        "UPDATE scholarships SET id = 'another' WHERE id = 'award-06'",
    ],
)
async def test_any_write_reaches_the_model(
    write: Any,  # noqa: ANN401 - the driver wants a literal
    model: CurrentModel,
    database: Database,
    writer: Connection,
) -> None:
    before, _ = await model.newest()
    assert len(before) == 20
    writer.execute(write)
    await assert_newest(model, database)


@pytest.mark.parametrize(
    ("write", "is_judged_anew"),
    [
        ("max_awards = 7", False),
        ("residency_states = '{}'", False),
        ("amount_max = 5000", True),
        ("residency_states = '{CA}'", True),
        ("min_gpa = 3", True),
        ("renewable = true", True),
        ("description = 'For painters'", True),
        ("status = 'draft'", True),
    ],
)
async def test_a_write_of_what_is_only_shown_judges_no_award_anew(
    write: str, is_judged_anew: bool, model: CurrentModel, writer: Connection
) -> None:
    before, _ = await model.newest()
    ordinal = before.ordinals.find("award-03")
    revision = model.changes.revision
    writer.execute(SQL("UPDATE scholarships SET ") + SQL(write) + SQL(" WHERE id = 'award-03'"))
    await model.newest()
    changed = model.changes.since(revision)
    assert changed is not None
    assert changed.ids == {"award-03"}
    assert changed.ids_judged_anew == ({"award-03"} if is_judged_anew else set())
    assert list(changed.judged_anew) == ([ordinal] if is_judged_anew else [])


async def test_an_award_that_is_again_what_it_was_is_judged_anew(
    model: CurrentModel, database: Database, writer: Connection
) -> None:
    """A statement may have seen what it was in between."""
    before, _ = await model.newest()
    ordinal = before.ordinals.find("award-03")
    revision = model.changes.revision
    for status in ("archived", "published"):
        writer.execute("UPDATE scholarships SET status = %s WHERE id = 'award-03'", [status])
    await assert_newest(model, database)
    changed = model.changes.since(revision)
    assert changed is not None
    assert changed.ids_judged_anew == {"award-03"}
    assert list(changed.judged_anew) == [ordinal]


async def test_an_award_that_comes_back_is_in_the_model_again(
    model: CurrentModel, database: Database, writer: Connection
) -> None:
    for status in ("archived", "published", "draft", "published"):
        writer.execute("UPDATE scholarships SET status = %s WHERE id = 'award-07'", [status])
        kept = await assert_newest(model, database)
        assert ("award-07" in ids(kept)) is (status == "published")


async def test_transactions_that_commit_in_reverse_both_reach_the_model(
    model: CurrentModel, database: Database, conninfo: str
) -> None:
    with psycopg.connect(conninfo) as first, psycopg.connect(conninfo) as second:
        put(first, "begun first", amount=1)
        put(first, "award-01", amount=1)
        put(second, "begun second", amount=2)
        put(second, "award-02", amount=2)
        kept = await assert_newest(model, database)
        assert not {"begun first", "begun second"} & ids(kept)
        second.commit()
        kept = await assert_newest(model, database)
        assert {"begun first", "begun second"} & ids(kept) == {"begun second"}
        with psycopg.connect(conninfo, autocommit=True) as third:
            put(third, "begun third", amount=3)
        kept = await assert_newest(model, database)
        assert {"begun first", "begun third"} & ids(kept) == {"begun third"}
        first.commit()
        kept = await assert_newest(model, database)
        assert {"begun first", "begun second", "begun third"} <= ids(kept)


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
async def test_writers_of_a_stricter_isolation_reach_the_model(
    level: IsolationLevel,
    model: CurrentModel,
    database: Database,
    writer: Connection,
    conninfo: str,
) -> None:
    with psycopg.connect(conninfo) as strict:
        strict.isolation_level = level
        strict.execute("SELECT 1 FROM search_words LIMIT 1")  # its snapshot
        put(writer, "award-01", amount=7)
        await assert_newest(model, database)
        put(strict, "award-02", amount=8)
    await assert_newest(model, database)


async def test_a_savepoint_that_is_rolled_back_is_no_change(
    model: CurrentModel, database: Database, writer: Connection
) -> None:
    with writer.transaction():
        with writer.transaction(force_rollback=True):
            put(writer, "award-01", amount=9)
            put(writer, "never", amount=9)
        put(writer, "award-02", amount=9)
    kept = await assert_newest(model, database)
    assert "never" not in ids(kept)


async def test_random_transactions_that_overlap(
    model: CurrentModel, database: Database, conninfo: str
) -> None:
    rng = random.Random(5)  # noqa: S311 - test data
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(psycopg.connect(conninfo)) for _ in range(4)]
        for step in range(60):
            number = rng.randrange(len(writers))
            one = writers[number]
            # Each writes awards of its own, so that none waits for another's lock.
            award_id = f"award-{number}-{rng.randrange(6)}"
            action = rng.choice(["put", "put", "put", "delete", "commit", "rollback"])
            if action == "put":
                put(
                    one,
                    award_id,
                    days=rng.randrange(-3, 3),
                    amount=rng.choice([None, 1, 2]),
                    states=rng.choice([[], ["CA"], ["NY", "CA"]]),
                    status=rng.choice(["published", "published", "draft", "archived"]),
                )
            elif action == "delete":
                one.execute("DELETE FROM scholarships WHERE id = %s", [award_id])
            elif action == "commit":
                one.commit()
            else:
                one.rollback()
            if step % 3 == 0:
                await assert_newest(model, database)
        for one in writers:
            one.commit()
    await assert_newest(model, database)


async def test_every_request_after_a_commit_sees_it(model: CurrentModel, conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as writer:

        async def request() -> bool:
            kept, _ = await model.newest()
            return "award-01" in ids(kept)

        for is_there in (False, True) * 5:
            status = "published" if is_there else "draft"
            before = [asyncio.ensure_future(request()) for _ in range(5)]
            await asyncio.sleep(0)
            writer.execute("UPDATE scholarships SET status = %s WHERE id = 'award-01'", [status])
            after = await asyncio.gather(*(request() for _ in range(20)))
            assert after == [is_there] * 20
            await asyncio.gather(*before)


async def test_a_request_that_was_overtaken_is_answered_from_the_newer_model(
    model: CurrentModel, writer: Connection
) -> None:
    kept, overtaken = await model.newest()
    put(writer, "new")
    await model.newest()
    assert await model.at(overtaken) is kept
    assert "new" in ids(kept)


@pytest.mark.parametrize("most", [5, 50_000])
async def test_many_changes_at_once(
    most: int,
    model: CurrentModel,
    database: Database,
    writer: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(statements, "MAX_CHANGES", most)
    monkeypatch.setattr(current, "CHANGES_PER_TURN", 7)
    with writer.transaction():
        for number in range(10, 50):
            put(writer, f"award-{number}", amount=number)

    async def request() -> int:
        kept, _ = await model.newest()
        return len(kept)

    assert await asyncio.gather(*(request() for _ in range(20))) == [50] * 20
    await assert_newest(model, database)


async def test_a_database_that_was_restored_is_read_anew(
    postgres_url: str, module_database_url: str, model: CurrentModel, writer: Connection
) -> None:
    """As after a restored backup: the same state of the catalogue, or none, and other awards."""
    name = make_url(module_database_url).database
    assert name is not None
    kept, _ = await model.newest()
    put(writer, "lost", amount=1)
    assert "lost" in ids((await model.newest())[0])
    writer.close()
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as server:
        names = Identifier(name), Identifier(f"{name}_old")
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        server.execute(SQL("ALTER DATABASE {} RENAME TO {}").format(*names))
        server.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        server.execute(SQL("DROP DATABASE {}").format(names[1]))
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as restored:
        restored.execute("DELETE FROM scholarships WHERE id = 'lost'")
    for _ in range(3):  # connections of the pool may have been cut off
        with contextlib.suppress(DatabaseUnavailable):
            kept, _ = await model.newest()
            break
    assert len(kept) == 20
    assert "lost" not in ids(kept)


async def test_without_a_database_there_is_no_model_yet() -> None:
    url = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    async with database_at(url) as database:
        model = CurrentModel(database, CatalogueVersions(database))
        with pytest.raises(DatabaseUnavailable):
            await model.newest()
        assert not model.is_loaded
        await model.close()


async def test_a_task_in_the_background_keeps_the_model_new(
    database: Database, writer: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(current, "POLL_SECONDS", 0.01)
    versions = CatalogueVersions(database)
    model = CurrentModel(database, versions)
    task = asyncio.ensure_future(model.run())
    kept, version = await model.newest()
    put(writer, "new")
    async with asyncio.timeout(10):
        while "new" not in ids(kept):
            kept = await model.at(version)  # as one that was overtaken: it asks for nothing newer
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await model.close()
