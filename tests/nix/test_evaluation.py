"""The outputs of the flake evaluate. Skipped without Nix or without its inputs."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.nix.expressions import REPOSITORY

SYSTEMS = ("x86_64-linux", "aarch64-linux")
SECONDS = 120


@pytest.fixture(scope="module")
def flake() -> str:
    if shutil.which("nix") is None:
        pytest.skip("nix is not installed")
    lock = json.loads((REPOSITORY / "flake.lock").read_text())
    for name, node in lock["nodes"].items():
        if "locked" in node and not _is_at_hand(node["locked"]):
            pytest.skip(f"the input {name} is not in the store, and nothing is fetched here")
    return f"git+file://{REPOSITORY}"


def _is_at_hand(locked: dict[str, str]) -> bool:
    """The store path of an input, which follows from its content."""
    digest = base64.b64decode(locked["narHash"].removeprefix("sha256-")).hex()
    command = ["nix-store", "--print-fixed-path", "--recursive", "sha256", digest, "source"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    return Path(done.stdout.strip()).exists()


def _nix(*arguments: str) -> "subprocess.CompletedProcess[str]":
    features = ("--extra-experimental-features", "nix-command flakes", "--offline")
    return subprocess.run(
        ["nix", *features, *arguments],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("kind", ["packages", "checks", "devShells"])
def test_evaluates(flake: str, system: str, kind: str) -> None:
    # The systems of the VM tests are left out, because they take minutes.
    quick = "names: builtins.filter (name: builtins.substring 0 3 name != ''vm-'') names"
    every = f"all: map (name: all.${{name}}.drvPath) (({quick}) (builtins.attrNames all))"
    outputs = f"{flake}#{kind}.{system}"
    done = _nix("eval", "--json", "--no-write-lock-file", outputs, "--apply", every)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
