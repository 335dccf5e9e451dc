"""Two machines race to migrate; then servers and the network fail and return."""

from collections import Counter
from typing import Final

from . import acceptance, curl
from .cluster import (
    POSTGRESQL,
    POSTGRESQL_SERVER,
    REDIS,
    Cluster,
    await_servers,
    main_processes,
    psql,
    services,
)
from .machine import (
    API,
    LOCAL,
    READY_SECONDS,
    await_ready,
    control,
    is_ready,
    named,
    read_log,
    wait_until,
)

MIGRATION_LOCK: Final = 7_203_114_001
"""The key of the advisory lock that a migration takes."""
HOLDER: Final = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
WAITING: Final = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'scholarship-api migrate'
"""


def check(cluster: Cluster) -> None:
    race(cluster)
    before = main_processes(cluster.nodes)
    run_suite(cluster)
    unplug(cluster)
    assert main_processes(cluster.nodes) == before, "it has needed a restart"


def race(cluster: Cluster) -> None:
    """Both machines wait for the lock, which is then released: each migration runs once."""
    server = cluster.server
    await_servers(cluster)
    hold = psql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})", "SELECT pg_sleep(600)")
    server.succeed(f"{hold} < /dev/null > /dev/null 2>&1 &")
    wait_until(server, f"{psql(HOLDER)} | grep --quiet .", seconds=30)
    for node in cluster.nodes:
        control(node, "start --no-block", API)
    wait_until(server, f"{psql(WAITING)} | grep --quiet --line-regexp 2", seconds=READY_SECONDS)
    server.succeed(psql(f"SELECT pg_terminate_backend(pid) FROM ({HOLDER}) AS holder"))
    for node in cluster.nodes:
        await_ready(node)
    logs = [read_log(node) for node in cluster.nodes]
    events = [line["event"] for log in logs for line in log]
    upgrades = Counter(event for event in events if event.startswith("Running upgrade"))
    assert upgrades, "nothing was migrated"
    assert set(upgrades.values()) == {1}, upgrades
    applied = server.succeed(psql("SELECT version_num FROM alembic_version")).split()
    for log in logs:
        assert [line["revisions"] for line in named(log, "schema.migrated")] == [applied]


def run_suite(cluster: Cluster) -> None:
    """Probes through the proxy while PostgreSQL and Redis are stopped and started."""
    server = cluster.server
    acceptance.run(
        cluster.client,
        cluster.suite,
        only="test_probes or test_dependencies",
        variables={"BASE_URL": "http://server", "BEHIND_PROXY": "true"},
        hooks={
            **acceptance.hooks_of("DATABASE", server, start=POSTGRESQL, stop=POSTGRESQL_SERVER),
            **acceptance.hooks_of("REDIS", server, start=REDIS, stop=REDIS),
        },
    )
    await_ready(cluster.other)


def unplug(cluster: Cluster) -> None:
    """A machine that gets no answers from the servers is not ready; the other one is."""
    other = cluster.other
    other.block()
    try:
        wait_until(other, f"! {is_ready()}", seconds=30)
        status, states = services(other)
        assert (status, states["database"], states["rate_limiter"]) == (503, "down", "down")
        assert curl.ask(other, f"{LOCAL}/healthz").status == 200
        assert services(cluster.server)[0] == 200
    finally:
        other.unblock()
    await_ready(other)
