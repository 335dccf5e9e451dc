"""CPU per request, as a ratio to a bare hello's: rounds of all cases in turn, in one run.

A ratio of 0.5 means that a request costs the worker twice what the bare hello costs it. Absolute
times of a shared machine drift by factors; a ratio of neighbouring rounds does not.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.load import Load
from benchmarks.progress import progress_bar
from benchmarks.servers import Server

ROUNDS: Final = 7
SECONDS: Final = 3.0
WARM_UP_SECONDS: Final = 2.0
REST_SECONDS: Final = 0.2
LONGEST_REST_SECONDS: Final = 5.0
QUICK_ROUNDS: Final = 3
QUICK_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Case:
    server: Server
    load: Callable[[float], Load]
    """Asks it for so many seconds."""


@dataclass(frozen=True, slots=True)
class Ratio:
    rounds: tuple[float, ...]
    """The hello's CPU per request / the case's, of each round."""
    microseconds: float
    """CPU per request of the case, the median of the rounds."""

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def detail(self) -> str:
        low, high = min(self.rounds), max(self.rounds)
        return f"{len(self.rounds)} rounds, {low:.3g}-{high:.3g}; {self.microseconds:,.0f} us CPU"


def cpu_ratios(reference: Case, cases: Mapping[str, Case], *, quick: bool) -> dict[str, Ratio]:
    """Raises RuntimeError when a request fails: an error costs less than an answer."""
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    costs: dict[str, list[float]] = {name: [] for name in cases}
    ratios: dict[str, list[float]] = {name: [] for name in cases}
    for case in (reference, *cases.values()):
        case.load(WARM_UP_SECONDS)  # pools, prepared statements, caches
    for _ in _tracked(rounds):
        hello = _cost(reference, seconds)
        for name, case in cases.items():
            cost = _cost(case, seconds)
            costs[name].append(cost)
            ratios[name].append(hello / cost)
    return {
        name: Ratio(tuple(ratios[name]), statistics.median(costs[name]) * 1e6) for name in cases
    }


def _tracked(rounds: int) -> Iterator[int]:
    with progress_bar() as progress:
        yield from progress.track(range(rounds), description="Rounds")


def _cost(case: Case, seconds: float) -> float:
    """CPU seconds of the workers per request."""
    before = case.server.cpu_seconds()
    load = case.load(seconds)
    used = _at_rest(case.server) - before
    if load.failed or not load.requests:
        raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
    return used / (load.requests + load.unfinished)


def _at_rest(server: Server) -> float:
    """CPU seconds of the workers once they have finished what they were asked."""
    end = time.monotonic() + LONGEST_REST_SECONDS
    used = server.cpu_seconds()
    while time.monotonic() < end:
        time.sleep(REST_SECONDS)
        before, used = used, server.cpu_seconds()
        if used == before:
            break
    return used
