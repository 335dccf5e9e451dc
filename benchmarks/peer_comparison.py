"""CPU, throughput and latency of uncached searches, compared with other search services.

    python -m benchmarks.peer_comparison [--quick]

The peers are in benchmarks/peers: FastAPI with SQLAlchemy and ts_rank_cd, tantivy in a Starlette
application, and Groonga where it is installed (without a goal). All serve the same 100 000 awards
with as many workers as CPUs, and get the same mixed searches, none of them twice. Ours runs with
the Redis limiter. The CPU of all processes of a service counts. Two plain words are also asked by
one client, the services in turn.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import Final

from rich.table import Table

from benchmarks.cpu import Case, Rounds, in_turn
from benchmarks.goals import Figure, NotMeasuredError, run, stdout
from benchmarks.load import Answer, Connection
from benchmarks.mixes import mixed_searches, new_requests, pairs_of_words
from benchmarks.peers import groonga, servers
from benchmarks.progress import STDERR, progress_bar
from benchmarks.servers import Server
from benchmarks.stacks import OURS, Stack, stack

ROWS: Final = 100_000
MOST_PER_SECOND: Final = 8_000
"""Searches a second, more than any of the services can answer; so many requests are prepared."""

SEARCHES: Final = 400
"""Searches for two words by one client."""

QUICK_SEARCHES: Final = 100
WARM_UP_SEARCHES: Final = 20

SQLALCHEMY: Final = "FastAPI + ts_rank_cd"
TANTIVY: Final = "tantivy"
GROONGA: Final = "Groonga"

Latencies = dict[str, list[float]]
"""Seconds of each search, by service."""


def measure(*, quick: bool) -> Sequence[Figure]:
    workers = os.cpu_count() or 1
    with ExitStack() as stacked:
        ours = stacked.enter_context(stack(ROWS, workers=workers, before=False))
        peers = {
            SQLALCHEMY: stacked.enter_context(servers.sqlalchemy(ours.awards, workers=workers)),
            TANTIVY: stacked.enter_context(servers.tantivy(ours.awards, workers=workers)),
        }
        try:
            peers[GROONGA] = stacked.enter_context(servers.groonga(ours.awards))
        except NotMeasuredError as missing:
            STDERR.print(f"Without Groonga: {missing}")
        found = in_turn(_cases(ours, peers), quick=quick)
        services = {OURS: ours.servers[OURS], **peers}
        ports = {name: server.port for name, server in services.items()}
        latencies = _latencies(
            ports, pairs_of_words(ours.awards), QUICK_SEARCHES if quick else SEARCHES
        )
    stdout().print(_table(found, latencies))
    return _figures(found, latencies)


def _cases(ours: Stack, peers: dict[str, Server]) -> dict[str, Case]:
    searches = mixed_searches(ours.awards)
    paths_of_groonga = (groonga.path_of(path) for path in searches)
    cases = {}
    for name, server in {OURS: ours.servers[OURS], **peers}.items():
        paths = paths_of_groonga if name == GROONGA else searches
        others = {OURS: ours.others, SQLALCHEMY: (ours.postgres,)}.get(name, ())
        load = new_requests(server, paths, most_per_second=MOST_PER_SECOND)
        cases[name] = Case(load, server.cpu_seconds_with(*others))
    return cases


def _latencies(ports: dict[str, int], paths: Iterator[str], searches: int) -> Latencies:
    taken: Latencies = {name: [] for name in ports}
    with ExitStack() as stacked, progress_bar() as progress:
        askers = {
            name: _ask_groonga(port)
            if name == GROONGA
            else stacked.enter_context(Connection(port)).ask
            for name, port in ports.items()
        }
        total = WARM_UP_SEARCHES + searches
        for number in progress.track(range(total), description="Searches of one client"):
            # Another service goes first each time: the second finds the pages in memory.
            names = list(askers)
            first = number % len(names)
            path = next(paths)
            for name in names[first:] + names[:first]:
                seconds = _seconds(askers[name], path)
                if number >= WARM_UP_SEARCHES:
                    taken[name].append(seconds)
    return taken


def _ask_groonga(port: int) -> Callable[[str], Answer]:
    """Groonga's server ends each connection with its answer."""

    def ask(path: str) -> Answer:
        with Connection(port) as client:
            return client.ask(groonga.path_of(path))

    return ask


def _seconds(ask: Callable[[str], Answer], path: str) -> float:
    began = time.perf_counter()
    answer = ask(path)
    taken = time.perf_counter() - began
    if answer.status != HTTPStatus.OK:
        raise RuntimeError(f"{path} was answered with {answer.status}")
    return taken


def _table(found: dict[str, Rounds], latencies: Latencies) -> Table:
    table = Table(
        "Service", "ms CPU a search", "searches/s", "p50 ms, one client", "p99", show_edge=False
    )
    for name, rounds in found.items():
        percentiles = statistics.quantiles(latencies[name], n=100)
        table.add_row(
            name,
            f"{rounds.milliseconds:.2f}",
            f"{statistics.median(rounds.rates):,.0f}",
            f"{percentiles[49] * 1e3:.2f}",
            f"{percentiles[98] * 1e3:.2f}",
        )
    return table


def _figures(found: dict[str, Rounds], latencies: Latencies) -> list[Figure]:
    ours, rival, engine = found[OURS], found[SQLALCHEMY], found[TANTIVY]
    p50 = {name: statistics.median(seconds) for name, seconds in latencies.items()}
    rates = f"{statistics.median(ours.rates):,.0f} / {statistics.median(rival.rates):,.0f} a second"
    times = f"{p50[OURS] * 1e3:.2f} / {p50[SQLALCHEMY] * 1e3:.2f} ms"
    return [
        Figure(
            f"uncached mix: CPU / {SQLALCHEMY}",
            ours.cost_ratio(rival),
            "at most",
            0.45,
            detail=ours.detail(rival),
        ),
        Figure(
            f"uncached mix: throughput / {SQLALCHEMY}",
            ours.rate_ratio(rival),
            "at least",
            2.2,
            "x",
            rates,
        ),
        Figure(
            f"uncached mix: CPU / {TANTIVY}",
            ours.cost_ratio(engine),
            "at most",
            4,
            "x",
            ours.detail(engine),
        ),
        Figure(
            f"two plain words, one client: p50 / {SQLALCHEMY}",
            p50[OURS] / p50[SQLALCHEMY],
            "at most",
            1,
            "x",
            times,
        ),
    ]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
