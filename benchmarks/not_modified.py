"""CPU of an answer that the client still has (304), as a ratio to a bare ASGI hello.

    python -m benchmarks.not_modified [--quick]

The whole stack under gunicorn with one worker and limits off, 32 connections that send the ETag of
an earlier answer. Only the CPU of the worker counts.
"""

import sys
from collections.abc import Callable, Sequence
from http import HTTPStatus

from benchmarks.cached_search import PATH, ROWS, case
from benchmarks.catalogues import catalogue
from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, NotMeasuredError, run
from benchmarks.load import Connection, Load, closed_loop
from benchmarks.servers import Server, api, hello


def _load(server: Server) -> Callable[[float], Load]:
    def load(seconds: float) -> Load:
        with Connection(server.port) as connection:
            etag = connection.ask(PATH).headers.get("etag")
            if etag is None:
                raise NotMeasuredError("the search answers without an ETag")
            headers = {"If-None-Match": etag}
            done = closed_loop(server.port, [PATH], seconds=seconds, headers=headers)
            # The report of wrk does not distinguish 304 from 200.
            if connection.ask(PATH, headers=headers).status != HTTPStatus.NOT_MODIFIED:
                raise NotMeasuredError("the search does not answer 304 to its own ETag")
        return done

    return load


def measure(*, quick: bool) -> Sequence[Figure]:
    with catalogue(ROWS) as awards, hello() as bare, api(awards.url) as server:
        cases = {
            "hello": case(bare, "/"),
            "304": Case(_load(server), server.worker_cpu_seconds),
        }
        found = in_turn(cases, quick=quick)
    ratio = found["hello"].cost_ratio(found["304"])
    detail = found["hello"].detail(found["304"])
    goal = "304 Not Modified, limits off: CPU of hello / of the worker"
    return [Figure(goal, ratio, "at least", 0.50, detail=detail)]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
