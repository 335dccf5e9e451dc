"""The `dev` command from outside: a process, its output, its signals."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

pytestmark = [pytest.mark.server, pytest.mark.slow]

COMMAND = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import psycopg
    from scholarship_api.devserver import supervisor
    from scholarship_api.settings.settings import load_settings

    def connect():
        url = load_settings().database_url.get_secret_value()
        return psycopg.connect(url.replace("+psycopg", ""))

    def migrate():
        with connect() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz)")

    def load():
        with connect() as connection:
            connection.execute("INSERT INTO starts VALUES (now())")
            return connection.execute("SELECT count(*) FROM starts").fetchone()[0]

    supervisor.PACKAGE = Path("watched").absolute()
    sys.exit(
        supervisor.run(
            port=int(sys.argv[1]),
            state_dir=Path("state"),
            reload="reload" in sys.argv,
            migrate=migrate,
            load_bundled_catalogue=load,
            app="watched.application:create_app",
        )
    )
    """
)

APPLICATION = textwrap.dedent(
    """
    import asyncio, os

    def create_app():
        async def application(scope, receive, send):
            if scope["type"] == "lifespan":
                while True:
                    event = (await receive())["type"]
                    await send({"type": event + ".complete"})
                    if event == "lifespan.shutdown":
                        print("lifespan ended", flush=True)
                        return
            if scope["path"] == "/slow":
                await asyncio.sleep(1)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first"})

        return application
    """
)


def processes_in(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


class Run:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.output = ""

    def read_until(self, text: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"ended without {text!r}:\n{self.output}")

    def read_all(self) -> None:
        assert self.process.stdout
        self.output += self.process.stdout.read()
        self.process.wait()

    @property
    def url(self) -> str:
        return self.output.partition("  API          ")[2].split("\n", 1)[0]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "application.py").write_text(APPLICATION)
    return tmp_path


@contextmanager
def started(
    project: Path, *arguments: str, environment: dict[str, str] | None = None
) -> Iterator[Run]:
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *(arguments or ("0",))],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Run(process)
        finally:
            process.kill()


def test_second_start_keeps_the_data_and_signals_stop_everything(project: Path) -> None:
    with started(project) as run:
        run.read_until("Ready")
        assert httpx.get(run.url).text == "first"
        assert "1 scholarships loaded" in run.output
        assert f"curl '{run.url}/api/v1/search?q=engneering'" in run.output
        os.killpg(run.process.pid, signal.SIGINT)  # as a terminal does
        run.read_all()
    assert run.process.returncode == 0
    assert run.output.endswith("lifespan ended\nStopped. The data stays for the next start.\n")
    assert not processes_in(project)

    with started(project, "0", "reload") as run:
        run.read_until("Ready")
        assert "2 scholarships loaded" in run.output
        run.process.terminate()
        run.read_all()
    assert run.process.returncode == 0
    assert run.output.endswith("lifespan ended\nStopped. The data stays for the next start.\n")
    assert not processes_in(project)


def test_changed_source_is_served_and_a_killed_command_leaves_nothing(project: Path) -> None:
    source = project / "watched" / "application.py"
    with started(project, "0", "reload") as run:
        run.read_until("Ready")
        source.write_text("this is no Python")
        run.read_until("starts again when a source file changes")
        source.write_text(APPLICATION.replace("first", "second"))
        run.read_until("Reloaded")
        assert httpx.get(run.url).text == "second"
        run.process.kill()
        run.process.wait()
        end = time.monotonic() + 10
        while processes_in(project) and time.monotonic() < end:
            time.sleep(0.02)
    assert not processes_in(project)


def test_taken_port(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with started(project, str(port)) as run:
            run.read_all()
    assert run.process.returncode == 1
    assert f"Port {port} of 127.0.0.1 is not available" in run.output
    assert f"PORT={port + 1} make run" in run.output
    assert not (project / "state").exists()


@pytest.mark.parametrize("place", ["process environment", ".env"])
def test_given_servers_are_used(
    project: Path, scratch_database_url: str, redis_url: str, place: str
) -> None:
    given = {"DATABASE_URL": scratch_database_url, "RATE_LIMIT_BACKEND_URL": redis_url}
    if place == ".env":
        (project / ".env").write_text("".join(f"{name}='{url}'\n" for name, url in given.items()))
        given = {}
    with started(project, environment=given) as run:
        run.read_until("Ready")
        assert "yours, from DATABASE_URL" in run.output
        assert "yours, from RATE_LIMIT_BACKEND_URL" in run.output
        assert not (project / "state" / "postgres").exists()
        run.process.terminate()
        run.read_all()
    assert run.process.returncode == 0


def test_application_that_does_not_start(
    project: Path, scratch_database_url: str, redis_url: str
) -> None:
    (project / "watched" / "application.py").write_text("raise RuntimeError('no settings')")
    given = {"DATABASE_URL": scratch_database_url, "RATE_LIMIT_BACKEND_URL": redis_url}
    with started(project, environment=given) as run:
        run.read_all()
    assert run.process.returncode == 1
    assert "RuntimeError: no settings" in run.output
    assert "The application ended with exit code 1" in run.output
