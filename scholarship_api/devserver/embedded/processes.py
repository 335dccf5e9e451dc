"""Child processes that end with this process: finding, starting, awaiting and stopping them."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

from scholarship_api.devserver.embedded import launcher

START_TIMEOUT_SECONDS: Final = 60.0  # the recovery of a large catalogue after a crash takes long
STOP_TIMEOUT_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.01
LOG_TAIL_LINES: Final = 15

# Variables of the developer's shell that would change how the servers behave.
_FOREIGN_ENVIRONMENT: Final = re.compile(r"^(PG[A-Z_]+|LC_[A-Z]+|LANG|LANGUAGE)$")


class EmbeddedServerError(Exception):
    """An embedded server cannot be started; the message says what to do."""


def program(what: str, *, package: str, pattern: str, names: Sequence[str]) -> Path:
    """The program of an installed wheel, or else the first of `names` on PATH."""
    if found := in_wheel(package, pattern):
        return found
    for name in names:
        if on_path := shutil.which(name):
            return Path(on_path).resolve()
    raise EmbeddedServerError(
        f"No {what} found: neither the Python package {package} (in the `dev` group, installed by"
        f" `make run` and `uv sync`) nor {' or '.join(names)} on PATH. Install one of them, or set"
        " DATABASE_URL and RATE_LIMIT_BACKEND_URL to servers of your own."
    )


def in_wheel(package: str, pattern: str) -> Path | None:
    """An executable inside an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        for path in sorted(Path(folder).glob(pattern)):
            if os.access(path, os.X_OK):
                return path
    return None


def child_command(
    command: Sequence[str | Path], *, death_signal: signal.Signals, identity: str = "self"
) -> list[str]:
    """A command that runs `command`, which gets `death_signal` when this process ends (see
    launcher)."""
    return [
        *(sys.executable, "-I", "-S", launcher.__file__),
        *(str(os.getpid()), str(int(death_signal)), identity),
        *map(str, command),
    ]


def environment() -> dict[str, str]:
    """The environment of this process, without the variables that would change the servers."""
    kept = {k: v for k, v in os.environ.items() if not _FOREIGN_ENVIRONMENT.match(k)}
    return kept | {"LC_ALL": "C"}  # This locale always exists, and its messages can be recognised.


def start_child(
    command: Sequence[str],
    *,
    directory: Path,
    log: Path,
    lock: int,
    standard_input: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a server in `directory`. It overwrites `log` and inherits the descriptor `lock`."""
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603
            command,
            cwd=directory,
            env=environment(),
            stdin=standard_input,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal is meant for the application, which then stops its servers.
            start_new_session=True,
            pass_fds=(lock,),
        )


class Child(Protocol):
    """The part of subprocess.Popen that stopping a process needs."""

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


def stop_child(
    process: Child,
    stop_signal: signal.Signals,
    *,
    timeout: float = STOP_TIMEOUT_SECONDS,
) -> None:
    """End a child gracefully, or by SIGKILL after `timeout` seconds."""
    if process.poll() is None:
        try:
            process.send_signal(stop_signal)
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
        except BaseException:  # a second Ctrl-C: end at once
            process.kill()
            process.wait()
            raise
    process.wait()


def until_deadline() -> Iterator[None]:
    """Yield at short intervals until START_TIMEOUT_SECONDS have passed."""
    end = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < end:
        yield
        time.sleep(POLL_SECONDS)


def log_tail(log: Path) -> str:
    """The last lines of a log, indented."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"  | {line}" for line in lines[-LOG_TAIL_LINES:])


def failure(what: str, log: Path) -> EmbeddedServerError:
    """An error that shows the end of the log."""
    return EmbeddedServerError(f"{what}. The end of {log}:\n{log_tail(log)}")
