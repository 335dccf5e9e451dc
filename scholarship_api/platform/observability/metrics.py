"""Prometheus metrics, summed over all workers when gunicorn's arbiter has prepared a directory.

Durations are in seconds. Labels come from bounded sets (route templates, fixed words), never from
the client. The instruments are made at the first observation, because prometheus_client decides
then between values in memory and values in files, and the folder of the files has to exist.
"""

import asyncio
import bisect
import fcntl
import functools
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import prometheus_client.mmap_dict
import prometheus_client.values
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import QueuePool, event

from scholarship_api.platform.observability.metrics_folder import DIRECTORY_VARIABLE, files_locked

if TYPE_CHECKING:
    from scholarship_api.platform.observability.access_log import AccessRecord

CONTENT_TYPE: Final = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4

RateLimitOutcome = Literal["allowed", "refused", "unavailable", "unchecked"]
"""`unavailable`: refused with 503 as the backend is down. `unchecked`: let through uncounted."""

LimiterState = Literal["disabled", "shared", "half_open", "open", "in_memory"]
LIMITER_STATES: Final[tuple[LimiterState, ...]] = (
    "disabled",
    "shared",
    "half_open",
    "open",
    "in_memory",
)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FILE_BYTES: Final = 4_194_304
"""Initial size of a worker's metrics file: room for about 1000 combinations of labels.

prometheus_client doubles a file that is full. When the disk has no room for that, the library
keeps the larger size in mind without having it, and every later observation of a new label fails.
A file that never grows cannot fail so. It is sparse: only pages in use take memory."""

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Instruments:
    def __init__(self) -> None:
        # The library chose at its import, which may be before the folder was named.
        prometheus_client.mmap_dict._INITIAL_MMAP_SIZE = _FILE_BYTES  # noqa: SLF001
        prometheus_client.values.ValueClass = prometheus_client.values.get_value_class()  # type: ignore[no-untyped-call]
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "http_requests",
            "Answered requests.",
            ["method", "route", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "From the first byte of the request to the last of the answer.",
            ["method", "route", "status"],
            registry=registry,
            buckets=_BUCKETS,
        )
        self.rate_limits = Counter(
            "rate_limit_requests",
            "Requests by what the rate limiter decided.",
            ["group", "outcome"],
            registry=registry,
        )
        self.limiter_state = Gauge(
            "rate_limiter_state",
            "Workers whose rate limiter is in that state.",
            ["state"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.pool_connections = Gauge(
            "database_pool_connections",
            "Open database connections of the pools.",
            ["state"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.pool_limit = Gauge(
            "database_pool_connections_max",
            "Connections that the pools may open, overflow included.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.reads = Counter(
            "database_reads",
            "Reads with read replicas configured: by a replica, or by the primary and why.",
            ["outcome"],
            registry=registry,
        )
        self.replicas = Gauge(
            "database_read_replicas",
            "Read replicas of the workers, by whether they are used.",
            ["state"],
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.replica_lag = Gauge(
            "database_read_replica_lag_seconds",
            "Time since the primary had written what a read replica has not replayed.",
            ["replica"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.database_failures = Counter(
            "database_unavailable",
            "Database work that failed as the server did not serve it.",
            ["reason"],
            registry=registry,
        )


@functools.cache
def _instruments() -> _Instruments:
    return _Instruments()


class _Batch:
    """Observations of one turn of the event loop, for a counter, a histogram or both.

    They are written at the end of the turn: under load one write to the workers' files serves a
    dozen requests, and a client that has its response finds the request counted.
    """

    __slots__ = ("_bounds", "_count", "_duration", "_hits", "_number", "_seconds")

    def __init__(self, *, count: Counter | None = None, duration: Histogram | None = None) -> None:
        self._count = count
        self._duration = duration
        self._bounds = [*_BUCKETS, math.inf]
        self._number = 0
        self._seconds = 0.0
        self._hits: dict[int, int] = {}

    def add(self, seconds: float = 0.0) -> None:
        if not self._number:
            _turn.batches.append(self)
        self._number += 1
        if self._duration is not None:
            self._seconds += seconds
            bucket = bisect.bisect_left(self._bounds, seconds)
            self._hits[bucket] = self._hits.get(bucket, 0) + 1
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no event loop runs
            _write_batches()
            return
        if _turn.loop is not loop:
            _turn.loop = loop
            loop.call_soon(_write_batches)

    def write(self) -> None:
        if self._count is not None:
            self._count.inc(self._number)
        if self._duration is not None:
            # The same as several calls of observe().
            self._duration._sum.inc(self._seconds)  # noqa: SLF001
            for bucket, hits in self._hits.items():
                self._duration._buckets[bucket].inc(hits)  # noqa: SLF001
            self._hits.clear()
        self._number = 0
        self._seconds = 0.0


class _Turn:
    loop: asyncio.AbstractEventLoop | None = None
    """The loop that will write the batches at the end of its current turn."""

    def __init__(self) -> None:
        self.batches: list[_Batch] = []


_turn: Final = _Turn()


def _write_batches() -> None:
    _turn.loop = None
    for batch in _turn.batches:
        batch.write()
    _turn.batches.clear()


@functools.lru_cache(maxsize=4096)
def _requests(method: str, route: str, status: int) -> _Batch:
    labels = (method if method in _METHODS else "OTHER", route, str(status))
    instruments = _instruments()
    return _Batch(
        count=instruments.requests.labels(*labels),
        duration=instruments.request_seconds.labels(*labels),
    )


def observe_request(record: "AccessRecord") -> None:
    """Count an answered request; an observer of the request context middleware."""
    _requests(record.method, record.route, record.status).add(record.seconds)


@functools.lru_cache(maxsize=256)
def _rate_limited(group: str, outcome: str) -> _Batch:
    return _Batch(count=_instruments().rate_limits.labels(group, outcome))


def count_rate_limit(group: str, outcome: RateLimitOutcome) -> None:
    _rate_limited(group, outcome).add()


class DurationMetric:
    """A histogram of durations with one label, for a feature to define."""

    def __init__(self, name: str, documentation: str, *, label: str) -> None:
        self._name = name
        self._documentation = documentation
        self._label = label
        self._batches: dict[str, _Batch] = {}

    def observe(self, label_value: str, seconds: float) -> None:
        """`label_value` comes from a bounded set."""
        self._batch(label_value).add(seconds)

    def declare(self, label_values: Iterable[str]) -> None:
        """Show these values from the start, with zeros: a rate misses the first observation of a
        series that begins with it."""
        for label_value in label_values:
            self._batch(label_value)

    def _batch(self, label_value: str) -> _Batch:
        batch = self._batches.get(label_value)
        if batch is None:
            batch = _Batch(duration=self._histogram.labels(label_value))
            self._batches[label_value] = batch
        return batch

    @functools.cached_property
    def _histogram(self) -> Histogram:
        return Histogram(
            self._name,
            self._documentation,
            [self._label],
            registry=_instruments().registry,
            buckets=_BUCKETS,
        )


class GaugeMetric:
    """A number with one label or none, for a process that is alone, such as the worker."""

    def __init__(self, name: str, documentation: str, *, label: str | None = None) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = [] if label is None else [label]

    def set(self, value: float, *label_values: str) -> None:
        """`label_values` has the value of the label, from a bounded set."""
        gauge = self._gauge.labels(*label_values) if label_values else self._gauge
        gauge.set(value)

    @functools.cached_property
    def _gauge(self) -> Gauge:
        return Gauge(
            self._name,
            self._documentation,
            self._labels,
            registry=_instruments().registry,
            multiprocess_mode="livemax",
        )


def set_limiter_state(state: LimiterState) -> None:
    for known in LIMITER_STATES:
        _instruments().limiter_state.labels(known).set(known == state)


ReadOutcome = Literal["replica", "behind", "failed"]


def count_read(outcome: ReadOutcome) -> None:
    """A read that a replica has answered, or that the primary reads instead."""
    _instruments().reads.labels(outcome).inc()


def declare_reads() -> None:
    """Show the metrics of read replicas from the start, with zeros."""
    for outcome in get_args(ReadOutcome):
        _instruments().reads.labels(outcome)
    set_replicas(available=0, configured=0)


def set_replicas(*, available: int, configured: int) -> None:
    _instruments().replicas.labels("up").set(available)
    _instruments().replicas.labels("left_out").set(configured - available)


def set_replica_lag(name: str, seconds: float) -> None:
    _instruments().replica_lag.labels(name).set(seconds)


def count_database_failure(reason: str) -> None:
    """`reason` is one of the fixed words of `platform.database`."""
    _instruments().database_failures.labels(reason).inc()


def watch_pool(pool: QueuePool, *, limit: int) -> None:
    """Keep the pool's gauges up to date; `limit` is its size with the overflow."""
    instruments = _instruments()
    in_use = instruments.pool_connections.labels("in_use")
    idle = instruments.pool_connections.labels("idle")
    instruments.pool_limit.set(limit)

    def checked_out(*_: Any) -> None:  # noqa: ANN401
        in_use.set(pool.checkedout())
        idle.set(pool.checkedin())

    def checked_in(*_: Any) -> None:  # noqa: ANN401
        # SQLAlchemy sends the event just before the connection is back in the pool.
        in_use.set(max(pool.checkedout() - 1, 0))
        idle.set(pool.checkedin() + 1)

    event.listen(pool, "checkout", checked_out)
    event.listen(pool, "checkin", checked_in)


class _WorkersCollector(MultiProcessCollector):
    """Leaves out files that a starting worker has made and not yet given their size."""

    def collect(self) -> Iterable[Metric]:
        files = [str(path) for path in Path(self._path).glob("*.db") if path.stat().st_size]
        merged: Iterable[Metric] = self.merge(files, accumulate=True)  # type: ignore[no-untyped-call]
        return merged


def render() -> bytes:
    """The metrics of all workers in Prometheus' text format. Reads files: run it in a thread."""
    directory = os.environ.get(DIRECTORY_VARIABLE)
    if not directory:
        return generate_latest(_instruments().registry)
    registry = CollectorRegistry()
    _WorkersCollector(registry, directory)  # type: ignore[no-untyped-call]
    with files_locked(Path(directory), fcntl.LOCK_SH):
        return generate_latest(registry)
