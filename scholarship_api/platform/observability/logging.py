"""One log stream for the app, the servers, Alembic and every other library: standard error.

Each line is a JSON object (in development, text for people): timestamp (RFC 3339, UTC), level,
event, logger, and within a request trace_id and request_id. Standard output is left to the output
of commands. Write events as `structlog.stdlib.get_logger(__name__).info("thing.happened",
identifier=...)`: a fixed name, identifiers, no objects.

Servers must not install handlers of their own: uvicorn gets `log_config=None, access_log=False`.
"""

import datetime as dt
import json
import logging
import select
import sys
from collections.abc import Iterable, Iterator
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from scholarship_api.platform.observability.redaction import Redactor, escape_control_characters
from scholarship_api.settings.settings import SECRETS, Settings

REPORTED: Final = "logged as request.failed"
"""A note on an exception that has been logged and is raised again, as servers would log it too."""

_LEVELS: Final = {"exception": "error", "warn": "warning", "fatal": "critical"}
_OWN_LOGGERS: Final = ("scholarship_api", "uvicorn", "gunicorn", "alembic", "py.warnings")
"""Loggers at LOG_LEVEL; those of other libraries are at WARNING.

Below that, drivers and clients log statements, parameters and URLs.
"""
_SERVER_LOGGERS: Final = ("uvicorn.error", "uvicorn.access", "gunicorn.error", "gunicorn.access")
encode_json: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

_ATOMIC_WRITE_BYTES: Final = select.PIPE_BUF
"""A longer write to a pipe may be mixed with those of other processes (pipe(7))."""

# Changed in place, because loggers in use keep a reference to the list.
_processors: Final[list[Processor]] = []


def configure(settings: Settings) -> None:
    """Give all logs of this process one format; a second call replaces the first."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    redactor = Redactor(_secrets_of(settings))
    finish = _to_json(redactor) if settings.log_format == "json" else _to_console(redactor)
    _processors[:] = [_compose, finish]
    is_plain_json = settings.log_format == "json" and level <= logging.INFO
    _configuration.redactor = redactor if is_plain_json else None
    _configuration.finish = finish
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_LineLogger,
        cache_logger_on_first_use=True,
    )
    _take_over_standard_library(level, finish)


class _Configuration:
    redactor: Redactor | None = None
    """The redactor of lines at INFO, if those are plain JSON."""
    finish: Processor | None = None


_configuration: Final = _Configuration()


def plain_json_redactor() -> Redactor | None:
    """The redactor in force, if this module alone decides what a line at INFO looks like.

    None with another format, a higher level, or while a test captures the log.
    """
    processors = structlog.get_config()["processors"]
    if processors is not _processors or processors != [_compose, _configuration.finish]:
        return None
    return _configuration.redactor


class _LineLogger:
    """Writes finished lines without the standard library's records, which cost 10 us each."""

    def __init__(self, name: str = "scholarship_api") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        _write(line)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


def write_lines(lines: Iterable[str]) -> None:
    """Write finished lines to standard error, several with one system call where they fit."""
    batch: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > _ATOMIC_WRITE_BYTES and batch:
            _write("\n".join(batch))
            batch, size = [], len(line) + 1
        batch.append(line)
    if batch:
        _write("\n".join(batch))


def _write(lines: str) -> None:
    stream = sys.stderr
    # Not through the stream's buffer: text that cannot be written, as on a full disk, would stay in
    # it, and this process and each one forked meanwhile would write it later.
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    try:
        # One system call, so that the lines of several workers do not mix.
        if raw is None:
            stream.write(f"{lines}\n")
            stream.flush()
        else:
            stream.flush()  # text that others have printed
            left = f"{lines}\n".encode(errors="backslashreplace")
            while left and (written := raw.write(left)):
                left = left[written:]
    except (OSError, ValueError):
        # The reader has gone, and there is no other place to report it.
        return


class _Handler(logging.Handler):
    """The standard library's records, in the same format."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _write(self.format(record))
        except Exception:  # noqa: BLE001 - like every handler of the standard library
            self.handleError(record)


def _take_over_standard_library(level: int, finish: Processor) -> None:
    handler = _Handler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=[_compose], processors=[finish])
    )
    handler.addFilter(_not_reported_yet)
    root = logging.getLogger()
    root.handlers = [*(old for old in root.handlers if not isinstance(old, _Handler)), handler]
    root.setLevel(max(level, logging.WARNING))
    for name in (*_OWN_LOGGERS, *_SERVER_LOGGERS):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(level if name in _OWN_LOGGERS else logging.NOTSET)
    # The request context middleware writes the access log.
    logging.getLogger("uvicorn.access").propagate = False
    logging.captureWarnings(capture=True)


def _not_reported_yet(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return REPORTED not in getattr(error, "__notes__", ())


def _compose(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Add the parts that every line has, in one step instead of several processors."""
    record = event.pop("_record", None)
    event.pop("_from_structlog", None)
    return {
        "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")[:-6] + "Z",
        "level": _LEVELS.get(method, method),
        "event": event.pop("event"),
        "logger": logger.name if record is None else record.name,
        **structlog.contextvars.get_contextvars(),
        **event,
    }


def _to_json(redactor: Redactor) -> Processor:
    def finish(_: WrappedLogger, __: str, event: EventDict) -> str:
        event = _with_exception(event)
        try:
            line = encode_json(event)
        except (TypeError, ValueError):
            # A value that JSON cannot hold.
            return encode_json(redactor.mapping(event))
        return encode_json(redactor.mapping(event)) if redactor.may_change(line) else line

    return finish


def _to_console(redactor: Redactor) -> Processor:
    render = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), sort_keys=False)

    def finish(logger: WrappedLogger, name: str, event: EventDict) -> str:
        clean = redactor.mapping(_with_exception(event))
        for key, value in clean.items():
            if isinstance(value, str):
                clean[key] = escape_control_characters(
                    value, keep_newlines=key in {"exception", "stack_info"}
                )
        return str(render(logger, name, clean))

    return finish


def _with_exception(event: EventDict) -> EventDict:
    if "exc_info" in event:
        return structlog.processors.format_exc_info(None, "", event)
    return event


def _secrets_of(settings: Settings) -> Iterator[str]:
    for name in SECRETS:
        value = getattr(settings, name)
        for secret in value if isinstance(value, tuple) else (value,):
            yield secret.get_secret_value()
