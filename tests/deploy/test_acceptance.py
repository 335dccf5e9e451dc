"""The acceptance suite passes against the real server process, and notices faults."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy.gunicorn_server import REPOSITORY, running_server

pytestmark = [pytest.mark.server, pytest.mark.slow]

SUITE = REPOSITORY / "tests" / "acceptance"
ORIGIN = "https://app.example.org"


def run_suite(
    *arguments: str, url: str | None, variables: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Exit code and output."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ACCEPTANCE_", "PYTEST_"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(SUITE), *arguments],
        env={**environment, **({"ACCEPTANCE_BASE_URL": url} if url else {}), **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout.decode()


@pytest.fixture
def settings(production: dict[str, str], module_database_url: str) -> dict[str, str]:
    """A production server with a limiter of its own and the bundled catalogue."""
    production["DATABASE_URL"] = module_database_url
    catalogue = REPOSITORY / "scholarship_api" / "sample_data" / "catalogue.ndjson"
    command(production, "import", str(catalogue))
    return production


def command(settings: Mapping[str, str], *arguments: str, stdin: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **settings},
        input=stdin.encode(),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def test_it_holds(settings: dict[str, str], tmp_path: Path) -> None:
    password = "correct horse battery staple"
    (tmp_path / "password").write_text(f"{password}\n")
    create = ("users", "create", "acceptance", "--role=admin", "--password-stdin")
    command(settings, *create, stdin=password)
    with running_server(settings) as server:
        code, output = run_suite(
            url=server.url,
            variables={
                "ACCEPTANCE_ALLOWED_ORIGIN": ORIGIN,
                "ACCEPTANCE_USERNAME": "acceptance",
                "ACCEPTANCE_PASSWORD_FILE": str(tmp_path / "password"),
            },
        )
    assert code == 0, output
    skipped = re.findall(r"^SKIPPED .*", output, re.MULTILINE)
    # These tests need hooks, which tests/container has.
    assert len(skipped) == 3
    assert all("ACCEPTANCE_START_" in line for line in skipped), skipped


def test_it_notices(settings: dict[str, str]) -> None:
    wrong = {**settings, "ENABLE_DOCS": "true", "ENABLE_HSTS": "false"}
    with running_server(wrong) as server:
        code, output = run_suite("-k", "documentation or headers_are", url=server.url)
    assert code == 1
    assert "8 failed" in output, output


def test_without_an_address_it_says_so() -> None:
    code, output = run_suite(url=None)
    assert code == pytest.ExitCode.USAGE_ERROR
    assert "ACCEPTANCE_BASE_URL" in output


def test_it_is_no_part_of_other_runs() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "--collect-only",
            "-q",
            "tests/acceptance/..",
            "-k",
            "flight",
        ],
        cwd=REPOSITORY,
        env={**os.environ, "ACCEPTANCE_BASE_URL": "http://127.0.0.1:1"},
        capture_output=True,
        check=False,
    )
    assert b"tests/acceptance" not in done.stdout, json.dumps(done.stdout.decode())
