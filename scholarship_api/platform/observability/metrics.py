"""Prometheus metrics, summed over all workers when gunicorn's arbiter has prepared a directory.

Durations are in seconds. Labels come from bounded sets only (route templates, fixed words), never
from what a client sent. The instruments are made at the first observation: prometheus_client
chooses between values in memory and values in files when the first one is made, which has to be
after `prepare_multiprocess_dir`.
"""

import asyncio
import bisect
import fcntl
import functools
import math
import os
import shutil
import struct
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import prometheus_client.values
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.multiprocess import mark_process_dead as remove_live_gauges
from sqlalchemy import QueuePool, event

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

_DIRECTORY_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_DIRECTORY_PREFIX: Final = "scholarship-api-metrics-"
_ABANDONED_SECONDS: Final = 60.0
"""A directory that nobody holds and that is older belonged to an arbiter that was killed."""
_MERGED: Final = "merged"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class _Instruments:
    def __init__(self) -> None:
        # Chosen when the library was imported, which may be before the directory was named.
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
        self.search_seconds = Histogram(
            "search_duration_seconds",
            "Time spent on a search, by where its answer came from.",
            ["source"],
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
        self.database_failures = Counter(
            "database_unavailable",
            "Database work that failed as the server did not serve it.",
            ["reason"],
            registry=registry,
        )


@functools.cache
def _instruments() -> _Instruments:
    return _Instruments()


class _Tally:
    """What one turn of the event loop observed, for a counter, a histogram or both.

    Written at the end of the turn: under load one write to the workers' files serves a dozen
    requests, and whoever was answered finds himself counted.
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
            _turn.tallies.append(self)
        self._number += 1
        if self._duration is not None:
            self._seconds += seconds
            bucket = bisect.bisect_left(self._bounds, seconds)
            self._hits[bucket] = self._hits.get(bucket, 0) + 1
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # no loop, no turns
            _write_tallies()
            return
        if _turn.loop is not loop:
            _turn.loop = loop
            loop.call_soon(_write_tallies)

    def write(self) -> None:
        if self._count is not None:
            self._count.inc(self._number)
        if self._duration is not None:
            # As its observe() does, for several at once.
            self._duration._sum.inc(self._seconds)  # noqa: SLF001
            for bucket, hits in self._hits.items():
                self._duration._buckets[bucket].inc(hits)  # noqa: SLF001
            self._hits.clear()
        self._number = 0
        self._seconds = 0.0


class _Turn:
    loop: asyncio.AbstractEventLoop | None = None
    """The one that will write what was observed in its present turn."""

    def __init__(self) -> None:
        self.tallies: list[_Tally] = []


_turn: Final = _Turn()


def _write_tallies() -> None:
    _turn.loop = None
    for tally in _turn.tallies:
        tally.write()
    _turn.tallies.clear()


@functools.lru_cache(maxsize=4096)
def _requests(method: str, route: str, status: int) -> _Tally:
    labels = (method if method in _METHODS else "OTHER", route, str(status))
    instruments = _instruments()
    return _Tally(
        count=instruments.requests.labels(*labels),
        duration=instruments.request_seconds.labels(*labels),
    )


def observe_request(record: "AccessRecord") -> None:
    """Count an answered request; an observer of the request context middleware."""
    _requests(record.method, record.route, record.status).add(record.seconds)


@functools.lru_cache(maxsize=2)
def _searches(source: str) -> _Tally:
    return _Tally(duration=_instruments().search_seconds.labels(source))


def observe_search(*, source: Literal["cache", "database"], seconds: float) -> None:
    _searches(source).add(seconds)


@functools.lru_cache(maxsize=256)
def _rate_limited(group: str, outcome: str) -> _Tally:
    return _Tally(count=_instruments().rate_limits.labels(group, outcome))


def count_rate_limit(group: str, outcome: RateLimitOutcome) -> None:
    _rate_limited(group, outcome).add()


def set_limiter_state(state: LimiterState) -> None:
    for known in LIMITER_STATES:
        _instruments().limiter_state.labels(known).set(known == state)


def count_database_failure(reason: str) -> None:
    """`reason` is one of the fixed words of `platform.database`."""
    _instruments().database_failures.labels(reason).inc()


def watch_pool(pool: QueuePool, *, limit: int) -> None:
    """Keep the pool's gauges right from now on; `limit` is its size with the overflow."""
    instruments = _instruments()
    in_use = instruments.pool_connections.labels("in_use")
    idle = instruments.pool_connections.labels("idle")
    instruments.pool_limit.set(limit)

    def checked_out(*_: Any) -> None:  # noqa: ANN401
        in_use.set(pool.checkedout())
        idle.set(pool.checkedin())

    def checked_in(*_: Any) -> None:  # noqa: ANN401
        # The event comes just before the connection is back in the pool.
        in_use.set(max(pool.checkedout() - 1, 0))
        idle.set(pool.checkedin() + 1)

    event.listen(pool, "checkout", checked_out)
    event.listen(pool, "checkin", checked_in)


def render() -> bytes:
    """The metrics of all workers in Prometheus' text format. Reads files: run it in a thread."""
    directory = os.environ.get(_DIRECTORY_VARIABLE)
    if not directory:
        return generate_latest(_instruments().registry)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, directory)  # type: ignore[no-untyped-call]
    with _lock(Path(directory), fcntl.LOCK_SH):
        return generate_latest(registry)


