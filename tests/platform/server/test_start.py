"""`start` and `serve`: what they do before they become gunicorn, and how they become it."""

import errno
import os
import socket
import sys
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from scholarship_api.platform.server import start
from scholarship_api.platform.server.prestart import PrestartError
from scholarship_api.settings.settings import Settings, SettingsError

bind_error = start._bind_error


class BecameGunicorn(Exception):
    def __init__(self, path: str, command: list[str]) -> None:
        super().__init__()
        self.path = path
        self.command = command
        self.environment = dict(os.environ)


@pytest.fixture(autouse=True)
def became(monkeypatch: pytest.MonkeyPatch) -> None:
    def execv(path: str, command: list[str]) -> None:
        raise BecameGunicorn(path, command)

    # Both have to be put back, as the code under test changes them.
    for name in ("PORT", "WEB_CONCURRENCY"):
        monkeypatch.setenv(name, "")
    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    # Somebody may use the port 8000 of the machine that runs the tests.
    monkeypatch.setattr(start, "_bind_error", lambda _: None)


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_start_becomes_gunicorn(database_url: str) -> None:
    with pytest.raises(BecameGunicorn) as became:
        start.start(Settings(environment="test", database_url=SecretStr(database_url)))
    assert became.value.path == became.value.command[0] == sys.executable
    assert became.value.command[1:] == [
        "-m",
        "gunicorn",
        "-c",
        "python:scholarship_api.platform.server.gunicorn_conf",
        "scholarship_api.app:create_app()",
    ]


@pytest.mark.parametrize(("given", "workers"), [(None, None), (3, "3")])
def test_gunicorn_finds_no_empty_number_in_its_environment(
    given: int | None, workers: str | None
) -> None:
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(BecameGunicorn) as became:
        start.serve(Settings(environment="test", database_url=nowhere, web_concurrency=given))
    assert became.value.environment["PORT"] == "8000"
    assert became.value.environment.get("WEB_CONCURRENCY") == workers


def test_serve_does_not_wait_for_a_database() -> None:
    nowhere = SecretStr("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(BecameGunicorn):
        start.serve(Settings(environment="test", database_url=nowhere))


def test_serve_is_refused_without_a_database_or_a_rate_limiter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(start, "SERVE_WAIT_SECONDS", 0)
    with pytest.raises(SettingsError, match="DATABASE_URL"):
        start.serve(Settings(environment="test"))
    settings = Settings(
        environment="test",
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        rate_limit_backend_url=SecretStr("redis://127.0.0.1:1/0"),
    )
    with pytest.raises(PrestartError, match=r"^RATE_LIMIT_BACKEND_URL: .* cannot be reached\.$"):
        start.serve(settings)


def test_a_port_in_use_is_refused(
    monkeypatch: pytest.MonkeyPatch, used_port: int, database_url: str
) -> None:
    monkeypatch.setattr(start, "_bind_error", bind_error)
    monkeypatch.setattr(start, "PORT_WAIT_SECONDS", 0)
    settings = Settings(environment="test", database_url=SecretStr(database_url), port=used_port)
    for command in (start.start, start.serve):
        with pytest.raises(PrestartError, match=r"^PORT: another process listens .* already\.$"):
            command(settings)


def test_a_port_that_becomes_free_is_used(monkeypatch: pytest.MonkeyPatch, used_port: int) -> None:
    answers = [errno.EADDRINUSE, errno.EADDRINUSE, None]
    monkeypatch.setattr(start, "_bind_error", lambda _: answers.pop(0))
    start.require_port(Settings(environment="test", port=used_port))
    assert answers == []


def test_a_port_that_may_not_be_used_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "_bind_error", lambda _: errno.EACCES)
    with pytest.raises(SettingsError, match="PORT: cannot be listened on: Permission denied"):
        start.require_port(Settings(environment="test", port=80))
