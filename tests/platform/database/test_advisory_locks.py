"""Advisory locks: each job has a key of its own, and every key stands in one enumeration."""

import importlib.resources
import itertools

import psycopg
import pytest

from scholarship_api.platform.database.advisory_locks import AdvisoryLock

PACKAGE = importlib.resources.files("scholarship_api")
LOCK_FUNCTIONS = ("pg_advisory_", "pg_try_advisory_")


@pytest.fixture
def conninfo(database_url: str) -> str:
    return database_url.replace("+psycopg", "")


def is_taken(connection: psycopg.Connection, statement: str) -> bool:
    row = connection.execute(statement).fetchone()
    return row == (True,)


def test_no_two_jobs_exclude_each_other(conninfo: str) -> None:
    with (
        psycopg.connect(conninfo, autocommit=True) as one,
        psycopg.connect(conninfo, autocommit=True) as other,
    ):
        for held, wanted in itertools.permutations(AdvisoryLock, 2):
            with one.transaction(), other.transaction():
                assert is_taken(one, held.try_for_transaction)
                assert is_taken(other, wanted.try_for_transaction)


@pytest.mark.parametrize("lock", AdvisoryLock)
def test_a_job_runs_in_one_session_at_a_time(conninfo: str, lock: AdvisoryLock) -> None:
    with (
        psycopg.connect(conninfo, autocommit=True) as one,
        psycopg.connect(conninfo, autocommit=True) as other,
    ):
        with one.transaction():
            assert is_taken(one, lock.try_for_transaction)
            assert not is_taken(other, lock.try_for_session)
        assert is_taken(one, lock.try_for_session)
        assert not is_taken(other, lock.try_for_transaction)


def test_no_other_module_makes_a_lock_statement() -> None:
    with importlib.resources.as_file(PACKAGE) as folder:
        users = {
            str(path.relative_to(folder))
            for path in folder.rglob("*.py")
            if any(function in path.read_text() for function in LOCK_FUNCTIONS)
        }
    assert users == {"platform/database/advisory_locks.py"}
