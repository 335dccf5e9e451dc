"""flake.lock pins exactly the inputs of flake.nix."""

import base64
import json
import re
from typing import Any, Final

import pytest

from tests.nix.expressions import REPOSITORY, binding, parse, text

LOCK: Final[dict[str, Any]] = json.loads((REPOSITORY / "flake.lock").read_text())
NODES: Final[dict[str, Any]] = LOCK["nodes"]
SOURCE: Final = text(binding(parse((REPOSITORY / "flake.nix").read_bytes()), "inputs"))
URLS: Final = dict(re.findall(r'([\w-]+)(?: = \{\s*|\.)url = "([^"]+)"', SOURCE))


def follows(name: str) -> dict[str, list[str]]:
    """The inputs of an input that flake.nix replaces by its own."""
    block = re.search(rf"\b{name} = \{{(.*?)\}};", SOURCE, re.DOTALL)
    pairs = re.findall(r'inputs\.([\w-]+)\.follows = "([^"]+)"', block[1] if block else "")
    return {inner: [outer] for inner, outer in pairs}


def test_each_input_is_locked_and_nothing_else() -> None:
    assert LOCK["version"] == 7
    assert LOCK["root"] == "root"
    assert len(URLS) == 4
    assert NODES["root"] == {"inputs": {name: name for name in URLS}}
    assert set(NODES) == {"root", *URLS}


@pytest.mark.parametrize("name", URLS)
def test_the_lock_is_of_what_is_asked_for(name: str) -> None:
    original, locked = NODES[name]["original"], NODES[name]["locked"]
    path = [original["owner"], original["repo"], *([original["ref"]] if "ref" in original else [])]
    assert URLS[name] == f"github:{'/'.join(path)}"
    assert original["type"] == locked["type"] == "github"
    assert (locked["owner"], locked["repo"]) == (original["owner"], original["repo"])


@pytest.mark.parametrize("name", URLS)
def test_a_lock_is_complete(name: str) -> None:
    locked = NODES[name]["locked"]
    assert re.fullmatch(r"[0-9a-f]{40}", locked["rev"])
    algorithm, _, digest = locked["narHash"].partition("-")
    assert algorithm == "sha256"
    assert len(base64.b64decode(digest, validate=True)) == 32
    assert locked["lastModified"] > 1_700_000_000


@pytest.mark.parametrize("name", URLS)
def test_inputs_of_inputs_are_our_own(name: str) -> None:
    assert NODES[name].get("inputs", {}) == follows(name)


def test_there_is_one_nixpkgs() -> None:
    assert [name for name in NODES if "nixpkgs" in name] == ["nixpkgs"]
    for name in set(URLS) - {"nixpkgs"}:
        assert follows(name)["nixpkgs"] == ["nixpkgs"]
