"""CPU of searches that no cache can answer, compared with an earlier release.

    python -m benchmarks.uncached_search [--quick]

Mixed searches over 100 000 awards, none of them twice, 32 connections, one worker, the Redis
limiter. The CPU of all processes counts: workers, PostgreSQL and Redis. Both releases run in turn
on the same PostgreSQL.
"""

import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, run
from benchmarks.mixes import mixed_searches, new_requests
from benchmarks.stacks import BEFORE, OURS, stack

ROWS: Final = 100_000
MOST_PER_SECOND: Final = 2_000
"""Searches a second, more than a worker can answer; so many requests are prepared."""

WANTED: Final = 0.65


def measure(*, quick: bool) -> Sequence[Figure]:
    with stack(ROWS) as both:
        searches = mixed_searches(both.awards)
        cases = {
            name: Case(
                new_requests(server, searches, most_per_second=MOST_PER_SECOND),
                server.cpu_seconds_with(*both.others),
            )
            for name, server in both.servers.items()
        }
        found = in_turn(cases, quick=quick)
    ratio, detail = found[OURS].cost_ratio(found[BEFORE]), found[OURS].detail(found[BEFORE])
    return [Figure("uncached mix: CPU / before", ratio, "at most", WANTED, detail=detail)]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
