"""Starts with the variables of the examples, and with wrong ones."""

import http.client
import json
import os
import re
import secrets
from contextlib import suppress

import pytest
from sqlalchemy import make_url

from scholarship_api import cli
from tests.deploy.gunicorn_server import (
    PRODUCTION,
    REPOSITORY,
    RunningServer,
    running_server,
    until,
)

START = str(REPOSITORY / "scripts/start.sh")


def lines_of(example: str) -> dict[str, str]:
    text = (REPOSITORY / example).read_text()
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


DEVELOPMENT = lines_of(".env.example")


# --- Each variable alone, up to the moment in which the process becomes gunicorn -----------------


class BecameGunicorn(Exception):
    """Carries the environment that gunicorn would read."""

    def __init__(self) -> None:
        super().__init__()
        self.environment = dict(os.environ)


class Start:
    """`scholarship-api serve` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)
        cli.main()


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> Start:
    def execv(*_: object) -> None:
        raise BecameGunicorn

    for name, value in {**PRODUCTION, "RATE_LIMIT_BACKEND_URL": redis_url}.items():
        monkeypatch.setenv(name, value)
    # The code under test sets PORT: monkeypatch puts it back.
    monkeypatch.setenv("PORT", "8000")
    monkeypatch.setattr("os.execv", execv)
    monkeypatch.setattr("scholarship_api.platform.server.start.require_port", lambda _: None)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("scholarship_api.platform.observability.logging.configure", lambda _: None)
    monkeypatch.setattr("sys.argv", ["scholarship-api", "serve"])
    return Start(monkeypatch)


@pytest.mark.parametrize(("name", "value"), DEVELOPMENT.items(), ids=DEVELOPMENT)
def test_each_line_of_the_example_starts_production_or_is_named(
    start: Start, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    with pytest.raises((BecameGunicorn, SystemExit)) as raised:
        start(name, value)
    if isinstance(raised.value, BecameGunicorn):
        # gunicorn reads these two by itself.
        assert int(raised.value.environment["PORT"]) == 8000
        assert int(raised.value.environment.get("WEB_CONCURRENCY", 1)) > 0
    else:
        assert raised.value.args == (78,)
        refused = json.loads(capsys.readouterr().err)
        assert [error["variable"] for error in refused["errors"]] == [name]


WRONG = [
    ("ENVIRONMENT", "prod"),
    ("ENVIRONMENT", "Prod uction"),
    ("DEBUG", "true"),
    ("DEBUG", "perhaps"),
    ("LOG_LEVEL", "verbose"),
    ("LOG_FORMAT", "logfmt"),
    ("SENTRY_DSN", "foo"),
    ("SENTRY_DSN_FILE", "/no/such/file"),
    ("METRICS_TOKEN", "abc"),
    ("METRICS_TOKEN_FILE", "/"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
    ("OUTBOUND_CHECK_URLS", "https://ok.example.org,partner"),
    ("OUTBOUND_REQUIRED", "2"),
    ("DATABASE_URL", ""),
    ("DATABASE_URL", "sqlite:///local.db"),
    ("DATABASE_URL", "postgresql://u:p@ss:word@host:port/db"),
    ("DATABASE_MIGRATION_URL", "mysql://owner@host/db"),
    ("DATABASE_POOL_SIZE", "0"),
    ("DATABASE_MAX_OVERFLOW", "-1"),
    ("DATABASE_PGBOUNCER", "transaction"),
    ("ANALYTICS_RETENTION_DAYS", "0"),
    ("RATE_LIMIT_ENABLED", "false"),
    ("RATE_LIMIT_BACKEND_URL", "memory://"),
    ("DISABLE_RATE_LIMIT_BACKEND", "true"),
    ("RATE_LIMIT_PER_MINUTE", "many"),
    ("RATE_LIMIT_SEARCH", "30 per fortnight"),
    ("JWT_SECRET_KEY", "changeme"),
    ("JWT_PREVIOUS_SECRET_KEYS", "short"),
    ("ACCESS_TOKEN_EXPIRE_MINUTES", "1441"),
    ("ALLOWED_HOSTS", "https://api.example.org"),
    ("TRUSTED_PROXY_IPS", "*"),
    ("TRUSTED_PROXY_IPS", "10.0.0.1/8"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.org/"),
    ("CORS_ALLOW_CREDENTIALS", "sometimes"),
    ("ENABLE_DOCS", "internal"),
    ("MAX_REQUEST_SIZE_BYTES", "1MB"),
    ("PORT", "http"),
    ("PORT", "tcp://10.0.0.1:8000"),
    ("WEB_CONCURRENCY", "auto"),
    ("WEB_CONCURRENCY", "0"),
    ("TIMEOUT", "60s"),
    ("TIMEOUT", "9" * 30),
    ("KEEPALIVE", "86401"),
    ("WEB_CONCURRENCY", "3650000"),
    ("DATABASE_POOL_SIZE", "9" * 5_000),
    ("DATABASE_MAX_OVERFLOW", "nan"),
    ("READ_REPLICA_MAX_LAG", "1e400"),
    ("RATE_LIMIT_PER_MINUTE", "9" * 20),
    ("RATE_LIMIT_SEARCH", "30/99999 years"),
    ("RATE_LIMIT_SEARCH", "9" * 20 + "/minute"),
    ("RATE_LIMIT_TIERS", "[" * 5_000),
    ("RATE_LIMIT_TIERS", '{"campus": {"login": "5/minute"}}'),
    ("OIDC_ISSUERS", '{"a":' * 5_000),
    ("MAX_REQUESTS", "9" * 20),
    ("GRACEFUL_TIMEOUT", "60"),
    ("SHUTDOWN_DELAY", "28"),
    ("TERMINATION_GRACE_PERIOD", "30"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_wrong_setting_is_one_json_line_that_names_it(
    start: Start, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    with pytest.raises(SystemExit) as end:
        start(name, value)
    assert end.value.code == 78
    written = capsys.readouterr()
    assert written.out == ""
    [line] = written.err.splitlines()
    refused = json.loads(line)
    assert (refused["event"], refused["exit_code"]) == ("settings.refused", 78)
    assert [error["variable"] for error in refused["errors"]] == [name]
    assert len(value) < 6 or value not in refused["errors"][0]["reason"]


# --- The examples as a whole, in a process --------------------------------------------------------


def is_alive(server: RunningServer) -> bool:
    assert server.process.poll() is None, server.log.text()
    with suppress(OSError, http.client.HTTPException):
        return server.get("/healthz")[0] == 200
    return False


@pytest.mark.server
def test_the_example_of_development_starts(database_url: str, redis_url: str) -> None:
    settings = {**dict.fromkeys(PRODUCTION, ""), **DEVELOPMENT}
    settings |= {"DATABASE_URL": database_url, "RATE_LIMIT_BACKEND_URL": redis_url}
    del settings["PORT"]
    with running_server(settings, command=[START], wait_until_ready=False) as server:
        until(lambda: is_alive(server), seconds=60, reason=server.log.text)
        # An empty WEB_CONCURRENCY counts as unset.
        until(lambda: len(server.workers()) >= 3, reason=server.log.text)


@pytest.mark.server
def test_the_example_of_production_starts(database_url: str, redis_url: str) -> None:
    example = lines_of(".env.production.example")
    assert make_url(example["DATABASE_URL"]).host == "db.internal"
    settings = {
        **dict.fromkeys(PRODUCTION, ""),
        **example,
        "DATABASE_URL": database_url,
        "DATABASE_MIGRATION_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "JWT_SECRET_KEY": secrets.token_hex(48),
        "METRICS_TOKEN": secrets.token_hex(48),
        "WEB_CONCURRENCY": "2",
    }
    with running_server(settings, command=[START], ready_path="/readyz") as server:
        assert server.log.at_least("warning") == []


def test_the_example_of_production_as_it_stands_is_refused(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in lines_of(".env.production.example").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        start("LOG_FORMAT", "json")
    [error] = json.loads(capsys.readouterr().err)["errors"]
    assert error["variable"] == "JWT_SECRET_KEY"
    assert "openssl rand" in error["reason"]
