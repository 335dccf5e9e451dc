"""The scripts of the VM tests pass mypy and pyflakes, as the NixOS test driver runs them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.nix.expressions import REPOSITORY, binding, parse, text

TESTS: Final = REPOSITORY / "nix" / "tests"
NAMES: Final = ("probes", "cors", "shutdown")

# The lines that nixos/lib/test-script-prepend.py and driver.nix put before a script, with the types
# of nixos/lib/test-driver/src/test_driver/machine.
DRIVER: Final = """
from collections.abc import Callable

class QemuMachine:
    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        raise NotImplementedError
    def systemctl(self, q: str, user: str | None = None) -> tuple[int, str]:
        raise NotImplementedError
    def wait_for_unit(self, unit: str, user: str | None = None, timeout: int = 900) -> None:
        raise NotImplementedError
    def block(self) -> None:
        raise NotImplementedError
    def unblock(self) -> None:
        raise NotImplementedError

start_all: Callable[[], None]
"""


def machines(name: str) -> list[str]:
    """The nodes of a test."""
    nodes = text(binding(parse((TESTS / f"{name}.nix").read_bytes()), "nodes"))
    inherited = " ".join(re.findall(r"inherit \(machines\) ([^;]+);", nodes)).split()
    return inherited + re.findall(r"(\w+) = machines\.", nodes)


def script(name: str) -> str:
    """The script without its indentation, and with a command for the suite."""
    source = text(binding(parse((TESTS / f"{name}.nix").read_bytes()), "testScript"))
    lines = [line.strip() for line in source.strip("'").strip().splitlines()]
    return "\n".join(lines).replace("${suite}", "suite") + "\n"


def mypy(folder: Path, scripts: Mapping[str, str]) -> str:
    """The messages of a checker about the scripts, by the names of their tests."""
    for name, source in scripts.items():
        hints = "".join(f"{machine}: QemuMachine\n" for machine in machines(name))
        (folder / f"{name}.py").write_text(f"{DRIVER}\n{hints}\n{source}")
    options = ["--strict", "--config-file=", f"--cache-dir={folder / 'cache'}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *(f"{name}.py" for name in scripts)],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_types_are_right(tmp_path: Path) -> None:
    found = mypy(tmp_path, {name: script(name) for name in NAMES})
    assert found == "Success: no issues found in 3 source files\n"


def test_wrong_types_are_seen(tmp_path: Path) -> None:
    wrong = {
        "probes": script("probes").replace("server, other", "other"),
        "cors": script("cors").replace("cors.check", "cors.chekc"),
        "shutdown": script("shutdown").replace("client", "other"),
    }
    found = mypy(tmp_path, wrong)
    for name in NAMES:
        assert re.search(rf"^{name}\.py:\d+: error", found, re.MULTILINE), found


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_unknown_or_unused(name: str) -> None:
    known = f"--config=builtins = {[*machines(name), 'start_all']}"
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F", known, "-"],
        input=script(name),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
