import datetime as dt
import io
import json
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from scholarship_api.platform.observability.logging import REPORTED, configure
from scholarship_api.settings.settings import Settings

PLANTED = "Pl4nted-Value-7"
NAMES = ("", "scholarship_api", "uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "gunicorn")


class Written:
    """The text that the process has written to standard error."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text


@pytest.fixture
def stream(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """Puts logging back as it was."""
    loggers = [logging.getLogger(name) for name in (*NAMES, "gunicorn.error", "py.warnings")]
    before = [(one, one.handlers, one.level, one.propagate) for one in loggers]
    yield Written(capsys)
    for one, handlers, level, propagate in before:
        one.handlers, one.propagate = handlers, propagate
        one.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def settings(**options: Any) -> Settings:  # noqa: ANN401
    return Settings(
        **{
            "environment": "test",
            "database_url": f"postgresql://api:{PLANTED}@db/x",
            "rate_limit_backend_url": f"redis://:{PLANTED}@cache/0",
            "jwt_secret_key": PLANTED * 6,
            "metrics_token": f"metrics-{PLANTED}",
            **options,
        }
    )


def lines_of(stream: Written) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        assert list(line)[:4] == ["timestamp", "level", "event", "logger"]
        assert line["timestamp"].endswith("Z")
        age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(line["timestamp"])
        assert dt.timedelta() <= age < dt.timedelta(minutes=1)
    return lines


def test_all_loggers_have_one_format(stream: Written) -> None:
    configure(settings())
    structlog.stdlib.get_logger("scholarship_api.things").info("thing.happened", number=7)
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    logging.getLogger("gunicorn.error").warning("Worker exiting")
    logging.getLogger("alembic.runtime.migration").info("Running upgrade")
    logging.getLogger("some.library").error("broken")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    found = [(line["logger"], line["level"], line["event"]) for line in lines_of(stream)]
    assert found[:-1] == [
        ("scholarship_api.things", "info", "thing.happened"),
        ("uvicorn.error", "info", "Started server process [7]"),
        ("gunicorn.error", "warning", "Worker exiting"),
        ("alembic.runtime.migration", "info", "Running upgrade"),
        ("some.library", "error", "broken"),
    ]
    assert found[-1][:2] == ("py.warnings", "warning")
    assert "DeprecationWarning: old" in found[-1][2]


def test_every_line_has_the_ids_of_its_request(stream: Written) -> None:
    configure(settings())
    with structlog.contextvars.bound_contextvars(trace_id="seven", request_id="seven"):
        structlog.stdlib.get_logger("scholarship_api.things").info("thing.happened")
        logging.getLogger("uvicorn.error").error("failed")
    structlog.stdlib.get_logger("scholarship_api.things").info("thing.happened")
    first, second, third = lines_of(stream)
    assert (first["trace_id"], first["request_id"]) == ("seven", "seven")
    assert (second["trace_id"], second["request_id"]) == ("seven", "seven")
    assert "trace_id" not in third


def fail() -> None:
    raise ConnectionError(f"postgresql://api:{PLANTED}@db/x: password={PLANTED}\nforged line")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_secret_is_logged(stream: Written, log_format: str) -> None:
    configure(settings(log_format=log_format))
    ours = structlog.stdlib.get_logger("scholarship_api.things")
    theirs = logging.getLogger("uvicorn.error")
    ours.info("sent", headers={"Authorization": f"Bearer {PLANTED}"}, password=PLANTED)
    ours.info(f"connecting to postgresql://other:{PLANTED}@elsewhere/y")
    ours.info("verbatim", value=f"<<{PLANTED}>>", object=ValueError(PLANTED), items=[PLANTED])
    ours.info("key", value=PLANTED * 6)
    theirs.error("Authorization: Bearer %s", PLANTED)
    theirs.error("{'password': '%s'}", PLANTED)
    try:
        fail()
    except ConnectionError:
        ours.exception("failed")
        theirs.exception("failed")
    assert PLANTED not in stream.getvalue()
    assert stream.getvalue().count("[redacted]") >= 8
    assert stream.getvalue().count("Traceback (most recent call last)") == 2


def test_every_event_is_one_line(stream: Written) -> None:
    configure(settings())
    forged = 'x\n{"level":"critical"}\r\n\x1b[2J\u2028\u0085\x00'
    structlog.stdlib.get_logger("scholarship_api.things").info(forged, value=forged, **{forged: 1})
    logging.getLogger("uvicorn.error").error(forged)
    first, second = lines_of(stream)
    assert first["event"] == first["value"] == second["event"] == forged
    assert stream.getvalue().isascii()


def test_console_lines_cannot_be_forged(stream: Written) -> None:
    configure(settings(log_format="console"))
    structlog.stdlib.get_logger("scholarship_api.things").info("a\nb", value="\x1b[2J\r\u202e")
    logging.getLogger("uvicorn.error").error("c\nd")
    assert len(stream.getvalue().splitlines()) == 2
    assert "\x1b[2J" not in stream.getvalue()


def test_values_without_a_json_form_are_logged_as_text(stream: Written) -> None:
    configure(settings())
    log = structlog.stdlib.get_logger("scholarship_api.things")
    log.info("odd", value=object(), nan=float("nan"), key={1: {2}})
    (line,) = lines_of(stream)
    assert line["value"].startswith("<object object")
    assert (line["nan"], line["key"]) == ("nan", {"1": [2]})


def test_the_log_level_filters_events(stream: Written) -> None:
    configure(settings(log_level="WARNING"))
    structlog.stdlib.get_logger("scholarship_api.things").info("quiet")
    logging.getLogger("uvicorn.error").info("quiet")
    structlog.stdlib.get_logger("scholarship_api.things").warning("heard")
    assert [line["event"] for line in lines_of(stream)] == ["heard"]


def test_libraries_are_quiet_at_level_debug(stream: Written) -> None:
    configure(settings(debug=True))
    structlog.stdlib.get_logger("scholarship_api.things").debug("heard")
    for name in ("sqlalchemy.engine", "httpx", "asyncio", "python_multipart"):
        logging.getLogger(name).info("statement with personal data")
    assert [line["event"] for line in lines_of(stream)] == ["heard"]


def test_the_access_log_of_uvicorn_is_off(stream: Written) -> None:
    configure(settings())
    assert not logging.getLogger("uvicorn.access").hasHandlers()


def test_an_exception_is_logged_once(stream: Written) -> None:
    configure(settings())
    known, unknown = RuntimeError("known"), RuntimeError("unknown")
    known.add_note(REPORTED)
    for error in (known, unknown):
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    (line,) = lines_of(stream)
    assert "RuntimeError: unknown" in line["exception"]


def test_loggers_in_use_follow_a_new_configuration(stream: Written) -> None:
    configure(settings(log_format="console"))
    log = structlog.stdlib.get_logger("scholarship_api.things")
    log.info("first")
    configure(settings())
    log.info("second")
    logging.getLogger("uvicorn.error").info("third")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()[1:]] == [
        "second",
        "third",
    ]


def test_a_closed_stream_raises_nothing(stream: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(settings())
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    structlog.stdlib.get_logger("scholarship_api.things").info("unheard")
    logging.getLogger("uvicorn.error").info("unheard")


FULL_DISK = """
import os, resource
from scholarship_api.platform.observability.logging import configure
from scholarship_api.settings.settings import Settings
import structlog

configure(Settings(environment="test"))
log = structlog.stdlib.get_logger("scholarship_api")
log.info("before")
size = os.fstat(2).st_size
unlimited = resource.RLIM_INFINITY
resource.setrlimit(resource.RLIMIT_FSIZE, (size, unlimited))
for _ in range(100):
    log.info("lost")
resource.setrlimit(resource.RLIMIT_FSIZE, (unlimited, unlimited))
log.info("after")
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_text_that_a_full_disk_rejects_is_not_written_later(
    tmp_path: Path, unbuffered: str
) -> None:
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(
            [sys.executable, "-c", FULL_DISK],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stderr=log,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["before", "after"]
