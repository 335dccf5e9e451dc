"""A minute of mixed load: 32 connections, 1 000 000 awards, 1 % writes.

    python -m benchmarks.mixed_load [--quick]

There are as many workers as CPUs, with the Redis limiter. Half of the reads are frequent searches,
a third are new pairs of words, the rest are filters, suggestions and single awards. Each write
changes an award (PATCH), which raises the catalogue version. No request may fail, the 99th
percentile must stay below ten times the median, and the memory of each worker must not grow.
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from random import Random
from typing import Final

from benchmarks.administrators import administrator, token_of
from benchmarks.catalogues import SIZES, Catalogue, catalogue
from benchmarks.goals import Figure, run
from benchmarks.load import CONNECTIONS, Connection
from benchmarks.mixes import pairs_of_words
from benchmarks.processes import rss_bytes
from benchmarks.progress import progress_bar
from benchmarks.queries import SEARCH, search, vocabulary
from benchmarks.searches import FILTERS
from benchmarks.servers import Server, api, valkey

SECONDS: Final = 60.0
QUICK_SECONDS: Final = 10.0
WARM_UP_SECONDS: Final = 5.0
WRITES: Final = 0.01
POPULAR: Final = 50
"""Number of frequent searches."""

NEW: Final = 100_000
AWARDS: Final = "/api/v1/scholarships"
MEMORY_EVERY_SECONDS: Final = 0.5
MEMORY_MARGIN: Final = 1.05
"""Ratio of a worker's memory in two quarters of the run up to which it counts as flat."""


@dataclass
class Outcome:
    reads: list[float] = field(default_factory=list)
    """Seconds of each read, in no order."""
    writes: list[float] = field(default_factory=list)
    """Seconds of each write, in no order."""
    failures: list[str] = field(default_factory=list)
    memory: list[list[int]] = field(default_factory=list)
    """Bytes of each worker, sampled every MEMORY_EVERY_SECONDS."""


def measure(*, quick: bool) -> Sequence[Figure]:
    rows, seconds = (SIZES[1], QUICK_SECONDS) if quick else (SIZES[2], SECONDS)
    with (
        catalogue(rows) as awards,
        valkey() as redis_url,
        administrator(awards.url) as (name, password),
        api(awards.url, redis_url=redis_url, workers=os.cpu_count() or 1) as server,
    ):
        requests = _Requests(awards, token_of(server, name, password))
        _load(server, requests, WARM_UP_SECONDS)
        outcome = _load(server, requests, seconds)
    return _figures(outcome, rows)


def _figures(outcome: Outcome, rows: int) -> list[Figure]:
    percentiles = statistics.quantiles(outcome.reads + outcome.writes, n=100)
    p50, p99 = percentiles[49], percentiles[98]
    quarter = max(len(outcome.memory) // 4, 1)
    growth = max(
        statistics.mean(late) / statistics.mean(early)
        for early, late in zip(
            zip(*outcome.memory[quarter : 2 * quarter], strict=True),
            zip(*outcome.memory[-quarter:], strict=True),
            strict=True,
        )
    )
    largest = max(map(max, outcome.memory)) / 1e6
    total = len(outcome.reads) + len(outcome.writes)
    kinds = f"{total:,} requests, {len(outcome.writes):,} of them writes"
    times = (
        f"{p99 * 1e3:.0f} / {p50 * 1e3:.0f} ms; writes' median"
        f" {statistics.median(outcome.writes) * 1e3:.0f} ms"
    )
    load = f"mixed load on {rows:,} awards"
    failure = f"; the first: {outcome.failures[0]}" if outcome.failures else ""
    return [
        Figure(f"{load}: errors", len(outcome.failures), "at most", 0, detail=kinds + failure),
        Figure(f"{load}: p99 / p50", p99 / p50, "at most", 10, "x", times),
        Figure(
            f"{load}: a worker's memory, last quarter / second quarter",
            growth,
            "at most",
            MEMORY_MARGIN,
            detail=f"{largest:.0f} MB at most, {len(outcome.memory[0])} workers",
        ),
    ]


class _Requests:
    """The requests of all clients together."""

    def __init__(self, awards: Catalogue, token: str) -> None:
        with awards.connect() as connection:
            words = vocabulary(connection, awards.rows)
        self._rows = awards.rows
        self._token = token
        self._random = Random(1)  # noqa: S311 - repeatable on purpose
        new = pairs_of_words(awards)
        self._popular = list(islice(new, POPULAR))
        self._new = islice(new, NEW)
        self._prefixes = sorted({word.text[:4] for word in words})
        self._lock = threading.Lock()

    def ask(self, connection: Connection) -> tuple[bool, int]:
        """Send the next request; whether it was a write, and the status of the answer."""
        with self._lock:
            kind = self._random.random()
            path = self._award() if kind < WRITES else self._read()
            awards = self._random.randrange(1, 1_000)
        if kind >= WRITES:
            return False, connection.ask(path).status
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/merge-patch+json",
            "If-Match": "*",
        }
        body = {"max_awards": awards}
        return True, connection.ask(path, method="PATCH", headers=headers, body=body).status

    def _read(self) -> str:
        kind = self._random.random()
        if kind < 0.5:
            return self._random.choice(self._popular)
        if kind < 0.83:
            return next(self._new)
        if kind < 0.89:
            return search(**self._random.choice(FILTERS[1:]))
        if kind < 0.95:
            return f"{SEARCH}/suggestions?prefix={self._random.choice(self._prefixes)}"
        return self._award()

    def _award(self) -> str:
        return f"{AWARDS}/synthetic_{self._random.randrange(1, self._rows + 1):08d}"


def _load(server: Server, requests: _Requests, seconds: float) -> Outcome:
    outcome = Outcome()
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(CONNECTIONS) as pool, progress_bar() as progress:
        clients = [pool.submit(_client, server, requests, outcome, end) for _ in range(CONNECTIONS)]
        task = progress.add_task("Seconds", total=round(seconds))
        while (left := end - time.monotonic()) > 0:
            outcome.memory.append([rss_bytes(pid) for pid in server.workers])
            progress.update(task, completed=round(seconds - left))
            time.sleep(MEMORY_EVERY_SECONDS)
        for client in clients:
            client.result()
    return outcome


def _client(server: Server, requests: _Requests, outcome: Outcome, end: float) -> None:
    connection = Connection(server.port)
    while time.monotonic() < end:
        began = time.perf_counter()
        try:
            is_write, status = requests.ask(connection)
        except (OSError, EOFError) as error:
            outcome.failures.append(type(error).__name__)
            connection.close()
            connection = Connection(server.port)
            continue
        (outcome.writes if is_write else outcome.reads).append(time.perf_counter() - began)
        if status != HTTPStatus.OK:
            outcome.failures.append(f"{'write' if is_write else 'read'}: {status}")
    connection.close()


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
