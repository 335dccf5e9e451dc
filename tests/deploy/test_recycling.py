"""Workers are replaced under load, and no request is lost."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.gunicorn_server import SLOW_SERVICE, RunningServer, running_server, until
from tests.deploy.load_client import Load, Outcome

pytestmark = [pytest.mark.server, pytest.mark.slow]

SHORT_LIVES = {
    "WEB_CONCURRENCY": "3",
    "MAX_REQUESTS": "300",
    "MAX_REQUESTS_JITTER": "100",
    "KEEPALIVE": "2",
}
LONG_LIVES = {"WEB_CONCURRENCY": "2", "MAX_REQUESTS": "0", "KEEPALIVE": "2"}
SECONDS = 120
ENDED = "worker.finished"


def load_during(server: RunningServer, action: Callable[[], None]) -> Outcome:
    """Run `action` under load."""
    load = Load(server.port, seconds=SECONDS)
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(lambda: asyncio.run(load.run()))
        try:
            until(lambda: load.outcome.answered > 100)
            action()
        finally:
            load.finish()
        return running.result()


def wait_for_recycled(server: RunningServer, event: str, number: int) -> None:
    """Wait until `number` different workers have logged `event`."""
    until(
        lambda: len({line["pid"] for line in server.log.named(event)}) >= number,
        seconds=SECONDS / 2,
    )


def test_recycling_loses_no_request() -> None:
    with running_server(SHORT_LIVES, application=SLOW_SERVICE) as server:
        outcome = load_during(server, lambda: wait_for_recycled(server, "worker.recycled", 5))
        problems = server.log.at_least("warning")
    assert outcome.lost == {}
    assert outcome.closes_announced > 0
    assert problems == []


def test_workers_are_recycled_one_at_a_time() -> None:
    """All reach max_requests together; if all were recycled at once, nobody would accept."""
    with running_server(SHORT_LIVES, application=SLOW_SERVICE) as server:
        load_during(server, lambda: wait_for_recycled(server, ENDED, 3))
        lines = [line for line in server.log.lines() if line["event"] in ("worker.recycled", ENDED)]
    for before, line in pairwise(lines):
        if line["event"] == "worker.recycled":
            assert before["event"] == ENDED


def test_reload_replaces_the_workers_and_loses_no_request() -> None:
    with running_server(LONG_LIVES, application=SLOW_SERVICE) as server:
        before = set(server.workers())

        def reload() -> None:
            server.signal(signal.SIGHUP)
            until(lambda: before.isdisjoint(server.workers()), reason=server.log.text)

        outcome = load_during(server, reload)
        until(lambda: len(server.workers()) == 2)
        problems = server.log.at_least("warning")
    assert outcome.lost == {}
    assert problems == []


def test_a_worker_that_is_terminated_alone_loses_no_request() -> None:
    with running_server(LONG_LIVES, application=SLOW_SERVICE) as server:
        first = server.workers()[0]

        def terminate() -> None:
            os.kill(first, signal.SIGTERM)
            until(lambda: first not in server.workers(), reason=server.log.text)

        outcome = load_during(server, terminate)
    assert outcome.lost == {}


def test_a_killed_worker_is_replaced() -> None:
    with running_server(LONG_LIVES, application=SLOW_SERVICE) as server:
        first, second = server.workers()
        os.kill(first, signal.SIGKILL)
        until(lambda: len({*server.workers()} - {first}) == 2, reason=server.log.text)
        until(lambda: len(server.log.named("Application startup complete.")) == 3)
        assert second in server.workers()
        assert server.get("/pid")[0] == 200


def test_a_failed_replacement_does_not_end_the_service(tmp_path: Path) -> None:
    fault = tmp_path / "fault"
    application = f"tests.deploy.slow_service:create({str(fault)!r})"
    with running_server(LONG_LIVES, application=application) as server:
        fault.touch()
        first, second = server.workers()
        os.kill(first, signal.SIGKILL)
        until(lambda: len(server.log.named("no database")) >= 2, reason=server.log.text)
        assert server.get("/pid") == (200, str(second).encode())
        fault.unlink()
        until(lambda: len(server.log.named("Application startup complete.")) == 3)
        assert server.get("/pid")[0] == 200


def ask(connection: socket.socket, worker: int) -> bytes:
    """The response to /pid on this connection, which `worker` has to send."""
    connection.sendall(b"GET /pid HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while not answer.endswith(f"\r\n\r\n{worker}".encode()):
        data = connection.recv(65_536)
        assert data, answer
        answer += data
    return answer


def test_a_recycled_worker_waits_for_requests_on_accepted_connections() -> None:
    settings = {
        "WEB_CONCURRENCY": "1",
        "MAX_REQUESTS": "5",
        "MAX_REQUESTS_JITTER": "0",
        "KEEPALIVE": "8",
    }
    with running_server(settings, application=SLOW_SERVICE) as server, ExitStack() as stack:
        (worker,) = server.workers()
        early = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            for _ in range(20)
        ]
        while not server.log.named("worker.recycled"):
            assert b"HTTP/1.1 200 OK" in ask(early[0], worker)
        until(lambda: server.log.named("worker.stopped_accepting"))
        for connection in early[1:]:
            answer = ask(connection, worker)
            assert b"HTTP/1.1 200 OK" in answer
            assert b"\r\nconnection: close\r\n" in answer


def test_workers_end_when_their_arbiter_is_killed() -> None:
    """Otherwise they would hold the port, and the next start would fail."""
    with running_server(LONG_LIVES, application=SLOW_SERVICE) as server:
        workers = server.workers()
        server.signal(signal.SIGKILL)
        server.wait()
        until(lambda: len(server.log.named("worker.finished")) == len(workers))
        assert len(server.log.named("arbiter.lost")) == len(workers)
