"""Samples the service once a second: memory, connections, counters."""

import re
import resource
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import psycopg

from soak.service import SERVING_ROLE, Service

EVERY_SECONDS: Final = 1.0
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


def growth(life: Life, *, warm_seconds: float) -> float | None:
    """Growth of a worker in MiB per minute after its warm-up; None when it lived too short.

    It is the slope of the least-squares line.
    """
    first = life.memory[0][0] + warm_seconds
    points = [(at, size) for at, size in life.memory if at >= first]
    if not points or points[-1][0] - points[0][0] < warm_seconds:
        return None
    middle_at = sum(at for at, _ in points) / len(points)
    middle_size = sum(size for _, size in points) / len(points)
    spread = sum((at - middle_at) ** 2 for at, _ in points)
    return 60 * sum((at - middle_at) * (size - middle_size) for at, size in points) / spread
