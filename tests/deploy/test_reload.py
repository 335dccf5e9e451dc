"""SIGHUP: the workers are replaced while the service goes on, or ends."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.deploy.gunicorn_server import RunningServer, running_server, until
from tests.deploy.test_shutdown import ask_slowly

pytestmark = [pytest.mark.server, pytest.mark.slow]

PROBES = 40
GRACEFUL_SECONDS = 6
SETTINGS = {
    "WEB_CONCURRENCY": "2",
    "KEEPALIVE": "2",
    "GRACEFUL_TIMEOUT": str(GRACEFUL_SECONDS),
    "TERMINATION_GRACE_PERIOD": "10",
}


@contextmanager
def reloading(obstacle: Path, *, delay: int = 0) -> Iterator[tuple[RunningServer, list[int]]]:
    """A server and its old workers; their successors start when `obstacle` is removed."""
    application = f"tests.deploy.slow_service:create_when_gone({str(obstacle)!r})"
    settings = SETTINGS | {"SHUTDOWN_DELAY": str(delay)}
    with running_server(settings, application=application) as server:
        before = server.workers()
        obstacle.touch()
        server.signal(signal.SIGHUP)
        until(lambda: len(server.workers()) == 4, reason=server.log.text)
        yield server, before


def test_readiness_holds_while_the_successors_start(tmp_path: Path) -> None:
    obstacle = tmp_path / "obstacle"
    with reloading(obstacle) as (server, before):
        seen = set()
        for _ in range(PROBES):
            # The arbiter repeats the signal after graceful_timeout.
            for pid in before:
                os.kill(pid, signal.SIGTERM)
            seen.add(server.get("/readyz")[0])
        obstacle.unlink()

        def replaced() -> bool:
            seen.add(server.get("/readyz")[0])
            return set(before).isdisjoint(server.workers())

        until(replaced, reason=server.log.text)
        assert seen == {200}
        assert server.log.at_least("warning") == []
        # The new workers know that SIGTERM is meant for them.
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_sigterm_during_a_reload_ends_all_workers_in_time(tmp_path: Path) -> None:
    """The arbiter handles no signal until its old workers have ended."""
    with reloading(tmp_path / "obstacle") as (server, _), ExitStack() as stack:
        quick = ask_slowly(server, 2, 2, stack)
        slow = ask_slowly(server, 60, 2, stack)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert [answer.result()[0] for answer in quick] == [200, 200]
        assert [answer.result()[0] for answer in slow] == [503, 503]
        assert server.wait() == 0
        assert time.monotonic() - began < GRACEFUL_SECONDS + 2
        assert "SIGKILL" not in server.log.text()


def test_sigterm_during_a_reload_keeps_the_shutdown_delay(tmp_path: Path) -> None:
    with reloading(tmp_path / "obstacle", delay=2) as (server, _):
        server.signal(signal.SIGTERM)
        until(lambda: server.get("/readyz")[0] == 503)
        assert server.get("/pid")[0] == 200
        assert server.wait(GRACEFUL_SECONDS + 2) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_sigint_during_a_reload_ends_all_workers(tmp_path: Path, number: signal.Signals) -> None:
    with reloading(tmp_path / "obstacle") as (server, _):
        server.signal(number)
        assert server.wait(GRACEFUL_SECONDS + 2) == 0


def test_replaced_workers_end_when_their_arbiter_is_killed(tmp_path: Path) -> None:
    obstacle = tmp_path / "obstacle"
    with reloading(obstacle) as (server, before):
        server.signal(signal.SIGKILL)
        server.wait()
        until(lambda: len(server.log.named("worker.finished")) == len(before))
        obstacle.unlink()
        until(lambda: len(server.log.named("worker.finished")) == 2 * len(before))
