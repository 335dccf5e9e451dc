"""Whether this process can serve requests."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg

from scholarship_api.health.checks import DEADLINE_SECONDS, Check, Result, Status, Unhealthy
from scholarship_api.health.schemas import ServiceName
from scholarship_api.platform import shutdown
from scholarship_api.platform.database import revisions
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.errors import outage_reason
from scholarship_api.platform.database.libpq import Row
from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS, backend_reason
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import Settings

if TYPE_CHECKING:
    from scholarship_api.health.outbound import OutboundHosts


@dataclass(frozen=True, slots=True)
class Report:
    services: Mapping[ServiceName, Result]
    not_ready: Mapping[str, str]
    """The reason for each dependency that keeps this process from serving."""

    @property
    def degraded(self) -> bool:
        return any(result.status == "degraded" for result in self.services.values())


class HealthService:
    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        limiter: RateLimiter,
        catalogue_is_loaded: Callable[[], bool] = lambda: True,
    ) -> None:
        """A process that answers no searches has no catalogue to load."""
        self.settings = settings
        self._database = database
        self._limiter = limiter
        self._catalogue_is_loaded = catalogue_is_loaded
        self._outbound = _outbound_hosts(settings)
        self._known_revisions, self._head_revision = revisions.known(), revisions.head()
        self._checks: dict[ServiceName, Check] = {
            "database": Check(self._check_database, required=True),
            # Where the in-memory limiter takes over, requests are served without the backend.
            "rate_limiter": Check(self._check_limiter, required=settings.fails_closed),
            "migrations": Check(self._check_migrations, required=True),
            "outbound": Check(self._check_outbound, required=settings.outbound_required),
        }

        if database.replicas is not None:
            self._checks["read_replicas"] = Check(self._check_replicas, required=False)

    async def database(self) -> Result:
        return await self._checks["database"].result()

    async def readiness(self) -> Report:
        """All checks, within DEADLINE_SECONDS.

        While draining nothing is checked any more, and results of earlier checks are left out once
        they are old.
        """
        if shutdown.state.draining:
            current = {name: check.current_result for name, check in self._checks.items()}
            return Report(
                {name: result for name, result in current.items() if result is not None},
                {"process": "shutting_down"},
            )
        results = await asyncio.gather(*(check.result() for check in self._checks.values()))
        services = dict(zip(self._checks, results, strict=True))
        not_ready: dict[str, str] = {
            name: result.reason or "failed"
            for name, result in services.items()
            if result.status == "down"
        }
        if not self._catalogue_is_loaded():
            not_ready["catalogue"] = "loading"
        return Report(services, not_ready)

    async def close(self) -> None:
        for check in self._checks.values():
            await check.close()
        if self._outbound is not None:
            await self._outbound.close()

    async def _check_database(self) -> Status:
        # Behind a pooler the connection does not tell: the server may have become a standby.
        [[is_standby]] = await self._fetch("SELECT pg_is_in_recovery()")
        if is_standby == b"t":
            raise Unhealthy("read_only")
        return "up"

    async def _check_migrations(self) -> Status:
        try:
            rows = await self._fetch("SELECT version_num FROM alembic_version")
        except psycopg.errors.UndefinedTable:
            raise Unhealthy("behind") from None
        applied = {row[0].decode() for row in rows}
        # A revision that this code does not know belongs to a newer release. During a roll-out the
        # old replicas keep serving, which expand/contract migrations allow.
        is_known = applied <= self._known_revisions
        if not applied or (is_known and self._head_revision not in applied):
            raise Unhealthy("behind")
        return "up"

    async def _fetch(self, statement: str) -> list[Row]:
        try:
            return await self._database.probe(statement, seconds=DEADLINE_SECONDS)
        except psycopg.OperationalError as error:
            raise Unhealthy(outage_reason(error) or "failed") from None

    async def _check_replicas(self) -> Status:
        """Degraded while a replica is left out: the others and the primary answer its reads."""
        assert self._database.replicas is not None  # noqa: S101 - there is no check without them
        for replica in self._database.replicas.all:
            if not replica.is_up:
                raise Unhealthy(replica.state)
        return "up"

    async def _check_limiter(self) -> Status:
        if not self._limiter.enabled:
            return "disabled"
        if self._limiter.shared is None:
            return "in_memory"
        try:
            await self._limiter.shared.check()
        except BACKEND_ERRORS as error:
            raise Unhealthy(backend_reason(error).word) from None
        return "up"

    async def _check_outbound(self) -> Status:
        if self._outbound is None:
            return "not_configured"
        await self._outbound.check()
        return "up"


def _outbound_hosts(settings: Settings) -> "OutboundHosts | None":
    if not settings.outbound_check_urls:
        return None
    # Imported here: a worker that checks no hosts does not pay for the memory of an HTTP client.
    from scholarship_api.health.outbound import OutboundHosts  # noqa: PLC0415

    return OutboundHosts(settings.outbound_check_urls)
