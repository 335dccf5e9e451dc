"""Samples the service once a second: memory, connections, counters."""

import re
import resource
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psycopg

from soak.service import SERVING_ROLE, Service

EVERY_SECONDS: Final = 1.0
NEIGHBOURS: Final = 2
"""Samples before and after one that are compared with it."""

MEASURED_SECONDS: Final = 30.0
"""Least time after the warm-up from which a growth is computed."""

Window = tuple[float, float]
"""Beginning and end, in seconds of `time.monotonic`."""

_REQUESTS: Final = re.compile(r"^http_requests_total\{.*\} (\S+)$", re.MULTILINE)


@dataclass
class Life:
    """The samples of one worker."""

    memory: list[tuple[float, float]] = field(default_factory=list)
    """Time in seconds of `time.monotonic`, and memory in MiB."""
    descriptors: list[int] = field(default_factory=list)


class Observer:
    """Samples in a thread of its own, because the servers that it asks may be frozen."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer")
        self.lives: dict[int, Life] = {}
        self.most_connections = 0
        """Largest number of connections of the serving role to PostgreSQL."""
        self.fallen_counters: list[str] = []
        self._counted = 0.0

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        metrics = {"Authorization": f"Bearer {self._service.metrics_token}"}
        with httpx.Client(base_url=self._service.server.url, headers=metrics) as client:
            while not self._stopping.wait(EVERY_SECONDS):
                self._look_at_workers()
                with suppress(psycopg.Error):
                    self.most_connections = max(self.most_connections, connections(self._service))
                with suppress(httpx.HTTPError):
                    self._look_at_counters(client.get("/metrics").text)

    def _look_at_workers(self) -> None:
        for pid in self._service.server.workers():
            with suppress(OSError):
                size = memory(pid)
                descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
                life = self.lives.setdefault(pid, Life())
                life.memory.append((time.monotonic(), size))
                life.descriptors.append(descriptors)

    def _look_at_counters(self, text: str) -> None:
        counted = sum(float(number) for number in _REQUESTS.findall(text))
        if counted < self._counted:
            self.fallen_counters.append(f"{self._counted:.0f} requests, then {counted:.0f}")
        self._counted = max(counted, self._counted)


def connections(service: Service) -> int:
    """Number of connections of the serving role to PostgreSQL."""
    with service.connect() as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [SERVING_ROLE]
        ).fetchone()
    assert row
    return int(row[0])


def sockets(pid: int) -> int:
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found


def memory(pid: int) -> float:
    """MiB resident. What is shared with the arbiter counts from the start: that a worker writes to
    it, and so gets pages of its own, is no growth."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def settled(life: Life) -> list[tuple[float, float]]:
    """The samples without blocks that are used for a moment: each is the least of its neighbours.

    Verifying a password takes 19 MiB for 30 ms.
    """
    sizes = [size for _, size in life.memory]
    return [
        (at, min(sizes[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]))
        for place, (at, _) in enumerate(life.memory)
    ]


def steps(life: Life, windows: Iterable[Window]) -> list[float | None]:
    """The change of the memory over each window; None where the life does not cover it."""
    samples = settled(life)
    changes: list[float | None] = []
    for start, end in windows:
        before = [size for at, size in samples if at < start]
        after = [size for at, size in samples if at > end]
        changes.append(after[0] - before[-1] if before and after else None)
    return changes


def growth(life: Life, *, warm_seconds: float, without: Sequence[Window] = ()) -> float | None:
    """Growth of a worker in MiB per minute after its warm-up; None when it lived too short.

    It is the slope of the least-squares line through the samples outside of the windows, from which
    the time and the change of each window are taken away.
    """
    warm = life.memory[0][0] + warm_seconds
    points = list(_outside([point for point in settled(life) if point[0] >= warm], without))
    if not points or points[-1][0] - points[0][0] < MEASURED_SECONDS:
        return None
    middle_at = sum(at for at, _ in points) / len(points)
    middle_size = sum(size for _, size in points) / len(points)
    spread = sum((at - middle_at) ** 2 for at, _ in points)
    return 60 * sum((at - middle_at) * (size - middle_size) for at, size in points) / spread


def _outside(
    samples: Sequence[tuple[float, float]], windows: Sequence[Window]
) -> Iterator[tuple[float, float]]:
    taken_seconds = taken_mib = 0.0
    last: tuple[float, float] | None = None
    is_inside = False
    for at, size in samples:
        if any(start <= at <= end for start, end in windows):
            is_inside = True
            continue
        if is_inside and last is not None:
            taken_seconds += at - last[0]
            taken_mib += size - last[1]
        is_inside, last = False, (at, size)
        yield at - taken_seconds, size - taken_mib
