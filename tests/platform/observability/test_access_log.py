"""The access log's short cut writes what structlog would write."""

import fcntl
import json
import logging
import os
import select
import sys
from collections.abc import Iterator

import pytest
import structlog
from pydantic import SecretStr

from scholarship_api.platform.http.request_context import Exchange
from scholarship_api.platform.observability.logging import configure, write_access
from scholarship_api.settings.settings import Settings

LOGGER = "scholarship_api.access"
EXCHANGE = Exchange(
    method="GET",
    route='/api/v1/"search"/{näme}',
    status=200,
    seconds=0.00125,
    body_bytes=7,
    trace_id="0af7651916cd43dd8448eb211c80319c",
    client_ip="2001:db8::1",
    account_id=None,
    ended_at=1_800_000_000.5,
)
LOGGERS = (
    *("", "scholarship_api", "uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "gunicorn"),
    *("gunicorn.error", "gunicorn.access", "py.warnings"),
)
SECRET = "correct-horse-battery-staple"


@pytest.fixture(autouse=True)
def afterwards() -> Iterator[None]:
    """Logging is as it was."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(one, one.handlers, one.level, one.propagate) for one in loggers]
    yield
    for one, handlers, level, propagate in before:
        one.handlers, one.propagate = handlers, propagate
        one.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def configured() -> None:
    configure(Settings(environment="test", log_format="json", metrics_token=SecretStr(SECRET)))


def left_over(*exchanges: Exchange) -> list[Exchange]:
    """Those that the short cut leaves to structlog."""
    return list(write_access(exchanges, event="request.finished", logger=LOGGER))


@pytest.mark.usefixtures("configured")
def test_both_ways_write_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert not left_over(EXCHANGE)
    with structlog.contextvars.bound_contextvars(
        trace_id=EXCHANGE.trace_id, request_id=EXCHANGE.trace_id
    ):
        structlog.stdlib.get_logger(LOGGER).info(
            "request.finished",
            method=EXCHANGE.method,
            path=EXCHANGE.route,
            status=EXCHANGE.status,
            latency_ms=1.25,
            client_ip=EXCHANGE.client_ip,
            user_id=EXCHANGE.account_id,
            bytes=EXCHANGE.body_bytes,
        )
    short, long = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert short.pop("timestamp") == "2027-01-15T08:00:00.500000Z"
    assert len(long.pop("timestamp")) == len("2027-01-15T08:00:00.500000Z")
    assert short == long


@pytest.mark.usefixtures("configured")
def test_what_may_be_a_secret_takes_the_long_way(capsys: pytest.CaptureFixture[str]) -> None:
    secret_id = EXCHANGE._replace(trace_id=SECRET)
    secret_path = EXCHANGE._replace(route=f"/{SECRET}")
    assert left_over(secret_id, EXCHANGE, secret_path) == [secret_id, secret_path]
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["trace_id"] == EXCHANGE.trace_id


@pytest.mark.usefixtures("configured")
def test_no_write_is_larger_than_what_a_pipe_keeps_whole(capfd: pytest.CaptureFixture[str]) -> None:
    reader, writer = os.pipe()
    # In packet mode each read returns what one write has written (pipe(2)).
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_DIRECT)
    with os.fdopen(writer, "w") as stream, capfd.disabled():
        stderr, sys.stderr = sys.stderr, stream
        try:
            assert not left_over(*([EXCHANGE] * 40))
        finally:
            sys.stderr = stderr
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        writes = list(iter(lambda: pipe.read(1_000_000), b""))
    assert sum(len(one.splitlines()) for one in writes) == 40
    assert all(one.endswith(b"\n") and len(one) <= select.PIPE_BUF for one in writes)
    assert 1 < len(writes) < 10


def test_another_configuration_takes_the_long_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(environment="test", log_format="console"))
    assert left_over(EXCHANGE)
    configure(Settings(environment="test", log_format="json", log_level="WARNING"))
    assert left_over(EXCHANGE)
    configure(Settings(environment="test", log_format="json"))
    with structlog.testing.capture_logs():
        assert left_over(EXCHANGE)
    assert capsys.readouterr().err == ""
