"""`prestart` against real servers, and against what is none."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url
from structlog.testing import capture_logs

from scholarship_api.devserver.embedded import VALKEY_DATABASES, embedded_postgres
from scholarship_api.platform.database import migrations, revisions
from scholarship_api.platform.database.advisory_locks import AdvisoryLock
from scholarship_api.platform.database.connection_settings import connection_arguments
from scholarship_api.platform.server import prestart as module
from scholarship_api.platform.server.prestart import PrestartError, migrate, prestart
from scholarship_api.settings.settings import Settings, SettingsError

NOBODY = "postgresql://app:planted-secret@127.0.0.1:1/none"


def settings_of(database_url: str, **others: Any) -> Settings:  # noqa: ANN401
    return Settings(environment="test", database_url=SecretStr(database_url), **others)


def with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def refusal(settings: Settings) -> str:
    with capture_logs() as logs, pytest.raises(PrestartError) as raised:
        prestart(settings, wait_seconds=0)
    assert raised.value.exit_code == 69
    text = str(raised.value) + str(logs)
    assert "planted-secret" not in text
    assert "127.0.0.1" not in text
    return str(raised.value)


def test_it_migrates_and_says_so(scratch_database_url: str, redis_url: str) -> None:
    settings = settings_of(scratch_database_url, rate_limit_backend_url=SecretStr(redis_url))
    with capture_logs() as logs:
        prestart(settings)
    assert [line["event"] for line in logs if not line["event"].startswith("Running")] == [
        "prestart.reached",
        "prestart.reached",
        "schema.migrated",
        "prestart.reached",
        "prestart.finished",
    ]
    with psycopg.connect(scratch_database_url.replace("+psycopg", "")) as connection:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    assert [row[0] for row in rows] == [revisions.head()]


def test_it_works_twice(database_url: str, redis_url: str) -> None:
    prestart(settings_of(database_url, rate_limit_backend_url=SecretStr(redis_url)))


def test_nobody_listens() -> None:
    assert refusal(settings_of(NOBODY)) == (
        "DATABASE_URL: the server could not be used within 0 s: it refuses connections."
    )


def refused_at_once(settings: Settings) -> PrestartError:
    """The error of a start that would wait for a minute. It is all that the start says."""
    with capture_logs() as logs, pytest.raises(PrestartError) as raised:
        prestart(settings)
    assert logs == []
    assert "planted-secret" not in f"{raised.value}{raised.value.fields()}{logs}"
    return raised.value


def test_a_missing_database_is_told_at_once(database_url: str) -> None:
    error = refused_at_once(settings_of(with_database(database_url, "no_such_database")))
    assert str(error) == "DATABASE_URL: the server refuses us: the database does not exist."


@pytest.fixture
def closed_postgres_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """A PostgreSQL that asks for a password, with a role that has none."""
    with embedded_postgres(tmp_path / "postgres", durable=False) as url:
        (tmp_path / "postgres/pg_hba.conf").write_text("local all all scram-sha-256\n")
        postmaster = int((tmp_path / "postgres/postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGHUP)
        until_refused(url)
        yield url


def until_refused(url: str) -> None:
    for _ in range(500):
        try:
            psycopg.connect(url.replace("+psycopg", "")).close()
        except psycopg.OperationalError as error:
            if "password" in str(error):
                return
        time.sleep(0.02)
    pytest.fail("the server lets everybody in")


@pytest.mark.server
def test_a_wrong_password_is_told_at_once(closed_postgres_url: str) -> None:
    url = make_url(closed_postgres_url).set(password="planted-secret")
    error = refused_at_once(settings_of(url.render_as_string(hide_password=False)))
    assert error.fields() == {
        "variable": "DATABASE_URL",
        "reason": "the server refuses us: it refuses the password",
    }


def test_a_wrong_password_of_the_rate_limiter_is_told_at_once(
    database_url: str, redis_url: str
) -> None:
    address = redis_url.rpartition("@")[2]
    backend = SecretStr(f"redis://:planted-secret@{address}")
    error = refused_at_once(settings_of(database_url, rate_limit_backend_url=backend))
    assert error.variable == "RATE_LIMIT_BACKEND_URL"
    assert error.reason == "the server refuses us: it refuses the password"


@pytest.mark.server
def test_a_serving_role_that_is_refused_is_told_before_the_migration(
    scratch_database_url: str, closed_postgres_url: str
) -> None:
    url = make_url(closed_postgres_url).set(password="planted-secret")
    error = refused_at_once(
        settings_of(
            url.render_as_string(hide_password=False),
            database_migration_url=SecretStr(scratch_database_url),
        )
    )
    assert error.variable == "DATABASE_URL"
    with psycopg.connect(scratch_database_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT to_regclass('scholarships')").fetchone() == (None,)


def test_a_database_number_that_does_not_exist_is_told_at_once(
    database_url: str, redis_url: str
) -> None:
    backend = SecretStr(f"{redis_url.rpartition('/')[0]}/{VALKEY_DATABASES + 1}")
    error = refused_at_once(settings_of(database_url, rate_limit_backend_url=backend))
    assert error.variable == "RATE_LIMIT_BACKEND_URL"
    assert "the number of the database" in error.reason


def test_without_a_database_it_is_refused_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        prestart(Settings(environment="development"))
    assert [error.variable for error in refused.value.errors] == ["DATABASE_URL"]


def test_the_variable_that_was_set_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "owner").write_text(with_database(database_url, "no_such_database"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATABASE_MIGRATION_URL_FILE", str(tmp_path / "owner"))
    assert refused_at_once(Settings(environment="test")).variable == "DATABASE_MIGRATION_URL_FILE"


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ATTEMPT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://app@127.0.0.1:{silent.getsockname()[1]}/none"
        assert refusal(settings_of(url)).endswith(": it does not answer.")


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_no_rate_limiter(database_url: str, scheme: str) -> None:
    backend = SecretStr(f"{scheme}://:planted-secret@127.0.0.1:1/0")
    message = refusal(settings_of(database_url, rate_limit_backend_url=backend))
    assert message.startswith("RATE_LIMIT_BACKEND_URL: the server could not be used ")
    assert message.endswith(": it cannot be reached.")


def test_a_rate_limiter_that_is_not_used_is_not_waited_for(database_url: str) -> None:
    backend = SecretStr("redis://127.0.0.1:1/0")
    prestart(
        settings_of(database_url, rate_limit_backend_url=backend, disable_rate_limit_backend=True),
        wait_seconds=0,
    )


def test_a_server_that_comes_later_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    attempts: list[dict[str, Any]] = []
    query = module._query

    def late(arguments: dict[str, Any]) -> None:
        attempts.append(arguments)
        query(connection_arguments(NOBODY) if len(attempts) < 3 else arguments)

    monkeypatch.setattr(module, "_query", late)
    with capture_logs() as logs:
        prestart(settings_of(database_url), wait_seconds=20)
    waiting = [line["reason"] for line in logs if line["event"] == "prestart.waiting"]
    assert waiting == ["it refuses connections"] * 2


def test_the_schema_is_migrated_by_its_own_role(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    migrated: list[str] = []

    def upgrade(url: str, *, revision: str) -> tuple[str, ...]:
        assert revision == "head"
        migrated.append(url)
        return ()

    monkeypatch.setattr(migrations, "upgrade", upgrade)
    url = make_url(database_url).update_query_dict({"application_name": "owner"})
    owner = url.render_as_string(hide_password=False)
    prestart(settings_of(database_url, database_migration_url=SecretStr(owner)))
    assert migrated == [owner]


def test_a_migration_says_what_is_applied(scratch_database_url: str) -> None:
    settings = settings_of(scratch_database_url)
    assert migrate(settings, revision="head", down=False) == (revisions.head(),)
    assert migrate(settings, revision="base", down=True) == ()


def test_a_migration_needs_the_url_of_its_own_role_alone(scratch_database_url: str) -> None:
    owner = SecretStr(scratch_database_url)
    settings = Settings(environment="test", database_migration_url=owner)
    assert migrate(settings, revision="head", down=False) == (revisions.head(),)
    with pytest.raises(SettingsError, match="DATABASE_URL: is required"):
        migrate(Settings(environment="test"), revision="head", down=False)


def test_a_migration_without_a_server_ends_with_the_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "WAIT_SECONDS", 0)
    with pytest.raises(PrestartError) as raised:
        migrate(settings_of(NOBODY), revision="head", down=False)
    assert (raised.value.exit_code, raised.value.variable) == (69, "DATABASE_URL")


def test_a_migration_that_a_lock_keeps_from_working_says_so(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as holder:
        holder.execute(AdvisoryLock.SCHEMA_MIGRATION.try_for_session)
        upgrade = partial(migrations.upgrade, wait_seconds=0)
        monkeypatch.setattr(migrations, "upgrade", upgrade)
        error = refusal(settings_of(database_url))
    assert error.startswith("DATABASE_URL: the schema cannot be migrated: another replica ")
