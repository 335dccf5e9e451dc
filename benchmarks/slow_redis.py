"""Effect of a slow and of a stopped Redis on the service.

    python -m benchmarks.slow_redis [--quick]

A proxy is between the service and Redis. Clients search at a steady pace while a liveness probe is
asked all the time, in turn with a healthy Redis and with each of its answers 50 ms late. Then Redis
is stopped, and then it accepts connections and stays silent. Every search must then be refused with
503 within the time of two attempts.
"""

import itertools
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

from benchmarks.catalogues import SIZES, catalogue
from benchmarks.goals import Figure, run
from benchmarks.load import Connection
from benchmarks.progress import progress_bar
from benchmarks.queries import search
from benchmarks.servers import Server, api, valkey
from scholarship_api.platform.rate_limiting.shared_storage import ATTEMPT_SECONDS
from tests.faults import FaultyProxy, Mode, redis_target, redis_through_proxy

DELAY_SECONDS: Final = 0.05
CLIENTS: Final = 4
SEARCH_EVERY_SECONDS: Final = 0.2
PROBE_EVERY_SECONDS: Final = 0.005
ROUNDS: Final = 6
SECONDS: Final = 5.0
QUICK_ROUNDS: Final = 2
QUICK_SECONDS: Final = 2.0
DEADLINE_SECONDS: Final = 2 * ATTEMPT_SECONDS + 0.2
"""Time of two attempts, and 0.2 s because the machine may be busy."""

_numbers = itertools.count()


def measure(*, quick: bool) -> Sequence[Figure]:
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if quick else (ROUNDS, SECONDS)
    with (
        catalogue(SIZES[0]) as awards,
        valkey() as redis_url,
        FaultyProxy(redis_target(redis_url)) as proxy,
        api(awards.url, redis_url=redis_through_proxy(redis_url, proxy)) as server,
    ):
        probes: dict[float, list[float]] = {0.0: [], DELAY_SECONDS: []}
        searches: dict[float, list[float]] = {0.0: [], DELAY_SECONDS: []}
        with progress_bar() as progress:
            for number in progress.track(range(rounds + 1), description="Rounds"):
                for delay in (0.0, DELAY_SECONDS):
                    proxy.delay_seconds = delay
                    with _searching(server) as answers:
                        p99 = _p99(_probe(server, seconds))
                    if number:  # the first round warms up
                        probes[delay].append(p99)
                        searches[delay] += [took for _, took in answers]
        proxy.delay_seconds = 0.0
        stopped = _without_redis(server, proxy, "refuse", seconds)
        silent = _without_redis(server, proxy, "blackhole", seconds)
    healthy, slow = (statistics.median(p99s) for p99s in probes.values())
    medians = [statistics.median(taken) * 1e3 for taken in searches.values()]
    detail = (
        f"{slow * 1e3:.1f} / {healthy * 1e3:.1f} ms, medians of {rounds} rounds;"
        f" searches {medians[1]:.0f} / {medians[0]:.0f} ms"
    )
    goal = "probe's p99, Redis 50 ms late / Redis healthy"
    figures = [Figure(goal, slow / healthy, "at most", 2, "x", detail)]
    for name, answers in (("stopped", stopped), ("silent", silent)):
        faults = [status for status, _ in answers if status >= 500 and status != _REFUSED]
        refused = sum(status == _REFUSED for status, _ in answers)
        detail = f"{refused} of {len(answers)} searches answered with 503"
        longest = max(took for _, took in answers)
        figures += [
            Figure(f"Redis {name}: answers of 500", len(faults), "at most", 0, detail=detail),
            Figure(f"Redis {name}: longest wait", longest, "at most", DEADLINE_SECONDS, "s"),
        ]
    return figures


_REFUSED: Final = HTTPStatus.SERVICE_UNAVAILABLE
Answers = list[tuple[int, float]]
"""Status and seconds of each search."""


@contextmanager
def _searching(server: Server) -> Iterator[Answers]:
    """Let CLIENTS search, each every SEARCH_EVERY_SECONDS, until the end of the block."""
    answers: Answers = []
    ended = threading.Event()

    def search_on() -> None:
        with Connection(server.port) as client:
            while not ended.wait(SEARCH_EVERY_SECONDS):
                began = time.perf_counter()
                answer = client.ask(search(q="nursing", offset=next(_numbers)))
                answers.append((answer.status, time.perf_counter() - began))

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(search_on) for _ in range(CLIENTS)]
        try:
            yield answers
        finally:
            ended.set()
        for client in clients:
            client.result()


def _probe(server: Server, seconds: float) -> list[float]:
    taken = []
    end = time.monotonic() + seconds
    with Connection(server.port) as client:
        while time.monotonic() < end:
            began = time.perf_counter()
            status = client.ask("/healthz").status
            taken.append(time.perf_counter() - began)
            if status != HTTPStatus.OK:
                raise RuntimeError(f"the probe was answered with {status}")
            time.sleep(PROBE_EVERY_SECONDS)
    return taken


def _without_redis(server: Server, proxy: FaultyProxy, mode: Mode, seconds: float) -> Answers:
    """The answers to searches while Redis is away. Redis is back at the end."""
    proxy.set(mode)
    try:
        with _searching(server) as answers:
            _probe(server, seconds)
    finally:
        proxy.set("forward")
    _until(lambda: _status(server) == HTTPStatus.OK)
    return answers


def _status(server: Server) -> int:
    with Connection(server.port) as client:
        return client.ask(search(q="nursing")).status


def _until(condition: Callable[[], bool], *, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the service does not search again although Redis is back")
        time.sleep(0.1)


def _p99(taken: Sequence[float]) -> float:
    return statistics.quantiles(taken, n=100)[98]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
