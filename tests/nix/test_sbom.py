"""The bill of materials of an environment and its store paths."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.nix.expressions import REPOSITORY

DIGEST = "0123456789abcdfghijklmnpqrsvwxyz"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    for name, version, more in (
        ("scholarship-api", "1.0.0", ""),
        ("Some_Library", "2.5", "License-Expression: BSD-3-Clause\n"),
    ):
        folder = tmp_path / f"lib/python3.13/site-packages/{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{more}"
        (folder / "METADATA").write_text(metadata)
    return tmp_path


def bill(environment: Path, *paths: str) -> "subprocess.CompletedProcess[str]":
    listing = environment / "store-paths"
    listing.write_text("".join(f"{path}\n" for path in paths))
    return subprocess.run(
        [
            *(sys.executable, str(REPOSITORY / "nix" / "sbom.py")),
            *("--name", "scholarship-api", "--version", "1.0.0", "--revision", "abc"),
            *("--timestamp", "2026-01-02T03:04:05Z", "--store-paths", str(listing)),
            str(environment),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def components(environment: Path, *paths: str) -> list[dict[str, Any]]:
    done = bill(environment, *paths)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["components"]
    assert isinstance(found, list)
    return found


def test_the_subject_is_not_among_its_parts(environment: Path) -> None:
    document = json.loads(bill(environment).stdout)
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["timestamp"] == "2026-01-02T03:04:05Z"
    subject = document["metadata"]["component"]
    assert subject["purl"] == "pkg:pypi/scholarship-api@1.0.0"
    assert subject["properties"] == [{"name": "revision", "value": "abc"}]
    assert [part["name"] for part in document["components"]] == ["some-library"]


def test_a_python_package(environment: Path) -> None:
    [package] = components(environment)
    assert package == {
        "type": "library",
        "bom-ref": "pkg:pypi/some-library@2.5",
        "name": "some-library",
        "version": "2.5",
        "purl": "pkg:pypi/some-library@2.5",
        "licenses": [{"expression": "BSD-3-Clause"}],
    }


def test_store_paths_with_and_without_a_version(environment: Path) -> None:
    glibc = f"/nix/store/{DIGEST}-glibc-2.42-61"
    root = f"/nix/store/{DIGEST}-scholarship-api-runtime"
    _, first, second = components(environment, root, glibc)
    assert (first["bom-ref"], first["purl"]) == (glibc, "pkg:nix/glibc@2.42-61")
    assert (second["bom-ref"], second["purl"]) == (root, "pkg:nix/scholarship-api-runtime")
    assert "version" not in second


def test_what_is_no_store_path_is_refused(environment: Path) -> None:
    done = bill(environment, "/usr/lib/libc.so.6")
    assert done.returncode == 1
    assert "/usr/lib/libc.so.6 is no store path" in done.stderr


def test_the_same_again_is_the_same(environment: Path) -> None:
    assert bill(environment).stdout == bill(environment).stdout
