"""The job workers of a soak: they deliver webhooks and mails, and are killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from benchmarks.processes import pss_bytes
from soak.observing import Life, memory
from soak.service import Service
from tests.deploy.gunicorn_server import REPOSITORY, environment

NUMBER: Final = 2
STOP_SECONDS: Final = 30.0


class JobWorkers:
    """Processes of `scholarship-api worker`, each with a log of its own."""

    def __init__(self, service: Service, folder: Path, *, mail_port: int) -> None:
        settings = service.settings | {
            # Production refuses receivers on this machine and mail without TLS.
            "ENVIRONMENT": "test",
            "DATABASE_URL": service.worker_database_url,
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "SMTP_URL": f"smtp+insecure://127.0.0.1:{mail_port}",
            "SMTP_FROM": "noreply@example.org",
            "PUBLIC_BASE_URL": "https://api.example.org",
            "WORKER_PORT": "0",
            "LOG_FORMAT": "json",
        }
        self._environment = environment(settings, port=8000)
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._started = 0
        self.killed = 0
        self.lives: dict[int, Life] = {}

    def start(self) -> None:
        while len(self._processes) < NUMBER:
            self._started += 1
            with (self._folder / f"worker-{self._started}.log").open("wb") as log:
                self._processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "scholarship_api", "worker"],
                        cwd=REPOSITORY,
                        env=self._environment,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                    )
                )

    def kill_one(self, number: int) -> None:
        """Kill a worker as the kernel does, and start another one."""
        process = self._processes.pop(number % len(self._processes))
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.killed += 1
        self.start()

    def observe(self) -> None:
        for process in self._processes:
            with suppress(OSError):
                life = self.lives.setdefault(process.pid, Life())
                life.memory.append((time.monotonic(), memory(process.pid)))

    def proportional_sizes(self) -> list[float]:
        """MB of each worker; what processes share counts in parts."""
        return [pss_bytes(process.pid) / 1e6 for process in self._processes]

    def stop(self) -> list[int]:
        """End the workers in order. Returns their exit codes."""
        for process in self._processes:
            process.terminate()
        return [process.wait(STOP_SECONDS) for process in self._processes]

    def end(self) -> None:
        """Kill what is left, whatever has happened."""
        for process in self._processes:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()

    def log(self) -> str:
        return "".join(file.read_text() for file in sorted(self._folder.glob("worker-*.log")))
