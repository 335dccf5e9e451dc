"""The content of the image, and that two builds give the same image."""

import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import certifi
import pytest

from scholarship_api.preflight import image as image_checks
from tests.container.engine import CANARY, PROJECT, REPOSITORY, Checkout, docker, inspect
from tests.container.layers import SavedImage, saved

pytestmark = pytest.mark.server

USER: Final = 65532
LARGEST_COMPRESSED_BYTES: Final = 62_500_000
"""Compressed by gzip. The goal of benchmarks/image_size.py, 53 MB, is missed by the libraries of
identity providers (cryptography, 4.4 MB), duplicates (rapidfuzz, 2.4 MB), spreadsheets, calendars
and jobs (2 MB together), and zstd and Brotli (.8 MB together)."""
LARGEST_GROWTH: Final = 1.05
SIZE_FILE: Final = REPOSITORY / "deploy" / "image-size.json"

FORBIDDEN: Final = frozenset(
    (
        "apk apt apt-get ar as ash bash busybox c++ cargo cc clang cpp csh curl dash dpkg fish g++"
        " gcc gdb git gunzip hg ksh ld make nc netcat perl rustc scp sh socat ssh strip su sudo"
        " tcsh toybox uv uvx wget zsh"
    ).split()
)
FORBIDDEN_PATTERN: Final = re.compile(r"(pip[\d.]*|(x86_64|aarch64)-linux-gnu-.*|.*\.whl|\.env.*)$")
FORBIDDEN_FOLDERS: Final = frozenset({"pip", "setuptools", "uv", "wheel"})
WRITABLE_FOLDERS: Final = frozenset({"home/nonroot", "run/lock", "tmp", "var/lock", "var/tmp"})
"""Folders of the base image. They are empty, and read-only when the service runs hardened."""


@pytest.fixture(scope="module")
def contents(image: str) -> Iterator[SavedImage]:
    with saved(image) as contents:
        yield contents


def test_two_builds_are_one_image(image: str, checkouts: tuple[Checkout, Checkout]) -> None:
    checkouts[1].make("image", IMAGE="scholarship-api-test:second", ARGS="--no-cache")
    try:
        assert inspect("scholarship-api-test:second")["Id"] == image
    finally:
        docker("image", "rm", "scholarship-api-test:second")


def test_the_configuration(image: str, contents: SavedImage) -> None:
    configuration = contents.configuration["config"]
    assert configuration["User"] == f"{USER}:{USER}"
    assert configuration["ExposedPorts"] == {"8000/tcp": {}}
    assert configuration["StopSignal"] == "SIGTERM"
    assert configuration["Entrypoint"] == ["/opt/venv/bin/scholarship-api"]
    assert configuration["Cmd"] == ["start"]
    assert configuration["Healthcheck"]["Test"][0] == "CMD"  # exec form: there is no shell
    assert not configuration.get("Volumes")
    assert "ENVIRONMENT=production" in configuration["Env"]
    labels = configuration["Labels"]
    assert labels["org.opencontainers.image.version"] == PROJECT["project"]["version"]
    assert labels["org.opencontainers.image.licenses"] == PROJECT["project"]["license"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["org.opencontainers.image.revision"])


def test_the_checklist_agrees(image: str) -> None:
    assert [finding for finding in image_checks.run(image) if finding[1] != "passed"] == []


def test_who_it_is(image: str) -> None:
    code = "import os, sys; print(os.getuid(), os.getgid(), *sys.version_info[:2])"
    output = docker("run", "--rm", "--entrypoint", "/opt/venv/bin/python", image, "-c", code)
    assert output == f"{USER} {USER} 3 13"


def test_no_tools(contents: SavedImage) -> None:
    found = [
        entry.path
        for entry in contents.entries()
        if (entry.name in FORBIDDEN_FOLDERS if entry.info.isdir() else entry.name in FORBIDDEN)
        or FORBIDDEN_PATTERN.match(entry.name)
    ]
    # Licences of the base image are in folders named like the packages.
    assert [path for path in found if not path.startswith("usr/share/doc/")] == []


def test_nothing_to_write_to(contents: SavedImage) -> None:
    writable = [
        entry.path
        for entry in contents.entries()
        if not entry.info.issym() and entry.is_writable_by(USER)
    ]
    assert set(writable) <= WRITABLE_FOLDERS


