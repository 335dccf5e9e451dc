"""The primary stops, dies, freezes, is demoted or read-only, and the service finds the new one."""

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from scholarship_api.platform.database import migrations
from tests.deploy.gunicorn_server import (
    PRODUCTION,
    REPOSITORY,
    RunningServer,
    environment,
    running_server,
)
from tests.deploy.observed_load import GOOD, Kind, Load, observed
from tests.deploy.postgres_nodes import OWNER, OWNER_PASSWORD, PostgresNode, url_of
from tests.faults import FaultyProxy

pytestmark = [pytest.mark.server, pytest.mark.slow]

CATALOGUE: Final = REPOSITORY / "scholarship_api" / "sample_data" / "catalogue.ndjson"
ADMIN: Final = "failover-admin"
LIMIT_SECONDS: Final = 8.5
"""No request takes longer: the 8 s of docs/api.md, and half a second for a busy machine."""

GOAL_SECONDS: Final = 2.0
FROZEN_GOAL_SECONDS: Final = 5.0
SLACK_SECONDS: Final = 2.0
"""The machine runs other tests as well."""


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[PostgresNode]:
    with PostgresNode(tmp_path / "a") as node:
        migrations.upgrade(node.owner_url)
        yield node


@pytest.fixture
def standby(primary: PostgresNode, tmp_path: Path) -> Iterator[PostgresNode]:
    """A synchronous standby: what is acknowledged is on both."""
    with primary.standby(tmp_path / "b") as node:
        primary.set("synchronous_standby_names", "standby")
        yield node


def settings_for(hosts: str, redis_url: str, **query: str) -> dict[str, str]:
    owner = url_of(hosts, user=OWNER, password=OWNER_PASSWORD, query=query)
    limit = "1000000/minute"
    groups = ("SEARCH", "ELIGIBILITY", "SCHOLARSHIPS", "ANALYTICS", "LOGIN_ACCOUNT")
    return PRODUCTION | {
        "DATABASE_URL": url_of(hosts, query=query),
        "DATABASE_MIGRATION_URL": owner,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "RATE_LIMIT_PER_MINUTE": "1000000",
        "METRICS_TOKEN": METRICS_TOKEN,
        **{f"RATE_LIMIT_{group}": limit for group in groups},
    }


WORK: Final[tuple[Kind, ...]] = ("search", "write")
METRICS_TOKEN: Final = secrets.token_hex(16)


@contextmanager
def service(settings: dict[str, str]) -> Iterator[tuple[RunningServer, str]]:
    """The service with the bundled catalogue, and an administrator's token."""
    owner = settings | {"DATABASE_URL": settings["DATABASE_MIGRATION_URL"]}
    run(owner, "import", str(CATALOGUE))
    password = secrets.token_urlsafe(16)
    run(owner, "users", "create", ADMIN, "--role", "admin", "--password-stdin", stdin=password)
    with running_server(settings, ready_path="/readyz") as server:
        login = httpx.post(
            f"{server.url}/api/v1/auth/login-simple",
            json={"username": ADMIN, "password": password},
        )
        yield server, login.json()["access_token"]


def run(settings: dict[str, str], *arguments: str, stdin: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        cwd=REPOSITORY,
        env=environment(settings, 8000),
        input=stdin.encode(),
        check=True,
        capture_output=True,
    )


def settled(load: Load) -> None:
    """Wait for good answers of each kind."""
    now = time.monotonic()
    for kind in GOOD:
        load.until_good(kind, after=now)


def check_nothing_wrong(load: Load, server: RunningServer) -> None:
    """Every answer was right or 503 in time, and nothing is logged as a fault."""
    for kind in WORK:
        assert set(load.statuses(kind)) <= {GOOD[kind], 503}, load.statuses(kind)
        assert load.longest_seconds(kind) < LIMIT_SECONDS
    assert set(load.statuses("alive")) == {200}
    assert set(load.statuses("ready")) <= {200, 503}
    assert not server.log.named("request.failed")
    for each in load.answers:
        if each.kind in ("search", "write") and each.status == 503:
            assert "DATABASE_UNAVAILABLE" in each.body


def check_acknowledged(load: Load, node: PostgresNode) -> None:
    stored = {row[0] for row in node.execute("SELECT id FROM scholarships WHERE id LIKE 'load-%'")}
    assert load.acknowledged() <= stored


def metric(server: RunningServer, reason: str) -> float:
    answer = httpx.get(
        f"{server.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}
    )
    name = f'database_unavailable_total{{reason="{reason}"}} '
    return sum(
        float(line.removeprefix(name)) for line in answer.text.splitlines() if line.startswith(name)
    )


