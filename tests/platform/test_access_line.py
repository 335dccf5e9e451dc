"""The access log's short cut writes what structlog would write."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from scholarship_api.platform.logging import configure, write_access
from scholarship_api.settings import Settings

LOGGER = "scholarship_api.access"
LINE: dict[str, Any] = {
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "method": "GET",
    "path": '/api/v1/"search"/{näme}',
    "status": 200,
    "latency_ms": 1.25,
    "client_ip": "2001:db8::1",
    "user_id": None,
}
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


def write(**values: Any) -> bool:  # noqa: ANN401
    return write_access(event="request.finished", logger=LOGGER, body_bytes=7, **{**LINE, **values})


@pytest.mark.usefixtures("configured")
def test_both_ways_write_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert write()
    with structlog.contextvars.bound_contextvars(
        trace_id=LINE["trace_id"], request_id=LINE["trace_id"]
    ):
        values = {name: value for name, value in LINE.items() if name != "trace_id"}
        structlog.stdlib.get_logger(LOGGER).info("request.finished", **values, bytes=7)
    short, long = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert len(short.pop("timestamp")) == len(long.pop("timestamp"))
    assert short == long


@pytest.mark.usefixtures("configured")
def test_what_may_be_a_secret_takes_the_long_way(capsys: pytest.CaptureFixture[str]) -> None:
    assert not write(trace_id=SECRET)
    assert not write(path=f"/{SECRET}")
    assert capsys.readouterr().err == ""


def test_another_configuration_takes_the_long_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure(Settings(environment="test", log_format="console"))
    assert not write()
    configure(Settings(environment="test", log_format="json", log_level="WARNING"))
    assert not write()
    configure(Settings(environment="test", log_format="json"))
    with structlog.testing.capture_logs():
        assert not write()
    assert capsys.readouterr().err == ""
