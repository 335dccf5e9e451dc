"""CPU of a cached search, as a ratio to a bare ASGI hello.

    python -m benchmarks.cached_search [--quick]

The whole stack under gunicorn with one worker, 32 connections, one search again and again: once
without rate limits, once with limits that Redis counts. Only the CPU of the worker counts.
"""

import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.catalogues import catalogue
from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, run
from benchmarks.mixes import repeated
from benchmarks.queries import search
from benchmarks.servers import Server, api, hello, valkey

ROWS: Final = 100_000
PATH: Final = search(q="engineering scholarship")


def case(server: Server, path: str = PATH) -> Case:
    """One request again and again, with the CPU of the workers."""
    return Case(repeated(server, path), server.worker_cpu_seconds)


def measure(*, quick: bool) -> Sequence[Figure]:
    with (
        catalogue(ROWS) as awards,
        valkey() as redis_url,
        hello() as bare,
        api(awards.url) as unlimited,
        api(awards.url, redis_url=redis_url) as limited,
    ):
        cases = {"hello": case(bare, "/"), "unlimited": case(unlimited), "limited": case(limited)}
        found = in_turn(cases, quick=quick)
    goals = (
        ("cached search, limits off: CPU of hello / of the worker", "unlimited", 0.45),
        ("cached search, Redis limiter: CPU of hello / of the worker", "limited", 0.25),
    )
    return [
        Figure(
            goal,
            found["hello"].cost_ratio(found[name]),
            "at least",
            bound,
            detail=found["hello"].detail(found[name]),
        )
        for goal, name, bound in goals
    ]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
