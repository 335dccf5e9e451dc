"""Before serving: wait for the servers, migrate, query as the serving role.

A server that is absent is waited for. One that answers and refuses us (a wrong password, a missing
database) is reported at once: waiting does not change its mind.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from scholarship_api.command_errors import EXIT_UNAVAILABLE, CommandError
from scholarship_api.platform.database import migrations
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.connection_settings import (
    connection_arguments,
    serving_arguments,
)
from scholarship_api.platform.database.connector import Connector
from scholarship_api.platform.database.errors import reason_of
from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS, backend_reason
from scholarship_api.platform.rate_limiting.shared_storage import SharedStorage
from scholarship_api.settings.settings import SettingError, Settings, SettingsError

WAIT_SECONDS: Final = 60.0
"""How long each server is waited for: a database that recovers from a crash takes its time."""

_FIRST_PAUSE_SECONDS: Final = 0.1
_LONGEST_PAUSE_SECONDS: Final = 3.0
_ATTEMPT_SECONDS: Final = 5
_REFUSALS: Final = frozenset(
    {"access_denied", "no_permission", "pgbouncer_not_configured", "tls_failed"}
)
"""Reasons that do not pass by themselves."""

_log = structlog.stdlib.get_logger(__name__)


class PrestartError(CommandError):
    """A server or the port cannot be used, or the schema cannot be migrated."""

    exit_code = EXIT_UNAVAILABLE
    event = "prestart.failed"

    def __init__(self, settings: Settings, name: str, reason: str) -> None:
        self.variable = settings.variable(name)
        self.reason = reason
        super().__init__(f"{self.variable}: {reason}.", log_format=settings.log_format)

    def fields(self) -> dict[str, object]:
        return {"variable": self.variable, "reason": self.reason}


class _UnusableError(Exception):
    """Why a server cannot be used; `refused` when waiting would not help."""

    def __init__(self, reason: str, *, refused: bool) -> None:
        super().__init__(reason)
        self.refused = refused


def prestart(settings: Settings, *, wait_seconds: float = WAIT_SECONDS) -> None:
    """Wait for PostgreSQL and the rate limiter's server, migrate, and query as the serving role.

    Safe when replicas race: one migrates. Raises `PrestartError`, and `SettingsError` without a
    DATABASE_URL.
    """
    require_database(settings)
    # Nothing is logged and nothing is migrated before all have let us in: a refusal is one line.
    _wait_for("database_migration_url", settings, _query_as_owner, wait_seconds)
    _wait_for("database_url", settings, _query_as_serving_role, wait_seconds)
    is_counted = _wait_for_rate_limiter(settings, wait_seconds)
    _log_reached(settings, "database_migration_url")
    if is_counted:
        _log_reached(settings, "rate_limit_backend_url")
    _migrate(settings, revision="head", down=False)
    _wait_for("database_url", settings, _query_as_serving_role, wait_seconds)
    _log_reached(settings, "database_url")
    _log.info("prestart.finished")


def migrate(settings: Settings, *, revision: str, down: bool) -> tuple[str, ...]:
    """Wait for PostgreSQL and bring the schema to a revision; answers the revisions applied.

    DATABASE_MIGRATION_URL alone will do. Raises `PrestartError`, and `SettingsError` without a URL.
    """
    require_database(settings, "database_migration_url")
    _wait_for("database_migration_url", settings, _query_as_owner, WAIT_SECONDS)
    _log_reached(settings, "database_migration_url")
    return _migrate(settings, revision=revision, down=down)


def require_database(settings: Settings, name: str = "database_url") -> None:
    """Raise `SettingsError` at once where there is no server to wait for."""
    if not getattr(settings, name).get_secret_value():
        reason = (
            "is required: postgresql://user:password@host/database; only `scholarship-api dev`"
            " starts a server of its own"
        )
        raise SettingsError(
            [SettingError(settings.variable(name), reason)], log_format=settings.log_format
        )


def wait_for_rate_limiter(settings: Settings, *, wait_seconds: float) -> None:
    """Wait for Redis or Valkey where requests are counted there. Raises `PrestartError`."""
    if _wait_for_rate_limiter(settings, wait_seconds):
        _log_reached(settings, "rate_limit_backend_url")


def _wait_for_rate_limiter(settings: Settings, wait_seconds: float) -> bool:
    """Whether requests are counted there, and it was reached."""
    is_used = settings.rate_limit_enabled and not settings.disable_rate_limit_backend
    if not is_used or not settings.rate_limit_backend_url.get_secret_value():
        return False
    _wait_for("rate_limit_backend_url", settings, _count, wait_seconds)
    return True


def _wait_for(
    name: str, settings: Settings, attempt: Callable[[Settings], None], wait_seconds: float
) -> None:
    end = time.monotonic() + wait_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            attempt(settings)
        except _UnusableError as error:
            left = end - time.monotonic()
            if error.refused:
                raise PrestartError(settings, name, f"the server refuses us: {error}") from error
            if left <= 0:
                reason = f"the server could not be used within {wait_seconds:.0f} s: {error}"
                raise PrestartError(settings, name, reason) from error
            _log.warning("prestart.waiting", server=settings.variable(name), reason=str(error))
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        else:
            return


def _log_reached(settings: Settings, name: str) -> None:
    _log.info("prestart.reached", server=settings.variable(name))


def _query_as_owner(settings: Settings) -> None:
    _query(connection_arguments(settings.database_migration_url.get_secret_value()))


def _query_as_serving_role(settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    _query(serving_arguments(url, pgbouncer=settings.database_pgbouncer))


def _query(arguments: dict[str, Any]) -> None:
    try:
        asyncio.run(_select(Connector(arguments)))
    except psycopg.Error as error:
        reason = reason_of(error)
        raise _UnusableError(reason.sentence, refused=reason.word in _REFUSALS) from None


async def _select(connector: Connector) -> None:
    with deadline(_ATTEMPT_SECONDS):
        connection = await connector.open()
        try:
            await connection.execute("SELECT 1")
        finally:
            await connection.close()


def _count(settings: Settings) -> None:
    storage = SharedStorage(settings.rate_limit_backend_url.get_secret_value())
    try:
        asyncio.run(_check_and_close(storage))
    except BACKEND_ERRORS as error:
        reason = backend_reason(error)
        raise _UnusableError(reason.sentence, refused=reason.word in _REFUSALS) from None


async def _check_and_close(storage: SharedStorage) -> None:
    try:
        async with asyncio.timeout(_ATTEMPT_SECONDS):
            await storage.check()
    finally:
        await storage.close()


def _migrate(settings: Settings, *, revision: str, down: bool) -> tuple[str, ...]:
    url = settings.database_migration_url.get_secret_value()
    move = migrations.downgrade if down else migrations.upgrade
    try:
        revisions = move(url, revision=revision)
    except migrations.MigrationTimeoutError as error:
        reason = str(error)
    except SQLAlchemyError as error:
        origin = getattr(error, "orig", None)
        reason = (
            reason_of(origin).sentence if isinstance(origin, psycopg.Error) else "it cannot be used"
        )
        _log.error("migration.failed", reason=reason, kind=type(origin or error).__name__)
    else:
        _log.info("schema.migrated", revisions=list(revisions))
        return revisions
    raise PrestartError(
        settings, "database_migration_url", f"the schema cannot be migrated: {reason}"
    )
