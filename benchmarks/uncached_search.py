"""What a search costs that nobody asked before, as a CPU ratio to a bare hello.

    python -m benchmarks.uncached_search [--quick]

The whole stack under gunicorn with one worker and the Redis limiter, 32 connections; every request
is another pair of words that some awards of 100 000 hold. PostgreSQL's own work is not counted:
it has its own goals.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from benchmarks.cached_search import case
from benchmarks.catalogues import Catalogue, catalogue
from benchmarks.cpu import Case, cpu_ratios
from benchmarks.goals import Figure, run
from benchmarks.load import Load, closed_loop
from benchmarks.queries import pairs, search, vocabulary
from benchmarks.servers import Server, api, hello, valkey

ROWS = 100_000
MOST_PER_SECOND = 1_500
"""Searches that one worker can be expected to answer: so many paths are laid out."""


def new_searches(awards: Catalogue) -> Iterator[str]:
    """Paths of searches, no two the same."""
    with awards.connect() as connection:
        words = vocabulary(connection, awards.rows)
    for limit in (20, 21, 22, 23):
        for one, other in pairs(words, rows=awards.rows, seed=limit):
            yield search(q=f"{one.text} {other.text}", limit=limit)


def case_of_new(server: Server, paths: Iterator[str]) -> Case:
    return Case(server, _load(server, paths))


def _load(server: Server, paths: Iterator[str]) -> Callable[[float], Load]:
    def load(seconds: float) -> Load:
        wanted = round(seconds * MOST_PER_SECOND)
        new = list(islice(paths, wanted))
        done = closed_loop(server.port, new, seconds=seconds)
        if done.requests > len(new):
            raise RuntimeError(f"{len(new)} different searches were too few for {done.requests}")
        return done

    return load


def measure(*, quick: bool) -> Sequence[Figure]:
    with (
        catalogue(ROWS) as awards,
        valkey() as redis_url,
        hello() as bare,
        api(awards.url, redis_url=redis_url) as server,
    ):
        cases = {"uncached": case_of_new(server, new_searches(awards))}
        ratio = cpu_ratios(case(bare, "/"), cases, quick=quick)["uncached"]
    goal = "uncached search, Redis limiter: CPU ratio"
    return [Figure(goal, ratio.median, "at least", 0.05, detail=ratio.detail)]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
