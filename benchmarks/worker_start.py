"""Time until a replaced worker is ready.

    python -m benchmarks.worker_start [--quick]

One worker with the Redis limiter serves 100 000 and 1 000 000 awards (--quick: 10 000 and 100 000).
It is killed, and the time until its successor answers /readyz with 200 is measured, several times.
"""

import os
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

from benchmarks.catalogues import SIZES
from benchmarks.goals import Figure, run
from benchmarks.load import Connection
from benchmarks.servers import READY_SECONDS, Server
from benchmarks.stacks import OURS, stack

WANTED_SECONDS: Final = {10_000: 1.0, 100_000: 1.0, 1_000_000: 4.0}
"""The longest start by awards of the catalogue."""

STARTS: Final = 7
QUICK_STARTS: Final = 3


def measure(*, quick: bool) -> Sequence[Figure]:
    figures = []
    for rows in SIZES[:2] if quick else SIZES[1:]:
        with stack(rows, before=False) as one:
            server = one.servers[OURS]
            seconds = [_replace(server) for _ in range(QUICK_STARTS if quick else STARTS)]
        detail = f"{len(seconds)} starts, {min(seconds):.2f}-{max(seconds):.2f} s"
        goal = f"a replaced worker is ready, {rows:,} awards"
        median = statistics.median(seconds)
        figures.append(Figure(goal, median, "at most", WANTED_SECONDS[rows], "s", detail))
    return figures


def _replace(server: Server) -> float:
    """Kill the worker; the seconds until another one is ready."""
    [worker] = _workers(server.pid)
    began = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    while time.monotonic() < began + READY_SECONDS:
        if worker not in _workers(server.pid):
            with suppress(OSError, EOFError), Connection(server.port) as client:
                if client.ask("/readyz").status == HTTPStatus.OK:
                    return time.monotonic() - began
        time.sleep(0.005)
    raise RuntimeError("no worker became ready")


def _workers(arbiter: int) -> list[int]:
    return [
        int(pid) for pid in Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()
    ]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
