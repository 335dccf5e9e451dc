"""The access log writes the same lines with and without structlog."""

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

from scholarship_api.platform.observability.access_log import AccessRecord, write_lines
from scholarship_api.platform.observability.logging import configure
from scholarship_api.settings.settings import Settings

LOGGER = "scholarship_api.access"
RECORD = AccessRecord(
    method="GET",
    route='/api/v1/"search"/{näme}',
    status=200,
    seconds=0.00125,
    response_bytes=7,
    trace_id="0af7651916cd43dd8448eb211c80319c",
    request_id="order-7",
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
    """Puts logging back as it was."""
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


def left_to_structlog(*records: AccessRecord) -> list[AccessRecord]:
    return list(write_lines(records))


@pytest.mark.usefixtures("configured")
def test_both_ways_write_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert not left_to_structlog(RECORD)
    with structlog.contextvars.bound_contextvars(
        trace_id=RECORD.trace_id, request_id=RECORD.request_id
    ):
        structlog.stdlib.get_logger(LOGGER).info(
            "request.finished",
            method=RECORD.method,
            path=RECORD.route,
            status=RECORD.status,
            latency_ms=1.25,
            client_ip=RECORD.client_ip,
            user_id=RECORD.account_id,
            bytes=RECORD.response_bytes,
        )
    direct, through_structlog = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert direct.pop("timestamp") == "2027-01-15T08:00:00.500000Z"
    assert len(through_structlog.pop("timestamp")) == len("2027-01-15T08:00:00.500000Z")
    assert direct == through_structlog


@pytest.mark.usefixtures("configured")
def test_a_record_with_a_secret_is_left_to_structlog(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret_id = RECORD._replace(trace_id=SECRET)
    secret_request_id = RECORD._replace(request_id=SECRET)
    secret_path = RECORD._replace(route=f"/{SECRET}")
    assert left_to_structlog(secret_id, RECORD, secret_request_id, secret_path) == [
        secret_id,
        secret_request_id,
        secret_path,
    ]
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["trace_id"] == RECORD.trace_id


@pytest.mark.usefixtures("configured")
def test_no_write_exceeds_an_atomic_one_to_a_pipe(
    capfd: pytest.CaptureFixture[str],
) -> None:
    reader, writer = os.pipe()
    # In packet mode each read returns what one write has written (pipe(2)).
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_DIRECT)
    with os.fdopen(writer, "w") as stream, capfd.disabled():
        stderr, sys.stderr = sys.stderr, stream
        try:
            assert not left_to_structlog(*([RECORD] * 40))
        finally:
            sys.stderr = stderr
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        writes = list(iter(lambda: pipe.read(1_000_000), b""))
    assert sum(len(one.splitlines()) for one in writes) == 40
    assert all(one.endswith(b"\n") and len(one) <= select.PIPE_BUF for one in writes)
    assert 1 < len(writes) < 10


def test_other_formats_and_levels_are_left_to_structlog(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(Settings(environment="test", log_format="console"))
    assert left_to_structlog(RECORD)
    configure(Settings(environment="test", log_format="json", log_level="WARNING"))
    assert left_to_structlog(RECORD)
    configure(Settings(environment="test", log_format="json"))
    with structlog.testing.capture_logs():
        assert left_to_structlog(RECORD)
    assert capsys.readouterr().err == ""
