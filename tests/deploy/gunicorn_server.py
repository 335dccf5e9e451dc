"""A real gunicorn that takes real signals.

with running_server({"DATABASE_URL": database_url, "RATE_LIMIT_BACKEND_URL": redis_url}) as server:
    httpx.get(f"{server.url}/healthz")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert server.log.named("worker.finished")
"""

import http.client
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

REPOSITORY: Final = Path(__file__).parents[2]
APPLICATION: Final = "scholarship_api.app:create_app()"
SLOW_SERVICE: Final = "tests.deploy.slow_service:create()"
READY_SECONDS: Final = 180.0

# PR_SET_PDEATHSIG: the server ends when the test run is killed.
_END_WITH_US: Final = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""

PRODUCTION: Final = {
    "ENVIRONMENT": "production",
    "JWT_SECRET_KEY": secrets.token_hex(48),
    "CORS_ALLOWED_ORIGINS": "https://app.example.org",
    "ALLOWED_HOSTS": "127.0.0.1,localhost,api.example.org",
    # Well-formed URLs without a server, for applications that need neither.
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "RATE_LIMIT_BACKEND_URL": "redis://127.0.0.1:1/0",
    "WEB_CONCURRENCY": "2",
}
"""Settings that a production process accepts."""


class Log:
    """The lines that a server has written so far."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def text(self) -> str:
        return self._path.read_text()

    def size(self) -> int:
        """The size of the log in bytes."""
        return self._path.stat().st_size

    def lines(self) -> list[dict[str, Any]]:
        """Each complete line as JSON; raises an exception for another one."""
        return [json.loads(line) for line in self.text().split("\n")[:-1]]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] == event]

    def starting(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"].startswith(event)]

    def at_least(self, level: str) -> list[dict[str, Any]]:
        levels = ["debug", "info", "warning", "error", "critical"]
        wanted = levels[levels.index(level) :]
        return [line for line in self.lines() if line["level"] in wanted]


class RunningServer:
    """A gunicorn arbiter and its workers."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", port: int, log: Log, stdout: Path
    ) -> None:
        self.process = process
        self.port = port
        self.log = log
        self._stdout = stdout

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the arbiter."""
        return self.process.pid

    def stdout(self) -> str:
        """The standard output, which should be empty."""
        return self._stdout.read_text()

    def workers(self) -> list[int]:
        """The process ids of the workers, oldest first."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sorted(int(pid) for pid in children)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = 40) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(seconds)

    def get(self, path: str, *, timeout: float = 10) -> tuple[int, bytes]:
        """Status and body of a GET on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def until(
    condition: Callable[[], object], *, seconds: float = 60, reason: Callable[[], str] = str
) -> None:
    """Wait until `condition` is true; fails with `reason` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not after {seconds} s: {reason()}"
        time.sleep(0.02)


def environment(settings: Mapping[str, str], port: int) -> dict[str, str]:
    """The environment of a server; only the paths come from the developer's."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', os.defpath)}"
    return {**kept, "PATH": path, **PRODUCTION, "PORT": str(port), **settings}


@contextmanager
def running_server(
    settings: Mapping[str, str] | None = None,
    *,
    application: str = APPLICATION,
    command: Sequence[str] | None = None,
    ready_path: str = "/healthz",
    wait_until_ready: bool = True,
    ready_seconds: float = READY_SECONDS,
) -> Iterator[RunningServer]:
    """A server with `settings` over `PRODUCTION`, on a free port, stopped at the end.

    gunicorn loads `application`; `command` replaces gunicorn's whole command line. The server is
    ready when every worker serves and `ready_path` answers 200.
    """
    port = free_port()
    variables = environment(settings or {}, port)
    if command is None:
        conf = "python:scholarship_api.platform.server.gunicorn_conf"
        command = [sys.executable, "-m", "gunicorn", "-c", conf, application]
    with tempfile.TemporaryDirectory(prefix="scholarship-deploy-") as folder:
        log, stdout = Path(folder) / "log", Path(folder) / "stdout"
        with log.open("wb") as log_file, stdout.open("wb") as stdout_file:
            process = subprocess.Popen(
                [sys.executable, "-ISc", _END_WITH_US, *command],
                cwd=REPOSITORY,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=stdout_file,
                stderr=log_file,
            )
        server = RunningServer(process, port, Log(log), stdout)
        try:
            if wait_until_ready:
                workers = int(variables["WEB_CONCURRENCY"])
                _await_ready(server, workers, ready_path, seconds=ready_seconds)
            yield server
        finally:
            _end(server)


def _await_ready(server: RunningServer, workers: int, path: str, *, seconds: float) -> None:
    def ready() -> bool:
        assert server.process.poll() is None, server.log.text() + server.stdout()
        if len(server.log.named("Application startup complete.")) < workers:
            return False
        with suppress(OSError, http.client.HTTPException):
            return server.get(path, timeout=5)[0] == 200
        return False

    until(ready, seconds=seconds, reason=server.log.text)


def _end(server: RunningServer) -> None:
    if server.process.poll() is None:
        workers = server.workers()
        server.signal(signal.SIGTERM)
        try:
            server.wait()
        except subprocess.TimeoutExpired:
            server.signal(signal.SIGKILL)
            server.wait()
            for pid in workers:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    # Below the ports that the kernel gives to clients, so that none is taken meanwhile.
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