def test_nobody_to_become(contents: SavedImage) -> None:
    privileged = [
        entry.path
        for entry in contents.entries()
        if entry.info.isfile() and entry.info.mode & 0o6000
    ]
    assert privileged == []


def test_nothing_of_the_builder(contents: SavedImage) -> None:
    """No layer contains a secret of the checkout or a certificate of the builder."""
    needles = {CANARY.encode()}
    if builders := os.environ.get("BUILD_CA_FILE"):
        public = _certificates(Path(certifi.where()))
        for entry in contents.layers[0]:
            public |= set(re.findall(rb"-----BEGIN CERT[^-]*-----\n([^-]+)-----END", entry.content))
        needles |= _certificates(Path(builders)) - public
    found = [
        entry.path
        for entry in contents.entries()
        if any(needle in entry.content for needle in needles)
    ]
    assert found == []
    assert not [entry.path for entry in contents.entries() if entry.path.startswith("run/secrets")]
    assert CANARY not in json.dumps(contents.configuration)


def _certificates(file: Path) -> set[bytes]:
    return set(re.findall(rb"-----BEGIN CERT[^-]*-----\n([^-]+)-----END", file.read_bytes()))


def test_the_time_stamps_are_not_the_builds(contents: SavedImage) -> None:
    ours = [entry for layer in contents.layers[-3:] for entry in layer]
    assert {entry.info.mtime for entry in ours} == {0}


def test_records_are_true_to_what_is_there(contents: SavedImage) -> None:
    paths = {entry.path for entry in contents.entries()}
    packages = "opt/venv/lib/python3.13/site-packages"
    records = [entry for entry in contents.entries() if entry.name == "RECORD"]
    assert len(records) > 40
    missing = [
        line
        for record in records
        for line in record.content.decode().splitlines()
        if not line.startswith(("..", '"')) and f"{packages}/{line.split(',')[0]}" not in paths
    ]
    assert missing == []


def test_every_module_of_ours_can_be_imported(image: str) -> None:
    code = """
import importlib, pkgutil, sys, scholarship_api as package
names = [m.name for m in pkgutil.walk_packages(package.__path__, "scholarship_api.")]
for name in names:
    # The first four need extras that the image does not have; the others run when imported.
    extras = (".opentelemetry", ".mcp.cli", ".mcp.endpoint", ".mcp.server")
    if not name.endswith((*extras, ".alembic.env", ".__main__", ".gunicorn_conf")):
        importlib.import_module(name)
print(len(names))
"""
    output = docker("run", "--rm", "--entrypoint", "/opt/venv/bin/python", image, "-c", code)
    assert int(output) > 50


def test_bytecode_is_complete(contents: SavedImage) -> None:
    """A module without bytecode would be compiled at each start."""
    paths = {entry.path for entry in contents.entries()}
    sources = [path for path in paths if path.startswith("opt/venv/") and path.endswith(".py")]
    assert len(sources) > 500
    compiled = re.compile(r"([^/]+)\.py$")
    lacking = [
        path
        for path in sources
        if compiled.sub(r"__pycache__/\1.cpython-313.pyc", path) not in paths
    ]
    assert lacking == []


def test_the_dependencies_are_those_of_the_lock(image: str) -> None:
    code = """
import importlib.metadata as m
print(*(f"{d.name.lower().replace('_', '-')}=={d.version}" for d in m.distributions()))
"""
    output = docker("run", "--rm", "--entrypoint", "/opt/venv/bin/python", image, "-c", code)
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text())
    locked = {f"{package['name']}=={package['version']}" for package in lock["package"]}
    assert set(output.replace(".", "-").split()) <= {name.replace(".", "-") for name in locked}


def test_without_settings_it_names_what_is_missing(image: str) -> None:
    with pytest.raises(AssertionError, match="JWT_SECRET_KEY"):
        docker("run", "--rm", image)


def test_the_size(image: str, contents: SavedImage) -> None:
    measured = {"bytes": inspect(image)["Size"], "compressed_bytes": contents.compressed_bytes}
    assert measured["compressed_bytes"] <= LARGEST_COMPRESSED_BYTES
    recorded = json.loads(SIZE_FILE.read_text())
    grown = {name: measured[name] / recorded[name] for name in recorded}
    assert max(grown.values()) <= LARGEST_GROWTH, (
        f"the image has grown; if it has to, {SIZE_FILE.name} becomes {json.dumps(measured)}"
    )
