"""The rows of the checklist that ask PostgreSQL and the rate limiter's server."""

import asyncio
import http
from collections.abc import Awaitable, Callable
from typing import Final

import psycopg
from limits import RateLimitItemPerMinute
from sqlalchemy import text
from starlette.types import Scope

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.health.middleware import answer_probe
from scholarship_api.health.paths import LIVENESS, READINESS
from scholarship_api.health.service import HealthService
from scholarship_api.identity_providers.keys import unreachable_issuers
from scholarship_api.platform.database import revisions
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.errors import outage_reason
from scholarship_api.platform.database.replicas import Replicas
from scholarship_api.platform.rate_limiting.buckets import Bucket
from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS, backend_reason
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.platform.server.gunicorn_options import default_workers
from scholarship_api.preflight.results import CheckResult, Finding
from scholarship_api.settings.settings import DefaultSettings, Settings

DEADLINE_SECONDS: Final = 5.0
"""Deadline in seconds for each question to a server; all of them take less than a minute."""

CONNECTIONS_BESIDE_POOL: Final = 2
"""Connections of each worker besides its pool: for the probes, and for the catalogue's version."""

_OK: Final = int(http.HTTPStatus.OK)
_UNAVAILABLE: Final = int(http.HTTPStatus.SERVICE_UNAVAILABLE)
_UNREACHABLE_DATABASE: Final = "postgresql://nobody@127.0.0.1:1/none?sslmode=disable"


async def rows_of(settings: Settings, replicas: int) -> list[CheckResult]:
    """All rows; `replicas` is how many processes of `serve` share the database."""
    if not settings.database_url.get_secret_value():
        return [CheckResult(name, "failed", "DATABASE_URL is not set") for name in NAMES]
    database, limiter = Database(settings), RateLimiter(settings)
    try:
        questions = {
            **{name: ask(database, limiter) for name, ask in _QUESTIONS.items()},
            **({"read replicas": _replicas(database.replicas)} if database.replicas else {}),
            "identity providers": _providers(settings),
            "probes": _probes(settings, database, limiter),
            "connections": _connections(settings, database, replicas),
        }
        return [await _row(name, question) for name, question in questions.items()]
    finally:
        await limiter.close()
        await database.close()


async def _row(name: str, question: Awaitable[Finding]) -> CheckResult:
    try:
        async with asyncio.timeout(2 * DEADLINE_SECONDS):
            return CheckResult(name, *await question)
    except TimeoutError:
        return CheckResult(name, "failed", "no answer in time")
    except DatabaseUnavailable as error:
        return CheckResult(name, "failed", _reason(error.__cause__))
    except (psycopg.Error, *BACKEND_ERRORS) as error:
        return CheckResult(name, "failed", _reason(error))


def _reason(error: BaseException | None) -> str:
    return (isinstance(error, Exception) and outage_reason(error)) or "unreachable"


async def _database(database: Database, _: RateLimiter) -> Finding:
    [(version, is_standby, read_only)] = await database.probe(
        "SELECT current_setting('server_version'), pg_is_in_recovery(),"
        " current_setting('default_transaction_read_only')",
        seconds=DEADLINE_SECONDS,
    )
    name = f"PostgreSQL {version.decode().split()[0]}"
    if is_standby == b"t":
        return "failed", f"{name} is a standby: it takes no writes"
    if read_only == b"on":
        return "failed", f"{name} is read-only: default_transaction_read_only is on"
    # Also in the ways of requests: a pooler may refuse them and accept the probe.
    async with database.read_session(seconds=DEADLINE_SECONDS) as session:
        await session.execute(text("SELECT 1"))
    await database.fetch("SELECT 1", {})
    return "passed", f"{name} answers the probe, a session and a statement, and takes writes"


async def _migrations(database: Database, _: RateLimiter) -> Finding:
    try:
        rows = await database.probe(
            "SELECT version_num FROM alembic_version", seconds=DEADLINE_SECONDS
        )
    except psycopg.errors.UndefinedTable:
        return "failed", "the database has no schema; run `scholarship-api migrate`"
    applied = {row[0].decode() for row in rows}
    if applied == {revisions.head()}:
        return "passed", f"at head, {revisions.head()}"
    if applied - revisions.known():
        return "warning", "the database is ahead of this release"
    return "failed", "behind this release; run `scholarship-api migrate`"


async def _privileges(database: Database, _: RateLimiter) -> Finding:
    [(may_create,)] = await database.probe(
        "SELECT has_schema_privilege(current_schema(), 'CREATE')", seconds=DEADLINE_SECONDS
    )
    if may_create == b"t":
        detail = "the serving role may change the schema; give DATABASE_URL a role that may not"
        return "warning", detail
    return "passed", "the serving role may not change the schema"


