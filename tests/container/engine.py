"""The command line of Docker, and checkouts to build from."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REPOSITORY: Final = Path(__file__).parents[2]
BUILD_SECONDS: Final = 900.0
COMMAND_SECONDS: Final = 120.0
ACCEPTANCE_SECONDS: Final = 300.0
ORIGIN: Final = "https://app.example.org"
CANARY: Final = f"canary-{secrets.token_hex(16)}"
PROJECT: Final[dict[str, Any]] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())


def docker(*arguments: str, stdin: bytes = b"", seconds: float = COMMAND_SECONDS) -> str:
    """The output of `docker ...`; fails with its error message."""
    done = subprocess.run(
        ["docker", *arguments], input=stdin, capture_output=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"docker {arguments}: {done.stderr.decode()[-4000:]}"
    return done.stdout.decode().strip()


def logs(container: str) -> str:
    """The standard error of a container, to which the service logs."""
    done = subprocess.run(["docker", "logs", container], capture_output=True, check=True)
    return done.stderr.decode()


def inspect(name: str) -> dict[str, Any]:
    [found] = json.loads(docker("inspect", name))
    assert isinstance(found, dict)
    return found


def why_no_engine() -> str | None:
    """The reason why these tests cannot run here, or None."""
    try:
        for arguments in (["info"], ["buildx", "version"], ["compose", "version"]):
            subprocess.run(["docker", *arguments], capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return "no container engine with buildx and compose answers here: nothing is shown"
    return None


def pinned(service: str, variable: str) -> str:
    """The image of a service: from the environment, or else from docker-compose.yml."""
    text = (REPOSITORY / "docker-compose.yml").read_text()
    match = re.search(rf"\$\{{{variable}:-([^}}]+)\}}", text)
    assert match, f"{service} has no {variable}"
    return os.environ.get(variable) or match[1]


@dataclass(frozen=True, slots=True)
class Checkout:
    path: Path

    def make(self, target: str, **variables: str) -> None:
        # A make that started this run passes its own arguments on in the environment.
        environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
        variables = {"ARGS": "", **variables}
        done = subprocess.run(
            ["make", target, *(f"{name}={value}" for name, value in variables.items())],
            cwd=self.path,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BUILD_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"make {target}: {done.stdout.decode()[-6000:]}"


def new_checkout(path: Path) -> Checkout:
    """A clone that includes uncommitted changes."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, check=True)
        return done.stdout.decode()

    git("clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(path))
    for name in filter(None, git("ls-files", "-z", "--deleted").split("\0")):
        (path / name).unlink(missing_ok=True)
    changed = git("ls-files", "-z", "--modified", "--others", "--exclude-standard")
    for name in filter(None, changed.split("\0")):
        if (REPOSITORY / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes((REPOSITORY / name).read_bytes())
            (path / name).chmod((REPOSITORY / name).stat().st_mode & 0o755)
    return Checkout(path)


def until(condition: Callable[[], object], *, seconds: float, what: Callable[[], str]) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what()}"
        time.sleep(0.2)


def is_healthy(container: str) -> bool:
    """Wait until the container is healthy; fails when it has ended."""
    state = inspect(container)["State"]
    assert state["Status"] == "running", logs(container)
    return bool(state["Health"]["Status"] == "healthy")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run_acceptance(base_url: str, variables: Mapping[str, str]) -> None:
    """Run the whole suite; no test may be skipped."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(REPOSITORY / "tests" / "acceptance")],
        env={**os.environ, "ACCEPTANCE_BASE_URL": base_url, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=ACCEPTANCE_SECONDS,
        check=False,
    )
    output = done.stdout.decode()
    assert done.returncode == 0, output
    assert re.search(r"=+ \d+ passed in [\d.]+s", output), output
