"""`prestart` against real servers, and against what is none."""

import os
import socket
import sys
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url
from structlog.testing import capture_logs

from scholarship_api.platform.database import migrations, revisions
from scholarship_api.platform.server import start
from scholarship_api.platform.server.start import PrestartError, prestart
from scholarship_api.settings.settings import Settings

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
        "the server of DATABASE_MIGRATION_URL was of no use for 0 s: it refuses connections"
    )


def test_no_such_database(database_url: str) -> None:
    url = with_database(database_url, "no_such_database")
    assert refusal(settings_of(url)).endswith(": the database does not exist")


def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "_ATTEMPT_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://app@127.0.0.1:{silent.getsockname()[1]}/none"
        assert refusal(settings_of(url)).endswith(": it does not answer")


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_no_rate_limiter(database_url: str, scheme: str) -> None:
    backend = SecretStr(f"{scheme}://:planted-secret@127.0.0.1:1/0")
    message = refusal(settings_of(database_url, rate_limit_backend_url=backend))
    assert message.startswith("the server of RATE_LIMIT_BACKEND_URL ")
    assert message.endswith(": it cannot be reached")


def test_a_rate_limiter_that_is_not_used_is_not_waited_for(database_url: str) -> None:
    backend = SecretStr("redis://127.0.0.1:1/0")
    prestart(
        settings_of(database_url, rate_limit_backend_url=backend, disable_rate_limit_backend=True),
        wait_seconds=0,
    )


def test_a_server_that_comes_later_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    attempts: list[str] = []
    query = start._query

    def late(url: str) -> None:
        attempts.append(url)
        query(NOBODY if len(attempts) < 3 else url)

    monkeypatch.setattr(start, "_query", late)
    with capture_logs() as logs:
        prestart(settings_of(database_url), wait_seconds=20)
    waiting = [line["reason"] for line in logs if line["event"] == "prestart.waiting"]
    assert waiting == ["it refuses connections"] * 2


def test_the_schema_is_migrated_by_its_own_role(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    migrated: list[str] = []

    def upgrade(url: str) -> tuple[str, ...]:
        migrated.append(url)
        return ()

    monkeypatch.setattr(migrations, "upgrade", upgrade)
    url = make_url(database_url).update_query_dict({"application_name": "owner"})
    owner = url.render_as_string(hide_password=False)
    prestart(settings_of(database_url, database_migration_url=SecretStr(owner)))
    assert migrated == [owner]


def test_start_becomes_gunicorn(monkeypatch: pytest.MonkeyPatch, database_url: str) -> None:
    class BecameError(Exception):
        pass

    def execv(path: str, command: list[str]) -> None:
        raise BecameError(path, command)

    monkeypatch.setattr(os, "execv", execv)
    with pytest.raises(BecameError) as became:
        start.start(settings_of(database_url))
    path, command = became.value.args
    assert path == command[0] == sys.executable
    assert command[1:] == [
        "-m",
        "gunicorn",
        "-c",
        "python:scholarship_api.platform.server.gunicorn_conf",
        "scholarship_api.app:create_app()",
    ]
