"""`scholarship-api check`: is this configuration, with the servers that it names, fit to deploy?

Every finding names variables, fixed reasons and numbers; never a value, a host or a driver's text.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

import psycopg
from rich.console import Console
from rich.table import Table
from starlette.types import Scope

from scholarship_api.health.middleware import answer_probe
from scholarship_api.health.paths import LIVENESS, READINESS
from scholarship_api.health.service import HealthService
from scholarship_api.platform.database import revisions
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.errors import outage_reason
from scholarship_api.platform.observability import logging
from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.platform.server.gunicorn_options import default_workers
from scholarship_api.preflight import deployment
from scholarship_api.preflight import image as image_checks
from scholarship_api.settings.errors import SettingError
from scholarship_api.settings.production import production_errors
from scholarship_api.settings.settings import Settings, SettingsError, load_settings

Outcome = Literal["passed", "failed", "warning", "skipped"]

DEADLINE_SECONDS: Final = 5.0

CONNECTIONS_BESIDE_POOL: Final = 2
"""Of each worker: one for the probes, one that asks which state the catalogue is in."""

WIDEST_PROXY_PREFIX: Final = 8
"""A trusted network with a shorter prefix is larger than any private one."""

_VARIABLES_OF: Final = {
    "signing key": ("JWT_SECRET_KEY", "JWT_PREVIOUS_SECRET_KEYS"),
    "cors": ("CORS_ALLOWED_ORIGINS",),
    "hosts": ("ALLOWED_HOSTS",),
}
_COLOURS: Final = {"passed": "green", "failed": "red", "warning": "yellow", "skipped": "dim"}


@dataclass(frozen=True, slots=True)
class CheckResult:
    name: str
    outcome: Outcome
    detail: str


def run_checks(
    *, replicas: int = 1, base_url: str | None = None, image: str | None = None
) -> list[CheckResult]:
    """Check the settings of this process's environment and the servers that they name.

    `replicas` is how many processes of `scholarship-api serve` share the database. With `base_url`
    a running deployment is looked at as well, with `image` a container image.
    """
    try:
        settings = load_settings()
    except SettingsError as error:
        results = _settings_results(error.errors)
        unknown = "the settings have to be usable first"
        results += [
            CheckResult(name, "skipped", unknown)
            for name in ("environment", *_OFFLINE, *_ONLINE, "probes", "connections")
        ]
    else:
        # The findings say it all, and standard output may have to be JSON.
        logging.configure(settings.model_copy(update={"log_level": "CRITICAL"}))
        results = _settings_results(tuple(production_errors(settings)))
        results += [_environment(settings), *(check(settings) for check in _OFFLINE.values())]
        results += asyncio.run(_ask_servers(settings, replicas))
    if base_url is not None:
        results += [
            CheckResult(f"deployment: {name}", outcome, detail)
            for name, outcome, detail in deployment.run(base_url)
        ]
    if image is not None:
        results += [
            CheckResult(f"image: {name}", outcome, detail)
            for name, outcome, detail in image_checks.run(image)
        ]
    return results


def all_passed(results: Iterable[CheckResult]) -> bool:
    """Whether nothing failed; warnings and what was skipped do not count."""
    return not any(result.outcome == "failed" for result in results)


def as_json(results: Sequence[CheckResult]) -> str:
    checks = [asdict(result) for result in results]
    return json.dumps({"passed": all_passed(results), "checks": checks}, indent=2)


def as_table(results: Iterable[CheckResult]) -> Table:
    table = Table(title="Pre-deploy checklist", title_justify="left")
    for heading in ("Check", "Outcome", "Detail"):
        table.add_column(heading)
    for result in results:
        colour = _COLOURS[result.outcome]
        table.add_row(result.name, f"[{colour}]{result.outcome}[/]", result.detail)
    return table


def print_table(results: Sequence[CheckResult], console: Console) -> None:
    console.print(as_table(results))


# --- The settings ------------------------------------------------------------------------------


def _settings_results(errors: Sequence[SettingError]) -> list[CheckResult]:
    results = []
    seen: set[SettingError] = set()
    for name, variables in _VARIABLES_OF.items():
        own = [error for error in errors if error.variable.removesuffix("_FILE") in variables]
        seen.update(own)
        results.append(_from_errors(name, own))
    return [*results, _from_errors("settings", [error for error in errors if error not in seen])]


def _from_errors(name: str, errors: Sequence[SettingError]) -> CheckResult:
    detail = "; ".join(f"{error.variable} {error.reason}" for error in errors)
    return CheckResult(name, "failed" if errors else "passed", detail or "fit for production")


def _environment(settings: Settings) -> CheckResult:
    detail = f"ENVIRONMENT is {settings.environment}"
    return CheckResult("environment", "passed" if settings.is_production else "failed", detail)


def _docs(settings: Settings) -> CheckResult:
    if settings.enable_docs:
        return CheckResult("docs", "failed", "ENABLE_DOCS is on")
    return CheckResult("docs", "passed", "the documentation pages are off")


def _proxies(settings: Settings) -> CheckResult:
    networks = settings.trusted_proxy_ips
    if not networks:
        detail = (
            "TRUSTED_PROXY_IPS is empty: right without a proxy; behind one, all clients share"
            " the proxy's address and its rate limit"
        )
        return CheckResult("proxies", "warning", detail)
    if any(network.prefixlen < WIDEST_PROXY_PREFIX for network in networks):
        detail = "TRUSTED_PROXY_IPS has a network that is larger than any private one"
        return CheckResult("proxies", "failed", detail)
    return CheckResult("proxies", "passed", f"{len(networks)} trusted networks")


_OFFLINE: Final[dict[str, Callable[[Settings], CheckResult]]] = {
    "docs": _docs,
    "proxies": _proxies,
}


# --- The servers -------------------------------------------------------------------------------


async def _ask_servers(settings: Settings, replicas: int) -> list[CheckResult]:
    if not settings.database_url.get_secret_value():
        names = (*_ONLINE, "probes", "connections")
        return [CheckResult(name, "failed", "DATABASE_URL is not set") for name in names]
    database, limiter = Database(settings), RateLimiter(settings)
    try:
        results = [await _guarded(name, ask(database, limiter)) for name, ask in _ONLINE.items()]
        return [
            *results,
            await _guarded("probes", _probes(settings, database, limiter)),
            await _guarded("connections", _connections(settings, database, replicas)),
        ]
    finally:
        await limiter.close()
        await database.close()


Finding = tuple[Outcome, str]


async def _guarded(name: str, finding: Awaitable[Finding]) -> CheckResult:
    try:
        async with asyncio.timeout(2 * DEADLINE_SECONDS):
            return CheckResult(name, *await finding)
    except TimeoutError:
        return CheckResult(name, "failed", "no answer in time")
    except (psycopg.Error, *BACKEND_ERRORS) as error:
        return CheckResult(name, "failed", outage_reason(error) or "unreachable")


async def _database(database: Database, _: RateLimiter) -> Finding:
    [(version,)] = await database.probe("SHOW server_version", seconds=DEADLINE_SECONDS)
    return "passed", f"PostgreSQL {version.decode().split()[0]} answers"


async def _migrations(database: Database, _: RateLimiter) -> Finding:
    try:
        rows = await database.probe(
            "SELECT version_num FROM alembic_version", seconds=DEADLINE_SECONDS
        )
    except psycopg.errors.UndefinedTable:
        return "failed", "the database has no schema; run `scholarship-api migrate`"
    applied = {row[0].decode() for row in rows}
    if applied == {revisions.head()}:
        return "passed", "at head"
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


async def _limiter(_: Database, limiter: RateLimiter) -> Finding:
    if limiter.shared is None:
        return "failed", "RATE_LIMIT_BACKEND_URL is not set, or rate limits are off"
    async with asyncio.timeout(DEADLINE_SECONDS):
        await limiter.shared.connect()
    return "passed", "the shared rate limiter answers"


_ONLINE: Final[dict[str, Callable[[Database, RateLimiter], Awaitable[Finding]]]] = {
    "database": _database,
    "migrations": _migrations,
    "privileges": _privileges,
    "rate limiter": _limiter,
}


async def _probes(settings: Settings, database: Database, limiter: RateLimiter) -> Finding:
    """What the probes answer now, and what they would answer without the database."""
    alive, ready = await _probe_statuses(settings, database, limiter)
    nowhere = Settings(
        environment="test", database_url="postgresql://nobody@127.0.0.1:1/none?sslmode=disable"
    )
    unreachable = Database(nowhere)
    try:
        alive_without, ready_without = await _probe_statuses(settings, unreachable, limiter)
    finally:
        await unreachable.close()
    if (alive, alive_without, ready_without) != (200, 200, 503):
        return "failed", "the probes do not tell a lost database"
    if ready != 200:  # noqa: PLR2004
        return "failed", f"{READINESS} answers {ready}; see the other checks"
    return "passed", "200 when up, 503 when the database is down"


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


async def _connections(settings: Settings, database: Database, replicas: int) -> Finding:
    workers = settings.web_concurrency or default_workers()
    pool = settings.database_pool_size + settings.database_max_overflow
    beside = CONNECTIONS_BESIDE_POOL
    needed = replicas * workers * (pool + beside)
    sum_up = f"{replicas} replicas x {workers} workers x ({pool} + {beside}) = {needed}"
    if settings.database_pgbouncer:
        return "warning", f"{sum_up}; compare it with max_client_conn of PgBouncer"
    [(available,)] = await database.probe(
        "SELECT sum(setting::int * CASE name WHEN 'max_connections' THEN 1 ELSE -1 END)"
        " FROM pg_settings WHERE name IN"
        " ('max_connections', 'superuser_reserved_connections', 'reserved_connections')",
        seconds=DEADLINE_SECONDS,
    )
    if needed > int(available):
        return "failed", f"{sum_up}, but the server has {available} for us"
    return "passed", f"{sum_up} of {available}"
