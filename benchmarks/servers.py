"""The servers that are measured: the real application under gunicorn, and a bare ASGI hello.

What one of them uses is read from /proc, so it does not depend on how fast the client is.
"""

import http.client
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scholarship_api.devserver.embedded import embedded_valkey
from tests.deploy.gunicorn_server import RunningServer, running_server

HELLO: Final = "benchmarks.hello:application"
READY_SECONDS: Final = 60.0
UNREACHED: Final = 100_000_000
"""A limit that is counted, and that no load reaches."""

_TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    workers: tuple[int, ...]
    """The processes that answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_seconds(self) -> float:
        """Of all workers since their start, user and system."""
        return sum(map(_cpu_seconds, self.workers))

    def rss_bytes(self) -> list[int]:
        """Resident memory of each worker."""
        return [rss_bytes(pid) for pid in self.workers]

    def unshared_bytes(self) -> list[int]:
        """What would be free without each worker: the rest is the arbiter's, too, or a file's."""
        return [unshared_bytes(pid) for pid in self.workers]


def _cpu_seconds(pid: int) -> float:
    # proc(5): the fields behind the name, which may hold spaces; 14 is utime, 15 stime.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_SECONDS


def rss_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def unshared_bytes(pid: int) -> int:
    # proc_pid_smaps(5): pages that no other process has mapped, in kB.
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


@contextmanager
def hello() -> Iterator[Server]:
    """Raw uvicorn with httptools and uvloop, one process."""
    options = ["--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning"]
    # running_server names the port in the environment.
    on_port = ["sh", "-c", 'exec "$@" --port="$PORT"', "sh"]
    with running_server(
        {"WEB_CONCURRENCY": "1"},  # which uvicorn reads too
        command=[*on_port, sys.executable, "-m", "uvicorn", HELLO, *options],
        wait_until_ready=False,
    ) as running:
        _await(running)
        yield Server(running.port, (running.pid,))


def _await(running: RunningServer) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            if running.get("/")[0] == http.HTTPStatus.OK:
                return
        if running.process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"hello did not start: {running.log.text()}")


@contextmanager
def valkey() -> Iterator[str]:
    """A server of our own; yields its URL."""
    with (
        tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as folder,
        embedded_valkey(Path(folder) / "valkey") as url,
    ):
        yield url


@contextmanager
def api(database_url: str, *, redis_url: str | None = None, workers: int = 1) -> Iterator[Server]:
    """The application in production's settings, with limits that are never reached.

    Without `redis_url` requests are not counted at all, which only the environment `test` allows.
    Workers are not recycled, as a new one would not be the one that is measured.
    """
    if redis_url is None:
        limits = {"ENVIRONMENT": "test", "RATE_LIMIT_ENABLED": "false"}
    else:
        names = ("SEARCH", "ELIGIBILITY", "SCHOLARSHIPS", "ANALYTICS")
        limits = {f"RATE_LIMIT_{name}": f"{UNREACHED}/minute" for name in names} | {
            "RATE_LIMIT_BACKEND_URL": redis_url,
            "RATE_LIMIT_PER_MINUTE": str(UNREACHED),
        }
    settings = {
        "DATABASE_URL": database_url,
        "WEB_CONCURRENCY": str(workers),
        "KEEPALIVE": "300",  # a client may pause between two measurements
        "MAX_REQUESTS": "0",
        "MAX_REQUESTS_JITTER": "0",
        **limits,
    }
    with running_server(settings) as running:
        yield Server(running.port, tuple(running.workers()))
