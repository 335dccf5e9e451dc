"""How much memory a worker holds after it has served a while.

    python -m benchmarks.worker_memory [--quick]

Two workers with the Redis limiter answer thousands of different searches, suggestions and facets,
so that caches and pools have their size; then the resident memory of each is read from /proc.
"""

import sys
from collections.abc import Sequence
from itertools import islice

from benchmarks.catalogues import catalogue
from benchmarks.goals import Figure, run
from benchmarks.load import closed_loop
from benchmarks.queries import SEARCH
from benchmarks.servers import api, valkey
from benchmarks.uncached_search import new_searches

ROWS = 100_000
MOST_BYTES = 90_000_000


def measure(*, quick: bool) -> Sequence[Figure]:
    seconds, searches = (5.0, 1_000) if quick else (60.0, 20_000)
    with (
        catalogue(ROWS) as awards,
        valkey() as redis_url,
        api(awards.url, redis_url=redis_url, workers=2) as server,
    ):
        at_start = max(server.rss_bytes())
        paths = [
            f"{path}&facets=true" if number % 10 == 0 else path
            for number, path in enumerate(islice(new_searches(awards), searches))
        ]
        paths += [f"{SEARCH}/suggestions?prefix={chr(letter)}" for letter in range(97, 123)]
        load = closed_loop(server.port, paths, seconds=seconds)
        if load.failed:
            raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
        after = max(server.rss_bytes())
    detail = f"{at_start / 1e6:.1f} MB at the start, {load.requests:,} requests by 2 workers"
    goal = "memory of a worker after load (RSS)"
    return [Figure(goal, after / 1e6, "at most", MOST_BYTES / 1e6, "MB", detail)]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
