"""From nothing to serving: prestart, start, the scripts, and what they say when they cannot."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from scholarship_api.command_errors import EXIT_CONFIG
from scholarship_api.platform.database import revisions
from tests.deploy.gunicorn_server import (
    REPOSITORY,
    environment,
    free_port,
    running_server,
    until,
)

pytestmark = pytest.mark.server

START = str(REPOSITORY / "scripts/start.sh")
PRESTART = str(REPOSITORY / "scripts/prestart.sh")


def run(command: str, settings: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [command],
        env=environment(settings, port=free_port()),
        cwd=Path("/"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_sigterm_ends_a_start_that_waits() -> None:
    """Also as the first process of a container, which ignores SIGTERM without a handler."""
    with subprocess.Popen(
        [START],
        env=environment({}, port=free_port()),
        cwd=Path("/"),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        assert any("prestart.waiting" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


def applied_revisions(database_url: str) -> list[str]:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        return [row[0] for row in connection.execute("SELECT version_num FROM alembic_version")]


def test_replicas_that_race_all_end_at_the_head(scratch_database_url: str, redis_url: str) -> None:
    settings = {"DATABASE_URL": scratch_database_url, "RATE_LIMIT_BACKEND_URL": redis_url}
    finished: list[subprocess.CompletedProcess[str]] = []
    threads = [
        threading.Thread(target=lambda: finished.append(run(PRESTART, settings))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.returncode for process in finished] == [0, 0, 0]
    for process in finished:
        lines = [json.loads(line) for line in process.stderr.splitlines()]
        assert lines[-1]["event"] == "prestart.finished"
    assert applied_revisions(scratch_database_url) == [revisions.head()]


def test_a_worker_builds_all_routes_before_it_serves(database_url: str, redis_url: str) -> None:
    settings = {
        "DATABASE_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "WEB_CONCURRENCY": "1",
    }
    with running_server(settings) as server:
        [worker] = server.workers()
        assert server.get("/status")[0] == 200
        before = _resident_mib(worker)
        assert server.get("/unknown")[0] == 404  # compared with every route
        assert _resident_mib(worker) - before < 4  # the models of all routes take 11 MiB


def test_start_becomes_gunicorn_and_ends_with_0(scratch_database_url: str, redis_url: str) -> None:
    settings = {"DATABASE_URL": scratch_database_url, "RATE_LIMIT_BACKEND_URL": redis_url}
    with running_server(settings, command=[START]) as server:
        # The script, the command line and gunicorn are one process: signals arrive.
        assert b"gunicorn" in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        assert server.get("/healthz")[0] == 200
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert server.log.at_least("error") == []
        assert server.stdout() == ""
        until(lambda: _connections(scratch_database_url) == 0)


def _connections(database_url: str) -> int:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_bad_settings_are_refused_before_anything_else() -> None:
    finished = run(START, {"JWT_SECRET_KEY": "planted-secret", "DEBUG": "true"})
    assert finished.returncode == EXIT_CONFIG
    assert "JWT_SECRET_KEY" in finished.stderr
    assert "DEBUG" in finished.stderr
    assert "planted-secret" not in finished.stderr + finished.stdout


def test_gunicorn_alone_refuses_bad_settings() -> None:
    with running_server({"JWT_SECRET_KEY": "planted-secret"}, wait_until_ready=False) as server:
        assert server.wait() == EXIT_CONFIG
        assert "JWT_SECRET_KEY" in server.log.text()
        assert "planted-secret" not in server.log.text()


def test_the_scripts_hold_no_work() -> None:
    for path in (START, PRESTART):
        code = [line for line in Path(path).read_text().splitlines() if not line.startswith("#")]
        assert len(code) == 1
        assert code[0].startswith("exec scholarship-api ")
        assert os.access(path, os.X_OK)


def _resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
