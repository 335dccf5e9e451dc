"""One log stream for the app, the servers, Alembic and every other library: stderr.

JSON, one object a line (or, in development, lines for people): timestamp (RFC 3339, UTC), level,
event, logger, and within a request trace_id and request_id. Standard output stays free for what a
command prints. Write events as `structlog.stdlib.get_logger(__name__).info("thing.happened",
identifier=...)`: a fixed name, identifiers, no objects.

Servers must not bring handlers of their own: uvicorn gets `log_config=None, access_log=False`.
"""

import datetime as dt
import functools
import json
import logging
import select
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from scholarship_api.platform.observability.redaction import Redactor, escape_control_characters
from scholarship_api.settings.settings import SECRETS, Settings

if TYPE_CHECKING:
    from scholarship_api.platform.http.request_context import Exchange

REPORTED: Final = "logged as request.failed"
"""A note on an exception that is raised on although it has been logged; servers log it again."""

_LEVELS: Final = {"exception": "error", "warn": "warning", "fatal": "critical"}
_OURS: Final = ("scholarship_api", "uvicorn", "gunicorn", "alembic", "py.warnings")
"""Loggers at LOG_LEVEL; other libraries are heard from WARNING on.

Below that, drivers and clients log statements, parameters and URLs.
"""
_SERVERS: Final = ("uvicorn.error", "uvicorn.access", "gunicorn.error", "gunicorn.access")
_encode: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode

_WHOLE_BYTES: Final = select.PIPE_BUF
"""Up to so many, a write to a pipe is not mixed with those of other processes (pipe(7))."""

# Changed in place: loggers that are in use keep a reference to it.
_processors: Final[list[Processor]] = []


def configure(settings: Settings) -> None:
    """Send all logs of this process through one format; again replaces what was before."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    redactor = Redactor(_secrets_of(settings))
    finish = _to_json(redactor) if settings.log_format == "json" else _to_console(redactor)
    _processors[:] = [_compose, finish]
    _access.finish = finish if settings.log_format == "json" and level <= logging.INFO else None
    _access.suspects = redactor.suspects
    _fragments.cache_clear()
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_LineLogger,
        cache_logger_on_first_use=True,
    )
    _take_over_standard_library(level, finish)


class _Access:
    """What the access log's short cut needs of the configuration."""

    finish: Processor | None = None
    suspects: Callable[[str], bool]
    second = 0
    second_text = ""


_access: Final = _Access()


def write_access(
    exchanges: "Sequence[Exchange]", *, event: str, logger: str
) -> "Sequence[Exchange]":
    """Write the lines that structlog would write, at a tenth of the cost.

    Returns the exchanges whose lines it could not write: with another format or configuration all,
    else those with something in them that may have to be redacted. A trace id needs no escapes.
    """
    in_force = structlog.get_config()["processors"]
    if in_force is not _processors or in_force != [_compose, _access.finish]:
        return exchanges
    left: list[Exchange] = []
    lines: list[str] = []
    size = 0
    for exchange in exchanges:
        line = _access_line(exchange, event, logger)
        if not line:
            left.append(exchange)
            continue
        size += len(line) + 1
        if size > _WHOLE_BYTES and lines:
            _write("\n".join(lines))
            lines, size = [], len(line) + 1
        lines.append(line)
    if lines:
        _write("\n".join(lines))
    return left


def _access_line(exchange: "Exchange", event: str, logger: str) -> str:
    """Empty if something may have to be redacted."""
    method, route, status, seconds, body_bytes, trace_id, client_ip, user_id, at = exchange
    head, request, client = _fragments(event, logger, method, route, status, client_ip, user_id)
    if not (head and request and client) or _access.suspects(trace_id):
        return ""
    second = int(at)
    if second != _access.second:
        _access.second = second
        _access.second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return (
        f'{{"timestamp":"{_access.second_text}.{int((at - second) * 1_000_000):06d}Z"'
        f',"level":"info",{head},"trace_id":"{trace_id}","request_id":"{trace_id}",{request}'
        f',"latency_ms":{round(seconds * 1000, 2)},{client},"bytes":{body_bytes}}}'
    )


@functools.lru_cache(maxsize=4096)
def _fragments(  # noqa: PLR0917 - keywords would make the cache's own keys slower than the rest
    event: str,
    logger: str,
    method: str,
    path: str,
    status: int,
    client_ip: str | None,
    user_id: str | None,
) -> tuple[str, str, str]:
    return (
        _fragment(event=event, logger=logger),
        _fragment(method=method, path=path, status=status),
        _fragment(client_ip=client_ip, user_id=user_id),
    )


def _fragment(**values: object) -> str:
    """The inner part of a JSON object; empty if it looks like a secret."""
    text = _encode(values)[1:-1]
    return "" if _access.suspects(text) else text


class _LineLogger:
    """Writes finished lines. Past the standard library's records, which would cost 10 us more."""

    def __init__(self, name: str = "scholarship_api") -> None:
        self.name = name

    def msg(self, line: str) -> None:
        _write(line)

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


def _write(lines: str) -> None:
    stream = sys.stderr
    # Past its buffer: what could not be written, as when the disk is full, would stay there, and be
    # written later by this process and by each one that was forked meanwhile.
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    try:
        # One call, so that the lines of several workers do not mix.
        if raw is None:
            stream.write(f"{lines}\n")
            stream.flush()
        else:
            stream.flush()  # what others have printed
            left = f"{lines}\n".encode(errors="backslashreplace")
            while left and (written := raw.write(left)):
                left = left[written:]
    except (OSError, ValueError):
        # Nobody reads any more, and there is nowhere left to say so.
        return


class _Handler(logging.Handler):
    """The standard library's records, in the same format."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _write(self.format(record))
        except Exception:  # noqa: BLE001 - as every handler of the standard library
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
    for name in (*_OURS, *_SERVERS):
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        logger.setLevel(level if name in _OURS else logging.NOTSET)
    # The access log is the request context middleware's.
    logging.getLogger("uvicorn.access").propagate = False
    logging.captureWarnings(capture=True)


def _not_reported_yet(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return REPORTED not in getattr(error, "__notes__", ())


def _compose(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """All that every line has, in one step: the access log takes this way at every request."""
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
            line = _encode(event)
        except (TypeError, ValueError):
            # A value that JSON cannot hold.
            return _encode(redactor.mapping(event))
        return _encode(redactor.mapping(event)) if redactor.suspects(line) else line

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
