"""The uv that the Makefile installs is the Dockerfile's, and known by its hashes."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
REQUIREMENTS = REPOSITORY / "scripts/uv-requirements.txt"


def test_pip_installs_nothing_without_a_hash() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    [options] = re.findall(r"-m pip install ((?:.*\\\n)*.*)", makefile)
    assert "--require-hashes" in options
    assert f"UV_REQUIREMENTS := {REQUIREMENTS.relative_to(REPOSITORY)}\n" in makefile


def test_it_is_the_release_that_builds_the_image() -> None:
    [version] = re.findall(r"^uv==(\S+) ", REQUIREMENTS.read_text(), re.MULTILINE)
    assert f"ghcr.io/astral-sh/uv:{version}@sha256:" in (REPOSITORY / "Dockerfile").read_text()


def test_every_file_of_the_release_has_a_hash() -> None:
    hashes = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", REQUIREMENTS.read_text())
    assert len(set(hashes)) == len(hashes) > 10, "wheels for each platform, and the source"
