"""Memory of a worker after it has served for a while.

    python -m benchmarks.worker_memory [--quick]

Two workers with the Redis limiter answer thousands of different searches, suggestions and facets on
100 000 and on 1 000 000 awards (--quick: 10 000 and 100 000), so that caches and pools reach their
size. The figure is the proportional set size (PSS) of the larger worker: pages that several
processes share count in parts.

The packages of the development environment count as well, because libraries import OpenTelemetry
and other packages that they find. A deployment does not have them.
"""

import sys
from collections.abc import Sequence
from itertools import islice
from typing import Final

from benchmarks.catalogues import SIZES, Catalogue, catalogue
from benchmarks.goals import Figure, run
from benchmarks.load import closed_loop
from benchmarks.mixes import pairs_of_words, suggestions
from benchmarks.processes import pss_bytes, rss_bytes
from benchmarks.servers import api, valkey

WANTED_BYTES: Final = {10_000: 75_000_000, 100_000: 75_000_000, 1_000_000: 220_000_000}
"""The largest PSS by awards of the catalogue."""

SECONDS: Final = 60.0
SEARCHES: Final = 20_000
QUICK_SECONDS: Final = 5.0
QUICK_SEARCHES: Final = 1_000
FACETS_EVERY: Final = 10
"""Every tenth search also asks for facets."""

LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


def measure(*, quick: bool) -> Sequence[Figure]:
    figures = []
    for rows in SIZES[:2] if quick else SIZES[1:]:
        with catalogue(rows) as awards, valkey() as redis_url:
            # The first start after a change compiles, and 9 MB of that stay. An image is compiled.
            with api(awards.url, redis_url=redis_url):
                pass
            figures.append(_after_load(awards, redis_url, quick=quick))
    return figures


def _after_load(awards: Catalogue, redis_url: str, *, quick: bool) -> Figure:
    searches, seconds = (QUICK_SEARCHES, QUICK_SECONDS) if quick else (SEARCHES, SECONDS)
    with api(awards.url, redis_url=redis_url, workers=2) as server:
        at_start = max(map(pss_bytes, server.workers))
        paths = [
            f"{path}&facets=true" if number % FACETS_EVERY == 0 else path
            for number, path in enumerate(islice(pairs_of_words(awards), searches))
        ]
        load = closed_loop(server.port, [*paths, *suggestions(LETTERS)], seconds=seconds)
        if load.failed:
            raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
        after, resident = (max(map(of, server.workers)) for of in (pss_bytes, rss_bytes))
    detail = (
        f"{at_start / 1e6:.1f} MB at the start, {resident / 1e6:.1f} MB resident,"
        f" {load.requests:,} requests to 2 workers"
    )
    goal = f"memory of a worker after load, {awards.rows:,} awards (PSS)"
    return Figure(goal, after / 1e6, "at most", WANTED_BYTES[awards.rows] / 1e6, "MB", detail)


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