@pytest.mark.parametrize("failure", ["stopped", "killed", "frozen"])
def test_the_service_follows_the_promotion(
    primary: PostgresNode, standby: PostgresNode, redis_url: str, failure: str
) -> None:
    hosts = f"{primary.address},{standby.address}"
    settings = settings_for(hosts, redis_url, target_session_attrs="read-write")
    with service(settings) as (server, token):
        with ExitStack() as stack:
            load = stack.enter_context(observed(server.url, token))
            settled(load)
            failed_at = time.monotonic()
            if failure == "stopped":
                primary.stop()
            elif failure == "killed":
                primary.kill()
            else:
                stack.enter_context(primary.frozen())
            if failure != "frozen":
                load.until("search", 503, after=failed_at)
                load.until("ready", 503, after=failed_at)
            time.sleep(1)
            standby.promote()
            promoted_at = time.monotonic()
            took = {kind: load.until_good(kind, after=promoted_at) for kind in WORK}
            goal = FROZEN_GOAL_SECONDS if failure == "frozen" else GOAL_SECONDS
            assert max(took.values()) < goal + SLACK_SECONDS
            load.until_good("ready", after=promoted_at)
            time.sleep(LIMIT_SECONDS if failure == "frozen" else 1)
            since = time.monotonic()
            time.sleep(2)
            assert set(load.statuses("write", since=since)) == {201}
            assert set(load.statuses("search", since=since)) == {200}
        check_nothing_wrong(load, server)
    check_acknowledged(load, standby)


def test_a_demoted_primary_is_not_used_again(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    hosts = f"{primary.address},{standby.address}"
    settings = settings_for(hosts, redis_url, target_session_attrs="read-write")
    with service(settings) as (server, token):
        with observed(server.url, token) as load:
            settled(load)
            primary.stop()
            standby.promote()
            load.until_good("write", after=time.monotonic())
            primary.follow(standby)
            primary.start()
            since = time.monotonic()
            time.sleep(2)
            assert set(load.statuses("write", since=since)) == {201}
            assert set(load.statuses("search", since=since)) == {200}
        check_nothing_wrong(load, server)
    check_acknowledged(load, standby)


def test_an_endpoint_that_shows_the_standby_for_a_moment_is_an_outage(
    primary: PostgresNode, standby: PostgresNode, redis_url: str
) -> None:
    """As Patroni's proxies, Kubernetes services and DNS do when they lag behind a switch-over."""
    with FaultyProxy((primary.host, primary.port)) as endpoint:
        settings = settings_for(f"{endpoint.host}:{endpoint.port}", redis_url)
        with service(settings) as (server, token):
            with observed(server.url, token) as load:
                settled(load)
                endpoint.redirect((standby.host, standby.port))
                moved_at = time.monotonic()
                load.until("write", 503, after=moved_at)
                load.until("search", 503, after=moved_at)
                load.until("ready", 503, after=moved_at)
                assert metric(server, "read_only") > 0
                endpoint.redirect((primary.host, primary.port))
                back_at = time.monotonic()
                took = {kind: load.until_good(kind, after=back_at) for kind in WORK}
                assert max(took.values()) < GOAL_SECONDS + SLACK_SECONDS
                load.until_good("ready", after=back_at)
            check_nothing_wrong(load, server)
        unready = [each for each in load.of("ready", since=moved_at) if each.status == 503]
        assert "read_only" in {
            reason for each in unready for reason in ("read_only",) if reason in each.body
        }


def test_a_server_that_is_read_only_by_default_stays_so(
    primary: PostgresNode, redis_url: str
) -> None:
    """Managed servers set default_transaction_read_only when their disk is almost full."""
    settings = settings_for(primary.address, redis_url)
    with service(settings) as (server, token):
        with observed(server.url, token) as load:
            settled(load)
            primary.set("default_transaction_read_only", "on")
            since = time.monotonic()
            load.until("write", 503, after=since)
            since = time.monotonic()
            time.sleep(1)
            assert set(load.statuses("write", since=since)) == {503}
            assert set(load.statuses("search", since=since)) == {200}
            assert metric(server, "read_only") > 0
            with primary.connect() as connection:
                connection.execute("SET default_transaction_read_only = off")
                connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
                connection.execute("SELECT pg_reload_conf()")
            load.until_good("write", after=time.monotonic())
        check_nothing_wrong(load, server)


@pytest.mark.parametrize("command", ["prestart", "check"])
def test_a_standby_is_not_served(
    primary: PostgresNode, standby: PostgresNode, redis_url: str, command: str
) -> None:
    migrated = settings_for(primary.address, redis_url)
    settings = migrated | {"DATABASE_URL": url_of(standby.address)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_WAITING, command],
        cwd=REPOSITORY,
        env=environment(settings, 8000) | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        check=False,
    )
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == {"prestart": 69, "check": 1}[command], output
    assert {"prestart": "it is a standby or read-only", "check": "read_only"}[command] in output


WITHOUT_WAITING = """
from scholarship_api.platform.server import prestart
prestart.prestart.__kwdefaults__["wait_seconds"] = 0.0
from scholarship_api.cli import main
main()
"""
