"""How much cheaper a search is than the service's predecessor made it.

    python -m benchmarks.predecessor [--quick]

The predecessor searched 15 awards in memory. It is not here to be measured again, but its CPU
ratio to the same bare hello is known: .006. Over 100 000 awards a search that nobody asked before
must be 8 times as cheap, one that was answered before 50 times.
"""

import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.cached_search import ROWS, case
from benchmarks.catalogues import catalogue
from benchmarks.cpu import cpu_ratios
from benchmarks.goals import Figure, run
from benchmarks.servers import api, hello
from benchmarks.uncached_search import case_of_new, new_searches

PREDECESSOR: Final = 0.006
"""CPU per request of the bare hello / of the predecessor's search."""


def measure(*, quick: bool) -> Sequence[Figure]:
    with catalogue(ROWS) as awards, hello() as bare, api(awards.url) as server:
        cases = {
            "uncached": case_of_new(server, new_searches(awards)),
            "cached": case(server),
        }
        ratios = cpu_ratios(case(bare, "/"), cases, quick=quick)
    return [
        Figure(
            f"{name} search, times cheaper than the predecessor's",
            ratios[name].median / PREDECESSOR,
            "at least",
            bound,
            "x",
            ratios[name].detail,
        )
        for name, bound in (("uncached", 8), ("cached", 50))
    ]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
