"""Time of the command line: its help, and a further start of `make run`.

    python -m benchmarks.command_line [--quick]

`scholarship-api --help` is run several times. `scholarship-api dev`, the command of `make run`, is
started twice in a new folder: the first start creates the database and loads the catalogue, and
the second one is measured from the command to the first 200 of /healthz.
"""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

from benchmarks.goals import Figure, run
from benchmarks.load import Connection

HELP_RUNS: Final = 9
DEV_STARTS: Final = 5
QUICK_RUNS: Final = 3
START_SECONDS: Final = 120.0
"""Deadline for a start."""

WANTED_HELP_SECONDS: Final = 0.4
WANTED_START_SECONDS: Final = 2.7

_COMMAND: Final = (sys.executable, "-m", "scholarship_api")


def measure(*, quick: bool) -> Sequence[Figure]:
    helps = [_help() for _ in range(1 + (QUICK_RUNS if quick else HELP_RUNS))][1:]
    with tempfile.TemporaryDirectory(prefix="scholarship-benchmark-") as folder:
        starts = [_start(Path(folder)) for _ in range(1 + (QUICK_RUNS if quick else DEV_STARTS))]
    return [
        _figure("scholarship-api --help", helps, WANTED_HELP_SECONDS),
        _figure("make run again: to the first 200", starts[1:], WANTED_START_SECONDS),
    ]


def _figure(goal: str, seconds: Sequence[float], wanted: float) -> Figure:
    detail = f"{len(seconds)} runs, {min(seconds):.2f}-{max(seconds):.2f} s"
    return Figure(goal, statistics.median(seconds), "at most", wanted, "s", detail)


def _help() -> float:
    began = time.perf_counter()
    subprocess.run([*_COMMAND, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def _start(folder: Path) -> float:
    """Start and stop the development server; the seconds until /healthz answers."""
    port = _free_port()
    settings = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "RATE_LIMIT_BACKEND_URL", "ENVIRONMENT"}
    }
    began = time.perf_counter()
    with subprocess.Popen(
        [*_COMMAND, "dev"],
        cwd=folder,
        env={**settings, "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            return _await(port, process, began)
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
            process.wait(START_SECONDS)


def _await(port: int, process: "subprocess.Popen[bytes]", began: float) -> float:
    while time.perf_counter() < began + START_SECONDS and process.poll() is None:
        with suppress(OSError, EOFError), Connection(port) as client:
            if client.ask("/healthz").status == HTTPStatus.OK:
                return time.perf_counter() - began
        time.sleep(0.01)
    raise RuntimeError("the development server did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
