"""What a search costs that was answered before, as a CPU ratio to a bare hello.

    python -m benchmarks.cached_search [--quick]

The whole stack under gunicorn with one worker, 32 connections, one search again and again: once
without rate limits, once with those that Redis counts.
"""

import sys
from collections.abc import Sequence

from benchmarks.catalogues import catalogue
from benchmarks.cpu import Case, cpu_ratios
from benchmarks.goals import Figure, run
from benchmarks.load import closed_loop
from benchmarks.queries import search
from benchmarks.servers import Server, api, hello, valkey

ROWS = 100_000
PATH = search(q="engineering scholarship")


def case(server: Server, path: str = PATH) -> Case:
    return Case(server, lambda seconds: closed_loop(server.port, [path], seconds=seconds))


def measure(*, quick: bool) -> Sequence[Figure]:
    with (
        catalogue(ROWS) as awards,
        valkey() as redis_url,
        hello() as bare,
        api(awards.url) as unlimited,
        api(awards.url, redis_url=redis_url) as limited,
    ):
        cases = {"unlimited": case(unlimited), "limited": case(limited)}
        ratios = cpu_ratios(case(bare, "/"), cases, quick=quick)
    goals = (
        ("cached search, limits off: CPU ratio", "unlimited", 0.45),
        ("cached search, Redis limiter: CPU ratio", "limited", 0.15),
    )
    return [
        Figure(goal, ratios[name].median, "at least", bound, detail=ratios[name].detail)
        for goal, name, bound in goals
    ]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