async def _replicas(configured: Replicas) -> Finding:
    await configured.check()
    replicas = configured.all
    left_out = [f"{replica.name} ({replica.state})" for replica in replicas if not replica.is_up]
    if left_out:
        detail = f"left out: {', '.join(left_out)} of {len(replicas)}; the primary reads instead"
        return "failed" if len(left_out) == len(replicas) else "warning", detail
    return "passed", f"{len(replicas)} of {len(replicas)} are up and close behind the primary"


async def _limiter(_: Database, limiter: RateLimiter) -> Finding:
    if limiter.shared is None:
        return "failed", "RATE_LIMIT_BACKEND_URL is not set, or rate limits are off"
    # As a login does it: a replica would accept the connection and refuse to count. In a Cluster
    # the buckets of an address and of an account are on different nodes.
    limit = RateLimitItemPerMinute(1000)
    buckets = tuple(Bucket("preflight", identity, limit) for identity in ("one", "another"))
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await limiter.shared.connect()
            await limiter.shared.hit(buckets)
    except BACKEND_ERRORS as error:
        return "failed", backend_reason(error).word
    return "passed", "the shared rate limiter counts"


async def _providers(settings: Settings) -> Finding:
    if not settings.oidc_issuers:
        return "skipped", "OIDC_ISSUERS is empty"
    away = await unreachable_issuers(settings.oidc_issuers)
    if away:
        return "failed", f"no keys can be read from: {', '.join(away)}"
    return "passed", f"{len(settings.oidc_issuers)} of OIDC_ISSUERS answer with their keys"


async def _worker(database: Database, _: RateLimiter) -> Finding:
    try:
        [(alive,)] = await database.probe(
            "SELECT count(*) FROM procrastinate_workers"
            " WHERE last_heartbeat > now() - interval '1 minute'",
            seconds=DEADLINE_SECONDS,
        )
    except psycopg.errors.UndefinedTable:
        return "skipped", "the schema has to be at head first"
    if alive == b"0":
        return (
            "warning",
            "none runs: no webhook and no alert is delivered; start one if you need it",
        )
    return "passed", "delivers webhooks and alerts"


_QUESTIONS: Final[dict[str, Callable[[Database, RateLimiter], Awaitable[Finding]]]] = {
    "database": _database,
    "migrations": _migrations,
    "privileges": _privileges,
    "rate limiter": _limiter,
    "worker": _worker,
}
NAMES: Final = (*_QUESTIONS, "identity providers", "probes", "connections")


async def _probes(settings: Settings, database: Database, limiter: RateLimiter) -> Finding:
    """The answers of this process's probes now, and without the database."""
    alive, ready = await _probe_statuses(settings, database, limiter)
    unreachable = Database(DefaultSettings(database_url=_UNREACHABLE_DATABASE))
    try:
        alive_without, ready_without = await _probe_statuses(settings, unreachable, limiter)
    finally:
        await unreachable.close()
    if (alive, alive_without, ready_without) != (_OK, _OK, _UNAVAILABLE):
        return "failed", "the probes do not tell a lost database"
    if ready != _OK:
        return "failed", f"{READINESS} answers {ready}; see the other checks"
    return "passed", f"in this process: {READINESS} answers 200, and 503 without the database"


async def _probe_statuses(
    settings: Settings, database: Database, limiter: RateLimiter
) -> tuple[int, int]:
    health = HealthService(settings=settings, database=database, limiter=limiter)
    try:
        statuses = []
        for path in (LIVENESS, READINESS):
            scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": []}
            response = await answer_probe(health, scope)
            statuses.append(response.status_code)
        return statuses[0], statuses[1]
    finally:
        await health.close()


_WORKER_CONNECTIONS_BESIDE_POOLS: Final = 3
"""Two listen for jobs, and one notices changes of the catalogue."""


async def _connections(settings: Settings, database: Database, replicas: int) -> Finding:
    workers = settings.web_concurrency or default_workers()
    pool = settings.database_pool_size + settings.database_max_overflow
    deliveries = settings.database_pool_size + pool + _WORKER_CONNECTIONS_BESIDE_POOLS
    needed = replicas * workers * (pool + CONNECTIONS_BESIDE_POOL) + deliveries
    product = (
        f"{replicas} replicas x {workers} workers x ({pool} + {CONNECTIONS_BESIDE_POOL})"
        f" + {deliveries} of scholarship-api worker = {needed}"
    )
    if settings.database_pgbouncer:
        return "warning", f"{product}; compare it with max_client_conn of PgBouncer"
    [(available,)] = await database.probe(
        "SELECT sum(setting::int * CASE name WHEN 'max_connections' THEN 1 ELSE -1 END)"
        " FROM pg_settings WHERE name IN"
        " ('max_connections', 'superuser_reserved_connections', 'reserved_connections')",
        seconds=DEADLINE_SECONDS,
    )
    if needed > int(available):
        detail = (
            f"{product}, but PostgreSQL has {int(available)} for all its clients: lower"
            " WEB_CONCURRENCY or DATABASE_POOL_SIZE, or raise max_connections"
        )
        return "failed", detail
    return "passed", f"{product} of {int(available)}"
