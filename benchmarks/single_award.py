"""CPU of a worker for one award by id and for a bulk check, compared with an earlier release.

    python -m benchmarks.single_award [--quick]

100 000 awards, random ids, 32 connections, the Redis limiter.
"""

import sys
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, run
from benchmarks.load import Request
from benchmarks.mixes import new_requests, posts, profiles
from benchmarks.stacks import BEFORE, OURS, stack

ROWS: Final = 100_000
AWARDS: Final = "/api/v1/scholarships"
BULK: Final = f"{AWARDS}/bulk-eligibility-check"
BULK_SIZE: Final = 50
"""Awards in a bulk check, the most that one may have."""

MOST_PER_SECOND: Final = {"one award by id": 12_000, f"bulk check of {BULK_SIZE}": 4_000}
"""Requests a second, more than a worker can answer; so many are prepared."""

WANTED: Final = 0.3


def _ids() -> Iterator[str]:
    random = Random(1)  # noqa: S311 - repeatable on purpose
    while True:
        yield f"synthetic_{random.randrange(1, ROWS + 1):08d}"


def _bulk_checks() -> Iterator[Request]:
    ids = _ids()
    bodies: Iterator[dict[str, object]] = (
        {"user_profile": profile, "scholarship_ids": [next(ids) for _ in range(BULK_SIZE)]}
        for profile in profiles()
    )
    return posts(BULK, bodies)


def measure(*, quick: bool) -> Sequence[Figure]:
    streams: dict[str, Iterator[Request]] = {
        "one award by id": (Request(f"{AWARDS}/{scholarship_id}") for scholarship_id in _ids()),
        f"bulk check of {BULK_SIZE}": _bulk_checks(),
    }
    figures = []
    with stack(ROWS) as both:
        for kind, requests in streams.items():
            cases = {
                name: Case(
                    new_requests(server, requests, most_per_second=MOST_PER_SECOND[kind]),
                    server.worker_cpu_seconds,
                )
                for name, server in both.servers.items()
            }
            found = in_turn(cases, quick=quick)
            ratio, detail = found[OURS].cost_ratio(found[BEFORE]), found[OURS].detail(found[BEFORE])
            goal = f"{kind}: CPU of the worker / before"
            figures.append(Figure(goal, ratio, "at most", WANTED, detail=detail))
    return figures


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
