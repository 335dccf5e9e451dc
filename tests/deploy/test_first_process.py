"""As the first process of a container, the service ends at every signal, from its start on.

The kernel drops a signal to the first process of a PID namespace unless the process handles or
blocks it. `unshare` makes such a namespace.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.gunicorn_server import REPOSITORY, environment, free_port, until

pytestmark = [pytest.mark.server, pytest.mark.slow]

NAMESPACE: Final = ["unshare", "--pid", "--fork", "--mount-proc"]
COMMAND: Final = ("scholarship-api", "start")
END_SECONDS: Final = 60
STAGE_SECONDS: Final = 120
"""For one stage of the start, on a machine with much other work."""


class FirstProcess:
    """A command as process 1 of a namespace; `pid` is its number outside of it."""

    def __init__(self, outer: "subprocess.Popen[bytes]", log: Path) -> None:
        self._outer = outer
        self._log = log
        self.pid = self._inner_pid()

    def _inner_pid(self) -> int:
        def child() -> str:
            return Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text()

        until(child, seconds=STAGE_SECONDS)
        [pid] = child().split()
        command_line = Path(f"/proc/{pid}/cmdline")
        until(lambda: NAMESPACE[0].encode() not in command_line.read_bytes(), seconds=STAGE_SECONDS)
        return int(pid)

    def log(self) -> str:
        return self._log.read_text()

    def heeds_sigterm(self) -> bool | None:
        """Whether SIGTERM is handled or blocked; None when the process has ended."""
        with suppress(OSError):
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            masks = dict(line.split(":\t") for line in lines if line.startswith("Sig"))
            bit = 1 << (signal.SIGTERM - 1)
            return bool((int(masks["SigCgt"], 16) | int(masks["SigBlk"], 16)) & bit)
        return None

    def terminate(self) -> int:
        """Send SIGTERM; the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self._outer.wait(END_SECONDS)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._outer.wait(END_SECONDS)


@contextmanager
def first_process(
    settings: dict[str, str], folder: Path, command: Sequence[str] = COMMAND
) -> Iterator[FirstProcess]:
    log = folder / "log"
    with log.open("wb") as file:
        outer = subprocess.Popen(
            [*NAMESPACE, *command],
            env=environment(settings, free_port()),
            cwd="/",
            stdout=file,
            stderr=file,
        )
    process = FirstProcess(outer, log)
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture
def settings(scratch_database_url: str, redis_url: str) -> dict[str, str]:
    return {"DATABASE_URL": scratch_database_url, "RATE_LIMIT_BACKEND_URL": redis_url}


def test_sigterm_is_heeded_at_every_moment_of_the_start(
    settings: dict[str, str], tmp_path: Path
) -> None:
    with first_process(settings, tmp_path) as process:
        until(process.heeds_sigterm, seconds=STAGE_SECONDS)
        samples = 0
        end = time.monotonic() + STAGE_SECONDS
        while process.log().count("Application startup complete") < 2:
            assert process.heeds_sigterm(), process.log()
            assert time.monotonic() < end
            samples += 1
        assert samples > 500


@pytest.mark.parametrize(
    "event",
    [
        "prestart.reached",
        "Running upgrade",
        "prestart.finished",
        "gunicorn.started",
        "Starting gunicorn",
        "Listening at",
        "Booting worker",
        "Started server process",
        "Application startup complete",
    ],
)
def test_sigterm_ends_each_stage_of_the_start(
    settings: dict[str, str], tmp_path: Path, event: str
) -> None:
    with first_process(settings, tmp_path) as process:
        until(lambda: event in process.log(), seconds=STAGE_SECONDS, reason=process.log)
        assert process.terminate() in {0, 128 + signal.SIGTERM}


def test_sigterm_ends_the_import_of_the_command(settings: dict[str, str], tmp_path: Path) -> None:
    with first_process(settings, tmp_path) as process:
        until(process.heeds_sigterm, seconds=STAGE_SECONDS)
        assert process.terminate() == 128 + signal.SIGTERM


def test_the_command_of_the_image_handles_signals_before_it_imports_a_file(tmp_path: Path) -> None:
    """`site` is the first module that Python imports from a file, and it imports sitecustomize."""
    reached = tmp_path / "reached"
    (tmp_path / "sitecustomize.py").write_text(
        f"import pathlib, time; pathlib.Path({str(reached)!r}).touch(); time.sleep(60)"
    )
    entry_point = REPOSITORY / "deploy" / "image" / "entrypoint.py"
    [first_line, *_] = entry_point.read_text().splitlines()
    options = first_line.split()[1:]
    command = (sys.executable, *options, str(entry_point), "start")
    with first_process({"PYTHONPATH": str(tmp_path)}, tmp_path, command) as process:
        until(reached.exists, seconds=STAGE_SECONDS, reason=process.log)
        assert process.terminate() == 128 + signal.SIGTERM
