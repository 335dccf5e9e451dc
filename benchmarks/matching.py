"""CPU of checking a profile against the whole catalogue, compared with an earlier release.

    python -m benchmarks.matching [--quick]

Eligibility and recommendations over 100 000 awards, no profile twice. The CPU of workers,
PostgreSQL and Redis counts.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, run
from benchmarks.load import Request
from benchmarks.mixes import new_requests, posts, profiles
from benchmarks.stacks import BEFORE, OURS, stack

ROWS: Final = 100_000
ELIGIBILITY: Final = "/api/v1/eligibility/check"
RECOMMENDATIONS: Final = "/api/v1/scholarships/recommendations"
MOST_PER_SECOND: Final = 1_000
"""Requests a second, more than a worker can answer; so many are prepared."""

CONNECTIONS: Final = 2
"""Requests at the same time; the earlier release needs 0.3 s of CPU for each."""

ROUND_SECONDS: Final = 6.0

WANTED_MILLISECONDS: Final = 6
WANTED_RATIO: Final = 0.05


def _requests() -> dict[str, Iterator[Request]]:
    wrapped: Iterator[dict[str, object]] = ({"user_profile": one} for one in profiles(seed=2))
    return {
        "eligibility": posts(ELIGIBILITY, profiles(seed=1)),
        "recommendations": posts(RECOMMENDATIONS, wrapped),
    }


def measure(*, quick: bool) -> Sequence[Figure]:
    figures = []
    with stack(ROWS) as both:
        for kind, requests in _requests().items():
            cases = {
                name: Case(
                    new_requests(
                        server,
                        requests,
                        most_per_second=MOST_PER_SECOND,
                        connections=CONNECTIONS,
                    ),
                    server.cpu_seconds_with(*both.others),
                )
                for name, server in both.servers.items()
            }
            found = in_turn(cases, quick=quick, seconds=ROUND_SECONDS)
            ours, before = found[OURS], found[BEFORE]
            goal = f"{kind} over the catalogue: CPU"
            figures += [
                Figure(goal, ours.milliseconds, "at most", WANTED_MILLISECONDS, "ms"),
                Figure(
                    f"{goal} / before",
                    ours.cost_ratio(before),
                    "at most",
                    WANTED_RATIO,
                    detail=ours.detail(before),
                ),
            ]
    return figures


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
