"""Starting the service: prestart, then become gunicorn."""

import os
import sys
from typing import Final, NoReturn

import structlog

from scholarship_api.platform.server import early_signals
from scholarship_api.platform.server.prestart import (
    prestart,
    require_database,
    wait_for_rate_limiter,
)
from scholarship_api.settings.settings import Settings

SERVE_WAIT_SECONDS: Final = 10.0
"""How long `serve`, which follows a migration job, waits for the rate limiter's server."""

_CONFIGURATION = "python:scholarship_api.platform.server.gunicorn_conf"
_APPLICATION: Final = "scholarship_api.app:create_app()"

_log = structlog.stdlib.get_logger(__name__)


def start(settings: Settings) -> NoReturn:
    """`prestart`, then become gunicorn. Raises `PrestartError` and `SettingsError`."""
    early_signals.handle()
    prestart(settings)
    _become_gunicorn(settings)


def serve(settings: Settings) -> NoReturn:
    """Become gunicorn without migrating. Raises `PrestartError` and `SettingsError`.

    PostgreSQL is not waited for: a replica serves what it can, and is not ready, while it is away.
    """
    early_signals.handle()
    require_database(settings)
    wait_for_rate_limiter(settings, wait_seconds=SERVE_WAIT_SECONDS)
    _become_gunicorn(settings)


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
