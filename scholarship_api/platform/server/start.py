"""Starting the service: prestart, then become gunicorn."""

import errno
import os
import socket
import sys
import time
from typing import Final, NoReturn

import structlog

from scholarship_api.platform.server import early_signals
from scholarship_api.platform.server.prestart import (
    PrestartError,
    prestart,
    require_database,
    wait_for_rate_limiter,
)
from scholarship_api.settings.settings import SettingError, Settings, SettingsError

SERVE_WAIT_SECONDS: Final = 10.0
"""How long `serve`, which follows a migration job, waits for the rate limiter's server."""

PORT_WAIT_SECONDS: Final = 5.0
"""How long a port in use is waited for: a service that is replaced may still be ending."""

_PORT_PAUSE_SECONDS: Final = 0.2
_CONFIGURATION = "python:scholarship_api.platform.server.gunicorn_conf"
_APPLICATION: Final = "scholarship_api.app:create_app()"

_log = structlog.stdlib.get_logger(__name__)


def start(settings: Settings) -> NoReturn:
    """`prestart`, then become gunicorn. Raises `PrestartError` and `SettingsError`."""
    early_signals.handle()
    require_port(settings)
    prestart(settings)
    _become_gunicorn(settings)


def serve(settings: Settings) -> NoReturn:
    """Become gunicorn without migrating. Raises `PrestartError` and `SettingsError`.

    PostgreSQL is not waited for: a replica serves what it can, and is not ready, while it is away.
    """
    early_signals.handle()
    require_database(settings)
    require_port(settings)
    wait_for_rate_limiter(settings, wait_seconds=SERVE_WAIT_SECONDS)
    _become_gunicorn(settings)


def require_port(settings: Settings) -> None:
    """Wait until the port is free. Raises `PrestartError` if it stays in use, and `SettingsError`
    if this process may not listen on it.

    gunicorn would log six lines about a port in use, and exit with 1.
    """
    end = time.monotonic() + PORT_WAIT_SECONDS
    while errors := [
        reason
        for host in settings.bind_host
        if (reason := _bind_error((host, settings.port))) is not None
    ]:
        if reasons := [reason for reason in errors if reason != errno.EADDRINUSE]:
            variable = "PORT" if reasons[0] == errno.EACCES else "BIND_HOST"
            refusal = SettingError(variable, f"cannot be listened on: {os.strerror(reasons[0])}")
            raise SettingsError([refusal], log_format=settings.log_format)
        if time.monotonic() >= end:
            raise PrestartError(settings, "port", "another process listens on this port already")
        time.sleep(_PORT_PAUSE_SECONDS)


def _bind_error(address: tuple[str, int]) -> int | None:
    """The number of the error when a socket is bound to an address as gunicorn does it."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.errno
    return None


def _become_gunicorn(settings: Settings) -> NoReturn:
    """Keep the process id, so that signals arrive."""
    # gunicorn reads these two by itself, and ends with a traceback when one is empty.
    os.environ["PORT"] = str(settings.port)
    os.environ.pop("WEB_CONCURRENCY", None)
    if settings.web_concurrency:
        os.environ["WEB_CONCURRENCY"] = str(settings.web_concurrency)
    command = [sys.executable, "-m", "gunicorn", "-c", _CONFIGURATION, _APPLICATION]
    _log.info("gunicorn.started", port=settings.port)
    sys.stdout.flush()
    sys.stderr.flush()
    early_signals.hold()  # gunicorn_conf releases them
    os.execv(command[0], command)  # noqa: S606
