"""How much memory a worker holds after it has served a while.

    python -m benchmarks.worker_memory [--quick]

Two workers with the Redis limiter answer thousands of different searches, suggestions and facets,
so that caches and pools have their size; then the resident memory of each is read from /proc. It
counts what all processes share, as the goal does; what is a worker's alone is in the details.

The packages of the development environment count: clients that find OpenTelemetry's SDK or another
client installed import them, too. A deployment has neither.
"""

import sys
from collections.abc import Sequence
from itertools import islice

from benchmarks.catalogues import Catalogue, catalogue
from benchmarks.goals import Figure, run
from benchmarks.load import closed_loop
from benchmarks.queries import SEARCH
from benchmarks.servers import api, valkey
from benchmarks.uncached_search import new_searches

ROWS = 100_000
MOST_BYTES = 90_000_000


def measure(*, quick: bool) -> Sequence[Figure]:
    seconds, searches = (5.0, 1_000) if quick else (60.0, 20_000)
    with catalogue(ROWS) as awards, valkey() as redis_url:
        # The first start after a change compiles, and keeps 9 MB of that; an image is compiled.
        with api(awards.url, redis_url=redis_url):
            pass
        return [_after_load(awards, redis_url, seconds=seconds, searches=searches)]


def _after_load(awards: Catalogue, redis_url: str, *, seconds: float, searches: int) -> Figure:
    with api(awards.url, redis_url=redis_url, workers=2) as server:
        at_start = max(server.rss_bytes())
        paths = [
            f"{path}&facets=true" if number % 10 == 0 else path
            for number, path in enumerate(islice(new_searches(awards), searches))
        ]
        paths += [f"{SEARCH}/suggestions?prefix={chr(letter)}" for letter in range(97, 123)]
        load = closed_loop(server.port, paths, seconds=seconds)
        if load.failed:
            raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
        after, alone = max(server.rss_bytes()), max(server.unshared_bytes())
    detail = (
        f"{alone / 1e6:.1f} MB a worker's alone; {at_start / 1e6:.1f} MB at the start,"
        f" {load.requests:,} requests by 2 workers"
    )
    goal = "memory of a worker after load (RSS)"
    return Figure(goal, after / 1e6, "at most", MOST_BYTES / 1e6, "MB", detail)


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
