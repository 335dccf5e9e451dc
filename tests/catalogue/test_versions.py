"""The version of the catalogue changes with every committed write, whoever makes it."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any, Final

import psycopg
import pytest
from psycopg import IsolationLevel
from pydantic import SecretStr

from scholarship_api.catalogue.versions import CatalogueVersions
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio

INSERT: Final = """
    INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)
    SELECT 'award_' || n, 'Award ' || n, 'Trust', 'merit_based', 'rolling'
    FROM generate_series(1, 20) n
"""
TOUCH: Final = "UPDATE scholarships SET version = version + 1 WHERE id = %s"

Connection = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def conninfo(module_database_url: str) -> str:
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo) as connection:
        connection.execute(INSERT)
    return conninfo


@pytest.fixture
def writer(conninfo: str) -> Iterator[Connection]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def versions(module_database_url: str, conninfo: str) -> AsyncIterator[CatalogueVersions]:
    settings = Settings(environment="test", database_url=SecretStr(module_database_url))
    database = Database(settings)
    yield CatalogueVersions(database)
    await database.close()


@pytest.mark.parametrize(
    "write",
    [
        "UPDATE scholarships SET name = 'Another' WHERE id = 'award_1'",
        (
            "INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind)"
            " VALUES ('new', 'New', 'Trust', 'merit_based', 'rolling')"
        ),
        "DELETE FROM scholarships WHERE id = 'award_20'",
        "WITH gone AS (DELETE FROM scholarships WHERE id = 'award_19' RETURNING 1) SELECT 1",
        "DELETE FROM search_words WHERE false",
        "TRUNCATE search_words",
    ],
)
async def test_a_write_makes_a_new_version(
    write: Any,  # noqa: ANN401 - the driver wants a literal
    versions: CatalogueVersions,
    writer: Connection,
) -> None:
    before = await versions.current()
    assert (await versions.current()).number == before.number
    writer.execute(write)
    after = await versions.current()
    assert after.number > before.number
    assert (await versions.current()).number == after.number


@pytest.mark.parametrize(
    ("write", "is_change"),
    [
        ("UPDATE scholarships SET amount_max = 5, currency = 'USD' WHERE id = 'award_1'", False),
        ("UPDATE scholarships SET name = 'Award 1 Trust' WHERE id = 'award_1'", False),
        ("DELETE FROM search_words WHERE false", False),
        ("UPDATE scholarships SET name = 'Unheard' WHERE id = 'award_1'", True),
        ("UPDATE search_words SET documents = documents + 1", True),
        ("DELETE FROM search_words WHERE word = 'trust'", True),
        ("TRUNCATE search_words", True),
    ],
)
async def test_the_words_have_another_state_when_some_have_changed(
    write: Any,  # noqa: ANN401 - the driver wants a literal
    is_change: bool,
    versions: CatalogueVersions,
    writer: Connection,
) -> None:
    writer.execute("UPDATE scholarships SET name = 'Award 1' WHERE id = 'award_1'")  # all known
    before = await versions.current()
    writer.execute(write)
    after = await versions.current()
    assert (after.words != before.words) is is_change
    assert after.number > before.number


async def test_a_new_version_is_visible_when_its_write_is_committed(
    versions: CatalogueVersions, writer: Connection
) -> None:
    before = await versions.current()
    with writer.transaction():
        writer.execute(TOUCH, ["award_1"])
        assert (await versions.current()).number == before.number
    assert (await versions.current()).number > before.number


async def test_a_write_that_is_rolled_back_makes_no_version(
    versions: CatalogueVersions, writer: Connection
) -> None:
    before = await versions.current()
    with writer.transaction(force_rollback=True):
        writer.execute(TOUCH, ["award_1"])
    with writer.transaction(), writer.transaction(force_rollback=True):
        writer.execute(TOUCH, ["award_1"])
    assert (await versions.current()).number == before.number


async def test_a_write_after_a_rolled_back_savepoint_makes_a_new_version(
    versions: CatalogueVersions, writer: Connection
) -> None:
    before = await versions.current()
    with writer.transaction():
        with writer.transaction(force_rollback=True):
            writer.execute(TOUCH, ["award_1"])
        writer.execute(TOUCH, ["award_2"])
    assert (await versions.current()).number > before.number


async def test_each_transaction_of_a_session_makes_a_new_version(
    versions: CatalogueVersions, writer: Connection
) -> None:
    """A marker that one transaction leaves in the session would hide the next one."""
    numbers = [(await versions.current()).number]
    for _ in range(3):
        with writer.transaction():
            writer.execute(TOUCH, ["award_1"])
            writer.execute(TOUCH, ["award_2"])
        numbers.append((await versions.current()).number)
    assert sorted(set(numbers)) == numbers


async def test_writers_do_not_wait_for_each_other(
    versions: CatalogueVersions, conninfo: str
) -> None:
    before = await versions.current()
    with ExitStack() as stack:
        writers = [
            stack.enter_context(psycopg.connect(conninfo, options="-c lock_timeout=2s"))
            for _ in range(5)
        ]
        for number, one in enumerate(writers, start=1):
            one.execute(TOUCH, [f"award_{number}"])
        seen = [before.number]
        for one in writers:
            one.commit()
            seen.append((await versions.current()).number)
    assert sorted(set(seen)) == seen


@pytest.mark.parametrize("level", [IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE])
async def test_a_writer_with_a_stricter_isolation_level_does_not_fail(
    level: IsolationLevel, versions: CatalogueVersions, writer: Connection, conninfo: str
) -> None:
    with psycopg.connect(conninfo) as strict:
        strict.isolation_level = level
        strict.execute("SELECT 1 FROM search_words LIMIT 1")  # takes its snapshot
        writer.execute(TOUCH, ["award_1"])
        before = await versions.current()
        strict.execute(TOUCH, ["award_2"])
    assert (await versions.current()).number > before.number


async def test_the_instant_of_a_version_is_that_of_its_read(
    versions: CatalogueVersions, writer: Connection
) -> None:
    began = dt.datetime.now(dt.UTC)
    first = await versions.current()
    writer.execute(TOUCH, ["award_1"])
    second = await versions.current()
    assert began <= first.at <= second.at <= dt.datetime.now(dt.UTC)
