"""Starting the service: wait for what it needs, migrate, become gunicorn."""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Final, NoReturn

import psycopg
import redis
import structlog
from sqlalchemy.exc import SQLAlchemyError

from scholarship_api.platform.database import migrations
from scholarship_api.platform.database.errors import reason_of
from scholarship_api.settings.settings import Settings

EXIT_UNAVAILABLE: Final = 69
"""`EX_UNAVAILABLE` of sysexits.h: a server that we need cannot be used."""

WAIT_SECONDS: Final = 60.0
"""For each of the two servers to answer."""

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 3.0
_ATTEMPT_SECONDS: Final = 5
_CONFIGURATION = "python:scholarship_api.platform.server.gunicorn_conf"
_APPLICATION: Final = "scholarship_api.app:create_app()"

_log = structlog.stdlib.get_logger(__name__)


class PrestartError(Exception):
    """The service cannot start; the message names the setting, and no value.

    A process exits with `exit_code`.
    """

    exit_code: Final = EXIT_UNAVAILABLE


class _NotReadyError(Exception):
    """Why a server is of no use yet."""


def start(settings: Settings) -> NoReturn:
    """`prestart`, then `serve`. Raises `PrestartError`."""
    # The first process of a container ignores SIGTERM unless it has a handler for it.
    signal.signal(signal.SIGTERM, _end)
    prestart(settings)
    serve(settings)


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


def serve(settings: Settings) -> NoReturn:
    """Become gunicorn, with the same process id."""
    command = [sys.executable, "-m", "gunicorn", "-c", _CONFIGURATION, _APPLICATION]
    _log.info("gunicorn.started", port=settings.port)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)  # noqa: S606


def prestart(settings: Settings, *, wait_seconds: float = WAIT_SECONDS) -> None:
    """Wait for PostgreSQL and the rate limiter's server, migrate, and query as the serving role.

    Safe when replicas race: one migrates. Raises `PrestartError` when a server is not there after
    `wait_seconds`, and when the schema cannot be migrated.
    """
    owner = settings.database_migration_url.get_secret_value()
    _wait_for("DATABASE_MIGRATION_URL", lambda: _query(owner), wait_seconds)
    limiter = settings.rate_limit_backend_url.get_secret_value()
    if limiter and settings.rate_limit_enabled and not settings.disable_rate_limit_backend:
        _wait_for("RATE_LIMIT_BACKEND_URL", lambda: _ping(limiter), wait_seconds)
    _migrate(owner)
    serving = settings.database_url.get_secret_value()
    _wait_for("DATABASE_URL", lambda: _query(serving), wait_seconds)
    _log.info("prestart.finished")


def _wait_for(setting: str, attempt: Callable[[], None], wait_seconds: float) -> None:
    end = time.monotonic() + wait_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            attempt()
        except _NotReadyError as error:
            left = end - time.monotonic()
            if left <= 0:
                raise PrestartError(
                    f"the server of {setting} was of no use for {wait_seconds:.0f} s: {error}"
                ) from error
            _log.warning("prestart.waiting", server=setting, reason=str(error))
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            _log.info("prestart.reached", server=setting)
            return


def _query(url: str) -> None:
    try:
        with psycopg.connect(
            url.replace("+psycopg", "", 1),
            connect_timeout=_ATTEMPT_SECONDS,
            autocommit=True,
            prepare_threshold=None,
        ) as connection:
            connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise _NotReadyError(reason_of(error).sentence) from None


def _ping(url: str) -> None:
    try:
        client = redis.Redis.from_url(
            url.replace("valkey", "redis", 1),
            socket_connect_timeout=_ATTEMPT_SECONDS,
            socket_timeout=_ATTEMPT_SECONDS,
        )
        with client:
            client.ping()
    except redis.AuthenticationError:
        raise _NotReadyError("it refuses the password") from None
    except redis.TimeoutError:
        raise _NotReadyError("it does not answer") from None
    except (redis.RedisError, OSError, ValueError):
        raise _NotReadyError("it cannot be reached") from None


def _migrate(url: str) -> None:
    try:
        revisions = migrations.upgrade(url)
    except migrations.MigrationTimeoutError as error:
        raise PrestartError(f"the schema cannot be migrated: {error}") from error
    except SQLAlchemyError as error:
        origin = getattr(error, "orig", None)
        reason = (
            reason_of(origin).sentence if isinstance(origin, psycopg.Error) else "it cannot be used"
        )
        _log.error("migration.failed", reason=reason, kind=type(origin or error).__name__)
        raise PrestartError(f"the schema cannot be migrated: {reason}") from error
    _log.info("schema.migrated", revisions=list(revisions))
