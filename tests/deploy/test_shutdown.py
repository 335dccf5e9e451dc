"""SIGTERM: requests in progress are finished, then everything is closed."""

import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final, LiteralString

import psycopg
import pytest

from tests.deploy.gunicorn_server import SLOW_SERVICE, RunningServer, running_server, until

pytestmark = [pytest.mark.server, pytest.mark.slow]

Answer = Future[tuple[int, bytes]]

WAITING: Final = """
SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'scholarships'::regclass
"""
CONNECTED: Final = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'scholarship-api' AND datname = current_database()
"""


def ask_slowly(server: RunningServer, seconds: float, count: int, stack: ExitStack) -> list[Answer]:
    """`count` requests that take `seconds`; returns when all are in progress."""
    threads = stack.enter_context(ThreadPoolExecutor(count))
    answers = [
        threads.submit(server.get, f"/slow?seconds={seconds}", timeout=30) for _ in range(count)
    ]
    until(lambda: len(server.log.named("slow.started")) >= count, reason=server.log.text)
    return answers


def test_twenty_requests_in_flight_complete() -> None:
    warnings = {"PYTHONWARNINGS": "always::ResourceWarning"}
    with running_server(warnings, application=SLOW_SERVICE) as server, ExitStack() as stack:
        answers = ask_slowly(server, 2, 20, stack)
        server.signal(signal.SIGTERM)
        until(lambda: len(server.log.named("worker.stopped_accepting")) == 2)
        with pytest.raises(ConnectionRefusedError):
            server.get("/pid")
        assert [answer.result()[0] for answer in answers] == [200] * 20
        assert server.wait() == 0
        for event in (
            "work.cancelled",
            "background_tasks.closed",
            "service.closed",
            "Application shutdown complete.",
            "worker.finished",
        ):
            assert len(server.log.named(event)) == 2, event
        assert len(server.log.starting("Worker exiting")) == 2
        assert server.log.lines()[-1]["event"] == "Shutting down: Master"
        assert server.log.at_least("warning") == []
        assert "ResourceWarning" not in server.log.text()
        assert server.stdout() == ""


def test_an_idle_server_ends_at_once() -> None:
    with running_server(application=SLOW_SERVICE) as server:
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert [line["seconds"] < 2 for line in server.log.named("worker.finished")] == [True, True]


def test_requests_that_do_not_end_in_time_are_aborted_and_logged() -> None:
    times = {"GRACEFUL_TIMEOUT": "4", "TERMINATION_GRACE_PERIOD": "10"}
    with running_server(times, application=SLOW_SERVICE) as server, ExitStack() as stack:
        answers = ask_slowly(server, 60, 3, stack)
        server.signal(signal.SIGTERM)
        assert [answer.result()[0] for answer in answers] == [503] * 3
        assert server.wait() == 0
        assert len(server.log.named("request.cut_off")) == 3
        assert {line["level"] for line in server.log.named("request.cut_off")} == {"error"}
        # The lifespan still had its time: gunicorn has killed no worker.
        assert len(server.log.named("service.closed")) == 2
        assert server.log.named("tasks.left") == []
        assert "SIGKILL" not in server.log.text()


def test_a_hanging_lifespan_is_aborted_and_logged() -> None:
    application = "tests.deploy.slow_service:create('shutdown')"
    with running_server(application=application) as server:
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert len(server.log.named("closing.cut_off")) == 2


def test_during_the_delay_readiness_fails_and_accepting_goes_on() -> None:
    with running_server({"SHUTDOWN_DELAY": "3"}, application=SLOW_SERVICE) as server:
        assert server.get("/readyz")[0] == 200
        server.signal(signal.SIGTERM)
        until(lambda: server.get("/readyz")[0] == 503)
        assert server.get("/healthz")[0] == 200
        assert server.log.named("worker.stopped_accepting") == []
        assert server.wait() == 0
        assert server.log.at_least("warning") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_sigint_skips_the_delay(number: signal.Signals) -> None:
    times = {"SHUTDOWN_DELAY": "20"}
    with running_server(times, application=SLOW_SERVICE) as server:
        began = time.monotonic()
        server.signal(number)
        assert server.wait() == 0
        assert time.monotonic() - began < 10
        assert len(server.log.named("service.closed")) == 2


def test_a_failing_lifespan_ends_the_start() -> None:
    application = "tests.deploy.slow_service:create('startup')"
    with running_server(application=application, wait_until_ready=False) as server:
        assert server.wait() == 3
        assert server.log.named("no database")
        assert server.log.lines()[-1]["event"] == "Reason: Worker failed to boot."


def test_an_application_that_cannot_be_made_ends_the_start() -> None:
    application = "tests.deploy.slow_service:fail()"
    with running_server(application=application, wait_until_ready=False) as server:
        assert server.wait() == 3
        assert server.log.named("worker.failed")
        assert server.stdout() == ""


def test_the_application_leaves_nothing_behind_in_postgresql(production: dict[str, str]) -> None:
    """Twenty requests wait for a table that is locked when SIGTERM arrives."""
    settings = production | {
        "PYTHONWARNINGS": "always::ResourceWarning",
        "RATE_LIMIT_ELIGIBILITY": "30/minute",
    }
    url = production["DATABASE_URL"].replace("+psycopg", "")
    with (
        psycopg.connect(url, autocommit=True) as watcher,
        running_server(settings) as server,
        ThreadPoolExecutor(20) as threads,
    ):

        def number(statement: LiteralString) -> int:
            row = watcher.execute(statement).fetchone()
            assert row is not None
            return int(row[0])

        before = number(CONNECTED)
        with psycopg.connect(url) as lock:
            lock.execute("LOCK TABLE scholarships IN ACCESS EXCLUSIVE MODE")
            path = "/api/v1/scholarships/unknown"  # read from the table, for each request
            answers = [threads.submit(server.get, path, timeout=30) for _ in range(20)]
            until(lambda: number(WAITING) >= 10)
            assert number(CONNECTED) > before
            server.signal(signal.SIGTERM)
            until(lambda: len(server.log.named("worker.stopped_accepting")) == 2)
        assert [answer.result()[0] for answer in answers] == [404] * 20
        assert server.wait() == 0
        for event in ("rate_limiter.closed", "database.closed", "worker.finished"):
            assert len(server.log.named(event)) == 2, event
        for sign in ("ResourceWarning", "was destroyed but it is pending", "never awaited"):
            assert sign not in server.log.text()
        assert server.log.at_least("error") == []
        until(lambda: number(CONNECTED) == 0)
