"""Latency of each kind of search for one client, on one or several catalogues in turn."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from rich.table import Table

from benchmarks.load import Connection
from benchmarks.progress import progress_bar
from benchmarks.searches import Kind

SAMPLES: Final = 9
QUICK_SAMPLES: Final = 3
LONGEST_SECONDS: Final = 4.0
"""Seconds after which a request is not repeated any more."""


@dataclass(frozen=True, slots=True)
class Latency:
    kind: str
    seconds: Mapping[int, float]
    """By rows of the catalogue, the median of the slowest request of the kind."""
    slowest: Mapping[int, str]
    """The path of that request, by rows of the catalogue."""

    def growth(self, small: int, large: int) -> float:
        return self.seconds[large] / self.seconds[small]


def latencies(
    clients: Mapping[int, Connection], kinds: Sequence[Mapping[int, Kind]], *, samples: int
) -> list[Latency]:
    """The latency of each kind on every catalogue.

    Raises RuntimeError for an answer with another status than 200 and 503.
    """
    found = []
    with progress_bar() as progress:
        for by_rows in progress.track(kinds, description="Kinds of searches"):
            seconds, slowest = {}, {}
            medians = _medians(clients, by_rows, samples)
            for rows, of_paths in medians.items():
                worst = max(of_paths, key=lambda path: of_paths[path])
                seconds[rows], slowest[rows] = of_paths[worst], worst
            name = next(iter(by_rows.values())).name
            found.append(Latency(name, seconds, slowest))
    return found


def _medians(
    clients: Mapping[int, Connection], kind: Mapping[int, Kind], samples: int
) -> dict[int, dict[str, float]]:
    medians: dict[int, dict[str, float]] = {rows: {} for rows in clients}
    for position in range(min(len(kind[rows].paths) for rows in clients)):
        taken: dict[int, list[float]] = {rows: [] for rows in clients}
        began = time.monotonic()
        for sample in range(samples + 1):
            if sample > 1 and time.monotonic() > began + LONGEST_SECONDS:
                break
            for rows, client in clients.items():
                took = _timed(client, kind[rows].asked(position, sample))
                if sample:  # the first one fills the caches of PostgreSQL and the machine
                    taken[rows].append(took)
        for rows in clients:
            medians[rows][kind[rows].paths[position]] = statistics.median(taken[rows])
    return medians


def _timed(client: Connection, path: str) -> float:
    """Seconds until the answer; infinite when the service gave up."""
    began = time.perf_counter()
    answer = client.ask(path)
    took = time.perf_counter() - began
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
        return math.inf
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{path} was answered with {answer.status}: {answer.body[:300]!r}")
    return took


def table_of(found: Sequence[Latency]) -> Table:
    """The latency of each kind, and its slowest request."""
    sizes = list(found[0].seconds)
    columns = (f"ms at {rows:,}" for rows in sizes)
    table = Table("Kind", *columns, "Slowest, on the largest", show_edge=False)
    for latency in found:
        times = (f"{latency.seconds[rows] * 1e3:,.1f}" for rows in sizes)  # inf: no answer in time
        table.add_row(latency.kind, *times, latency.slowest[sizes[-1]][:90])
    return table
