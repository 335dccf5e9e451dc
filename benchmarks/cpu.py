"""CPU per request and throughput of several cases, measured in turn in one run.

Absolute times of a shared machine drift by factors. The ratio of two neighbouring rounds does not,
so goals are ratios and the median over the rounds counts.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.load import Load
from benchmarks.progress import progress_bar

ROUNDS: Final = 7
ROUND_SECONDS: Final = 3.0
WARM_UP_SECONDS: Final = 2.0
"""Load before the first round, which fills pools and caches."""

QUICK_ROUNDS: Final = 3
QUICK_ROUND_SECONDS: Final = 2.0

REST_SECONDS: Final = 0.2
"""Pause after which the CPU time is read again, to see whether the servers have finished."""

LONGEST_REST_SECONDS: Final = 5.0
IDLE_CPU_SECONDS: Final = 0.02
"""CPU time in a pause that background work may use; the kernel counts in steps of 0.01 s."""


@dataclass(frozen=True, slots=True)
class Case:
    """A server under one kind of load."""

    load: Callable[[float], Load]
    """Sends requests for so many seconds."""
    cpu_seconds: Callable[[], float]
    """CPU time of the processes that count, since their start."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The measurements of one case, in the order of the rounds."""

    costs: tuple[float, ...]
    """CPU seconds per request."""
    rates: tuple[float, ...]
    """Requests per second."""

    @property
    def milliseconds(self) -> float:
        """Median of the CPU per request."""
        return statistics.median(self.costs) * 1e3

    @property
    def rate(self) -> float:
        """Median of the requests per second."""
        return statistics.median(self.rates)

    def cost_ratio(self, other: "Rounds") -> float:
        """CPU per request, relative to that of the other case."""
        return statistics.median(_quotients(self.costs, other.costs))

    def rate_ratio(self, other: "Rounds") -> float:
        """Throughput, relative to that of the other case."""
        return statistics.median(_quotients(self.rates, other.rates))

    def detail(self, other: "Rounds") -> str:
        """The medians of both cases and the range of the ratio of their costs."""
        ratios = _quotients(self.costs, other.costs)
        return (
            f"{self.milliseconds:.3g} / {other.milliseconds:.3g} ms CPU,"
            f" {len(ratios)} rounds, {min(ratios):.3g}-{max(ratios):.3g}"
        )


def _quotients(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def in_turn(
    cases: Mapping[str, Case], *, quick: bool, seconds: float | None = None
) -> dict[str, Rounds]:
    """Measure all cases, one after another in each round.

    Raises RuntimeError when a request fails, because an error costs less than an answer.
    """
    rounds = QUICK_ROUNDS if quick else ROUNDS
    seconds = seconds or (QUICK_ROUND_SECONDS if quick else ROUND_SECONDS)
    costs: dict[str, list[float]] = {name: [] for name in cases}
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for case in cases.values():
        case.load(WARM_UP_SECONDS)
    with progress_bar() as progress:
        for _ in progress.track(range(rounds), description="Rounds"):
            for name, case in cases.items():
                cost, rate = _measure(case, seconds)
                costs[name].append(cost)
                rates[name].append(rate)
    return {name: Rounds(tuple(costs[name]), tuple(rates[name])) for name in cases}


def _measure(case: Case, seconds: float) -> tuple[float, float]:
    """CPU seconds per request, and requests per second."""
    before = case.cpu_seconds()
    load = case.load(seconds)
    used = _at_rest(case.cpu_seconds) - before
    if load.failed or not load.requests:
        raise RuntimeError(f"{load.failed} of {load.requests} requests failed")
    return used / (load.requests + load.unfinished), load.requests / load.seconds


def _at_rest(cpu_seconds: Callable[[], float]) -> float:
    """CPU time once the servers have finished their work."""
    end = time.monotonic() + LONGEST_REST_SECONDS
    used = cpu_seconds()
    while time.monotonic() < end:
        time.sleep(REST_SECONDS)
        before, used = used, cpu_seconds()
        if used - before < IDLE_CPU_SECONDS:
            break
    return used
