"""The servers that are measured: the application, an earlier revision of it, and a bare hello."""

import http.client
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
import redis

from benchmarks import processes
from scholarship_api.devserver.embedded import embedded_valkey
from tests.deploy.gunicorn_server import RunningServer, running_server

HELLO: Final = "benchmarks.hello:application"

READY_SECONDS: Final = 60.0
"""Deadline for a server to answer its first request."""

LOADED_SECONDS: Final = 600.0
"""Deadline for a server to load the largest catalogue; on a busy machine that takes minutes."""

UNREACHED_PER_MINUTE: Final = 100_000_000
"""A rate limit that is counted, and that no load reaches."""


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int
    """The process that started all others of the server."""
    workers: tuple[int, ...]
    """The processes that answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def worker_cpu_seconds(self) -> float:
        """CPU of all workers since their start."""
        return sum(map(processes.cpu_seconds, self.workers))

    def cpu_seconds_with(self, *others: int) -> Callable[[], float]:
        """A function for the CPU of the whole server and of other servers, with all children.

        `others` are the process ids of PostgreSQL and Redis: most of a search is their work.
        """
        return lambda: processes.tree_cpu_seconds((self.pid, *others))


def postgres_pid(conninfo: str) -> int:
    """The postmaster of a server on this machine."""
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row
    return int((Path(row[0]) / "postmaster.pid").read_text().splitlines()[0])


def redis_pid(url: str) -> int:
    """The process of a server on this machine."""
    with redis.Redis.from_url(url) as client:
        information: Mapping[str, Any] = client.info("server")
    return int(information["process_id"])


@contextmanager
def hello() -> Iterator[Server]:
    """Raw uvicorn with httptools and uvloop, one process."""
    with uvicorn(HELLO, workers=1) as server:
        yield server


@contextmanager
def uvicorn(
    application: str,
    *,
    workers: int,
    settings: Mapping[str, str] | None = None,
    ready_path: str = "/",
) -> Iterator[Server]:
    """An application under plain uvicorn with httptools and uvloop, without an access log."""
    options = ["--loop=uvloop", "--http=httptools", "--no-access-log", "--log-level=warning"]
    options += [f"--workers={workers}"] if workers > 1 else []
    # running_server passes the port in the environment.
    on_port = ["sh", "-c", 'exec "$@" --port="$PORT"', "sh"]
    with running_server(
        {**(settings or {}), "WEB_CONCURRENCY": str(workers)},  # uvicorn reads it too
        command=[*on_port, sys.executable, "-m", "uvicorn", application, *options],
        wait_until_ready=False,
    ) as running:
        _await(running, ready_path)
        yield Server(running.port, running.pid, tuple(running.workers()) or (running.pid,))


def _await(running: RunningServer, path: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        with suppress(OSError, http.client.HTTPException):
            if running.get(path)[0] == http.HTTPStatus.OK:
                return
        if running.process.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {running.log.text()}")


@contextmanager
def valkey() -> Iterator[str]:
    """A Valkey server of its own; yields its URL."""
    with (
        tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as folder,
        embedded_valkey(Path(folder) / "valkey") as url,
    ):
        yield url


@contextmanager
def api(
    database_url: str,
    *,
    redis_url: str | None = None,
    workers: int = 1,
    revision: Path | None = None,
    read_url: str | None = None,
) -> Iterator[Server]:
    """The application with production's settings, with rate limits that are never reached.

    Without `redis_url` requests are not counted; only the environment `test` allows that. Workers
    are not recycled, because a new worker would not be the measured one. `revision` is the folder
    of an earlier revision to run instead. `read_url` names read replicas.
    """
    if redis_url is None:
        limits = {"ENVIRONMENT": "test", "RATE_LIMIT_ENABLED": "false"}
    else:
        names = ("SEARCH", "ELIGIBILITY", "SCHOLARSHIPS", "ANALYTICS")
        limits = {f"RATE_LIMIT_{name}": f"{UNREACHED_PER_MINUTE}/minute" for name in names} | {
            "RATE_LIMIT_BACKEND_URL": redis_url,
            "RATE_LIMIT_PER_MINUTE": str(UNREACHED_PER_MINUTE),
        }
    settings = {
        "DATABASE_URL": database_url,
        "WEB_CONCURRENCY": str(workers),
        "KEEPALIVE": "300",  # a client may pause between two measurements
        "MAX_REQUESTS": "0",
        "MAX_REQUESTS_JITTER": "0",
        **limits,
        **({} if read_url is None else {"DATABASE_READ_URL": read_url}),
    }
    command = None if revision is None else _serve(revision)
    with running_server(
        settings, command=command, ready_path="/readyz", ready_seconds=LOADED_SECONDS
    ) as running:
        yield Server(running.port, running.pid, tuple(running.workers()))


def _serve(revision: Path) -> Sequence[str]:
    """The command that serves an earlier revision; gunicorn imports from its working folder."""
    program = revision / ".venv" / "bin" / "scholarship-api"
    return ["sh", "-c", 'cd "$0" && exec "$@"', str(revision), str(program), "serve"]
