"""The quick start works word for word in a clone, with Python, git and make as the only programs.

It needs the package index that uv and pip are configured for, and is skipped without it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from tests.container.engine import free_port, new_checkout
from tests.devserver.test_supervisor import processes_in
from tests.docs.outputs import matches
from tests.docs.pages import ROOT, section

pytestmark = [pytest.mark.server, pytest.mark.slow]

COMMANDS: Final = [command.text for command in section("README.md", "Quick start").commands]
FIRST_OF_THE_TOUR: Final = section("README.md", "A tour").commands[0]
START_SECONDS: Final = 300.0
"""Deadline for `make run` to serve; most of it is downloading packages."""

TEST_SECONDS: Final = 300.0
"""Deadline for `make test` with SELECTION."""

STOP_SECONDS: Final = 30.0
"""Deadline for the end of `make run` after Ctrl-C."""

UNREACHABLE: Final = re.compile(
    "No matching distribution found for uv|Failed to (fetch|download)|error sending request"
)

PROGRAMS: Final = ("sh", "git", "make", "awk", "sed", "env")
COREUTILS: Final = ("cat", "cp", "chmod", "dirname", "ls", "mkdir", "mv", "rm", "touch", "uname")
SELECTION: Final = "tests/test_errors.py tests/catalogue/bulk/test_formats.py"
"""The tests that `make test` runs in the clone. All of them would include this test again."""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A PATH with only the programs that the quick start requires."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in (*PROGRAMS, *COREUTILS):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        (folder / name).symlink_to(found)
    python = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    check = subprocess.run(
        [python, "-c", "import venv, ensurepip"], capture_output=True, check=False
    )
    if check.returncode != 0:
        pytest.skip("this Python has no venv or no ensurepip")
    # A script and not a link, because Python would look for its library next to the link.
    (folder / "python3").write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    (folder / "python3").chmod(0o755)
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout of git")
    path = tmp_path / "clone"
    yield new_checkout(path).path
    shutil.rmtree(path)


@pytest.fixture
def environment(programs: Path) -> dict[str, str]:
    """A fresh environment, with the machine's configuration of the package index."""
    kept = ("HOME", "LANG", "TMPDIR", "PIP_", "UV_", "SSL_", "REQUESTS_", "HTTP", "NO_PROXY")
    return {
        "PATH": str(programs),
        **{
            name: value
            for name, value in os.environ.items()
            if name.upper().startswith(kept) and name != "UV_PROJECT_ENVIRONMENT"
        },
    }


def test_the_quick_start_is_two_commands() -> None:
    assert COMMANDS == ["make run", "make test"]


def test_the_commands_work_word_for_word(clone: Path, environment: dict[str, str]) -> None:
    serves_and_stops(clone, environment)
    passes_tests(clone, environment)


def serves_and_stops(clone: Path, environment: dict[str, str]) -> None:
    port = free_port()
    log = clone.parent / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", COMMANDS[0]],
            cwd=clone,
            env={**environment, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + START_SECONDS
        while "Ready after" not in log.read_text():
            if process.poll() is not None and UNREACHABLE.search(log.read_text()):
                pytest.skip("the package index cannot be reached")
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        assert "Getting uv" in log.read_text(), "a uv of the machine was used"
        address = f"http://127.0.0.1:{port}"
        assert ask(f"curl {address}/healthz") == '{"status":"ok"}'
        first = FIRST_OF_THE_TOUR.text.replace("http://127.0.0.1:8000", address)
        assert FIRST_OF_THE_TOUR.shown is not None
        assert matches(FIRST_OF_THE_TOUR.shown, ask(first))

        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        # make ends with the signal that ended its command.
        assert process.wait(STOP_SECONDS) in {0, -signal.SIGINT}
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert "Stopped. The data stays for the next start." in log.read_text()
    assert not processes_in(clone)


def passes_tests(clone: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["sh", "-c", COMMANDS[1]],
        cwd=clone,
        env={**environment, "PYTEST_ADDOPTS": SELECTION},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert " passed in " in done.stdout
    assert not processes_in(clone)


def ask(command: str) -> str:
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout
