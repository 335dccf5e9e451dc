"""The image of Nix and the image of the Dockerfile are configured alike."""

import json
import re
import shlex
from typing import Any, Final

import pytest

from tests.nix.expressions import REPOSITORY, binding, parse, value

SECOND: Final = 1_000_000_000


@pytest.fixture(scope="module")
def nix() -> dict[str, Any]:
    root = parse((REPOSITORY / "nix" / "image.nix").read_bytes())
    second = value(binding(root, "second"))
    assert second == SECOND
    config = value(binding(root, "config"), second=SECOND)
    assert isinstance(config, dict)
    return config


@pytest.fixture(scope="module")
def dockerfile() -> dict[str, str]:
    """The last instruction of each kind in the last stage."""
    text = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    _, _, stage = text.rpartition("\nFROM ")
    return dict(re.findall(r"^([A-Z]+) +(.*)$", stage, re.MULTILINE))


def pairs(instruction: str) -> dict[str, str]:
    """The pairs of `NAME=value NAME="another value"`."""
    return dict(part.split("=", 1) for part in shlex.split(instruction))


def test_user_port_and_stop_signal(nix: dict[str, Any], dockerfile: dict[str, str]) -> None:
    assert nix["User"] == dockerfile["USER"]
    assert nix["ExposedPorts"] == {f"{dockerfile['EXPOSE']}/tcp": {}}
    assert nix["StopSignal"] == dockerfile["STOPSIGNAL"]


def test_command(nix: dict[str, Any], dockerfile: dict[str, str]) -> None:
    assert nix["Entrypoint"] == json.loads(dockerfile["ENTRYPOINT"])
    assert nix["Cmd"] == json.loads(dockerfile["CMD"])


def test_environment(nix: dict[str, Any], dockerfile: dict[str, str]) -> None:
    assert dict(each.split("=", 1) for each in nix["Env"]) == pairs(dockerfile["ENV"])


def test_health_check(nix: dict[str, Any], dockerfile: dict[str, str]) -> None:
    options, _, command = dockerfile["HEALTHCHECK"].partition(" CMD ")
    given = dict(re.findall(r"--([a-z-]+)=(\d+)", options))
    assert nix["Healthcheck"] == {
        "Test": ["CMD", *json.loads(command)],
        "Interval": int(given["interval"]) * SECOND,
        "Timeout": int(given["timeout"]) * SECOND,
        "StartPeriod": int(given["start-period"]) * SECOND,
        "Retries": int(given["retries"]),
    }


def test_labels(nix: dict[str, Any], dockerfile: dict[str, str]) -> None:
    theirs = pairs(dockerfile["LABEL"])
    assert list(nix["Labels"]) == list(theirs)
    for name in ("title", "description", "licenses"):
        label = f"org.opencontainers.image.{name}"
        assert nix["Labels"][label] == theirs[label]


def test_nothing_else_is_configured(nix: dict[str, Any]) -> None:
    assert set(nix) == {
        *("User", "ExposedPorts", "Env", "Entrypoint", "Cmd", "StopSignal", "Healthcheck"),
        "Labels",
    }
