"""CPU of a frequent search right after a write that cannot have changed its answer.

    python -m benchmarks.hot_after_write [--quick]

One client asks the same search again and again. Before each request another award is changed, one
that has none of the words of the search. What the writes alone cost PostgreSQL is measured as well
and subtracted; the rest, with all that workers do about the writes, is compared with the same
search without writes. The CPU of workers, PostgreSQL and Redis counts.

Every request comes after the same pause: servers that have been idle for some milliseconds need up
to twice the CPU for it.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from itertools import count
from typing import Any, Final

import psycopg

from benchmarks.cpu import Case, Rounds, in_turn
from benchmarks.goals import Figure, run
from benchmarks.load import Connection, Load
from benchmarks.processes import tree_cpu_seconds
from benchmarks.queries import search
from benchmarks.servers import Server
from benchmarks.stacks import OURS, stack

ROWS: Final = 100_000
WORDS: Final = "nursing scholarship"
PATH: Final = search(q=WORDS)
WANTED: Final = 3
PAUSE_SECONDS: Final = 0.005
"""Pause before each request and after each write."""

_OTHER_AWARDS: Final = """
SELECT id FROM scholarships
WHERE status = 'published' AND NOT search_vector @@ plainto_tsquery('english', 'nursing')
    AND NOT 'nursing' = ANY (fields_of_study) AND fields_of_study <> '{}'
ORDER BY id LIMIT 1000
"""
_CHANGE: Final = "UPDATE scholarships SET max_awards = %s WHERE id = %s"


def _writes(connection: "psycopg.Connection[Any]") -> Iterator[None]:
    """Change one award after another, each by one commit."""
    ids = [row[0] for row in connection.execute(_OTHER_AWARDS).fetchall()]
    for number in count(1):
        connection.execute(_CHANGE, [number % 1000 + 1, ids[number % len(ids)]])
        yield


def _loop(
    server: Server, writes: Iterator[None] | None, *, searching: bool
) -> Callable[[float], Load]:
    """Write, search, or both in turn. A request of the load is one turn."""

    def load(seconds: float) -> Load:
        began = time.monotonic()
        turns = failed = 0
        with Connection(server.port) as client:
            while time.monotonic() < began + seconds:
                if writes is not None:
                    next(writes)
                time.sleep(PAUSE_SECONDS)
                if searching:
                    failed += client.ask(PATH).status != HTTPStatus.OK
                turns += 1
        return Load(turns, failed, seconds)

    return load


def measure(*, quick: bool) -> Sequence[Figure]:
    with stack(ROWS, before=False) as one, one.awards.connect() as connection:
        server = one.servers[OURS]
        everything = server.cpu_seconds_with(*one.others)
        writes = _writes(connection)
        cases = {
            "cached": Case(_loop(server, None, searching=True), everything),
            "writes": Case(
                _loop(server, writes, searching=False), lambda: tree_cpu_seconds([one.postgres])
            ),
            "both": Case(_loop(server, writes, searching=True), everything),
        }
        found = in_turn(cases, quick=quick)
    ratio = _after_write(found).cost_ratio(found["cached"])
    detail = _after_write(found).detail(found["cached"])
    goal = "frequent search after an unrelated write: CPU / cached"
    return [Figure(goal, ratio, "at most", WANTED, "x", detail)]


def _after_write(found: dict[str, Rounds]) -> Rounds:
    """The searches of the turns that also write."""
    costs = zip(found["both"].costs, found["writes"].costs, strict=True)
    return Rounds(tuple(both - write for both, write in costs), found["both"].rates)


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
