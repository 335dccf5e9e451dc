"""Searches with no read replica, with one and with two: throughput, and the work of the primary.

    python -m benchmarks.read_replicas [--quick]

A primary and two standbys with the same synthetic awards, and three services with one worker each:
the first reads from the primary, the others from one and from two standbys. Mixed searches, none
twice, are sent to the services in turn. The CPU of the primary alone counts for each search: the
rest can be given a machine of its own, so that this share bounds how many standbys are useful. The
throughput shows what the choice of a standby costs. It cannot grow here: the services, the client
and all servers share the CPUs of this machine.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import processes
from benchmarks.catalogues import Catalogue, generate_and_import, settle
from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, run
from benchmarks.mixes import mixed_searches, new_requests
from benchmarks.servers import api, postgres_pid, valkey
from scholarship_api.platform.database import migrations
from tests.deploy.postgres_nodes import PostgresNode, url_of

ROWS: Final = 20_000
QUICK_ROWS: Final = 5_000
SHARED_BUFFERS: Final = "256MB"
"""More than 20 000 awards with their indexes, so that no server reads from the disk."""

MOST_PER_SECOND: Final = 2_000
"""Searches a second, more than a worker can answer; so many requests are prepared."""

NONE, ONE, TWO = "no standby", "one standby", "two standbys"

LEAST_RATE: Final = 0.6
"""Searches with a standby, relative to those without, where both share the CPUs."""

MOST_OF_PRIMARY: Final = 0.15
"""The primary's CPU for a search with a standby, relative to that without."""


def measure(*, quick: bool) -> Sequence[Figure]:
    rows = QUICK_ROWS if quick else ROWS
    with _nodes(rows) as (primary, first, second), valkey() as redis_url, ExitStack() as stack:
        awards = Catalogue(rows, primary.owner_url)
        searches = mixed_searches(awards)
        primary_cpu = partial(processes.tree_cpu_seconds, (postgres_pid(primary.owner_url),))
        read_urls = {
            NONE: None,
            ONE: url_of(first.address),
            TWO: url_of(f"{first.address},{second.address}"),
        }
        cases = {}
        for name, read_url in read_urls.items():
            server = stack.enter_context(api(primary.url(), redis_url=redis_url, read_url=read_url))
            requests = new_requests(server, searches, most_per_second=MOST_PER_SECOND)
            cases[name] = Case(requests, primary_cpu)
        found = in_turn(cases, quick=quick)
    rates = "; ".join(f"{name}: {found[name].rate:.0f} a second" for name in cases)
    return [
        Figure(
            f"searches a second, {name} / {NONE}",
            found[name].rate_ratio(found[NONE]),
            "at least",
            LEAST_RATE,
            detail=rates,
        )
        for name in (ONE, TWO)
    ] + [
        Figure(
            f"primary's CPU for a search, {name} / {NONE}",
            found[name].cost_ratio(found[NONE]),
            "at most",
            MOST_OF_PRIMARY,
            detail=found[name].detail(found[NONE]),
        )
        for name in (ONE, TWO)
    ]


@contextmanager
def _nodes(rows: int) -> Iterator[tuple[PostgresNode, PostgresNode, PostgresNode]]:
    """A primary with so many awards, and two standbys."""
    with tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the servers run as another user where this is root
        with PostgresNode(folder / "primary") as primary:
            primary.stop()
            primary.start(shared_buffers=SHARED_BUFFERS)
            migrations.upgrade(primary.owner_url)
            generate_and_import(primary.owner_url, rows)
            asyncio.run(settle(primary.owner_url))
            primary.execute("VACUUM (FREEZE, ANALYZE)")
            with (
                primary.standby(folder / "first", shared_buffers=SHARED_BUFFERS) as first,
                primary.standby(folder / "second", shared_buffers=SHARED_BUFFERS) as second,
            ):
                yield primary, first, second


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