# --- The directory of the workers' files -----------------------------------------------------


def prepare_multiprocess_dir() -> Path | None:
    """Make the directory in which the workers keep their values; gunicorn's `on_starting`.

    In memory (/dev/shm) where possible. None when no directory is writable: each worker then shows
    its own values only.
    """
    for parent in _parents():
        with suppress(OSError):
            _remove_abandoned(parent)
            directory = Path(tempfile.mkdtemp(prefix=_DIRECTORY_PREFIX, dir=parent))
            _holder.descriptor = _held(directory)
            os.environ[_DIRECTORY_VARIABLE] = str(directory)
            return directory
    return None


def _parents() -> Iterator[Path]:
    yield Path("/dev/shm")  # noqa: S108
    with suppress(OSError):  # raised where nothing else is writable, so it is asked last
        yield Path(tempfile.gettempdir())


def remove_multiprocess_dir() -> None:
    """Remove what `prepare_multiprocess_dir` made; gunicorn's `on_exit`."""
    if directory := os.environ.pop(_DIRECTORY_VARIABLE, None):
        shutil.rmtree(directory, ignore_errors=True)
    if _holder.descriptor is not None:
        os.close(_holder.descriptor)
        _holder.descriptor = None


class _Holder:
    descriptor: int | None = None
    """Of our directory, locked as long as the arbiter or one of its workers lives."""


_holder: Final = _Holder()


def _held(directory: Path) -> int:
    """A descriptor that holds the directory. Raises BlockingIOError when another one does."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(parent: Path) -> None:
    """Directories of arbiters of ours that were killed.

    Process ids would not tell: containers that share /dev/shm each have their own.
    """
    for directory in parent.glob(f"{_DIRECTORY_PREFIX}*"):
        with suppress(OSError):  # another user's, held, or being removed
            status = directory.lstat()
            # One that has just been made may not be held yet.
            if time.time() - status.st_mtime < _ABANDONED_SECONDS or status.st_uid != os.geteuid():
                continue
            descriptor = _held(directory)
            shutil.rmtree(directory, ignore_errors=True)
            os.close(descriptor)


def mark_process_dead(pid: int) -> None:
    """Fold a dead worker's files into one; gunicorn's `child_exit`.

    Its counters stay in the sums, its gauges do not, and the directory does not grow with each
    worker that is recycled.
    """
    location = os.environ.get(_DIRECTORY_VARIABLE)
    if not location:
        return
    directory = Path(location)
    with _lock(directory, fcntl.LOCK_EX):
        remove_live_gauges(pid, location)  # type: ignore[no-untyped-call]
        for kind in ("counter", "histogram"):
            dead = directory / f"{kind}_{pid}.db"
            if dead.exists():
                _fold(dead, directory / f"{kind}_{_MERGED}.db")
                dead.unlink()


def _fold(dead: Path, merged: Path) -> None:
    totals: defaultdict[str, float] = defaultdict(float)
    for path in (merged, dead):
        if path.exists():
            # Killed while it wrote: what was complete is kept.
            with suppress(RuntimeError, ValueError, struct.error):
                for key, value, _, _ in MmapedDict.read_all_values_from_file(path):  # type: ignore[no-untyped-call]
                    totals[key] += value
    fresh = merged.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    values = MmapedDict(str(fresh))  # type: ignore[no-untyped-call]
    for key, value in totals.items():
        values.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    values.close()  # type: ignore[no-untyped-call]
    fresh.replace(merged)


@contextmanager
def _lock(directory: Path, kind: int) -> Iterator[None]:
    """Without it a scrape could see a dead worker's values twice, or not at all."""
    with (directory / "lock").open("a") as file:
        fcntl.flock(file, kind)
        yield
