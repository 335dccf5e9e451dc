"""deploy/compose/roles.sql, run by psql as its page says."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.devserver.embedded.processes import program
from scholarship_api.platform.database import migrations
from tests.deploy.gunicorn_server import REPOSITORY

pytestmark = pytest.mark.server

ROLES = REPOSITORY / "deploy/compose/roles.sql"
PASSWORDS = {"DATABASE_OWNER_PASSWORD": "owner's $1 word", "DATABASE_API_PASSWORD": "api word"}


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A server of its own: roles belong to a server, not to a database."""
    with embedded_postgres(tmp_path / "postgres", durable=False) as url:
        yield url.replace("+psycopg", "")


def run(url: str, passwords: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    psql = program(
        "psql", package="embedded_postgres", pattern="pginstall/bin/psql", names=["psql"]
    )
    return subprocess.run(
        [psql, "--no-psqlrc", "--quiet", f"--file={ROLES}", url],
        env={**os.environ, **passwords},
        capture_output=True,
        text=True,
        check=False,
    )


def roles(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'scholarship\\_%' ORDER BY 1"
        )
        return [row[0] for row in rows]


def test_both_roles_are_made_in_the_database_at_hand(url: str) -> None:
    done = run(url, PASSWORDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert roles(url) == ["scholarship_api", "scholarship_owner"]
    with psycopg.connect(url) as connection:
        [owner] = connection.execute(
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        ).fetchone() or [""]
        assert owner == "scholarship_owner"
        [stored] = connection.execute(
            "SELECT count(*) FROM pg_authid"
            " WHERE rolname LIKE 'scholarship\\_%' AND rolpassword LIKE 'SCRAM%'"
        ).fetchone() or [0]
        assert stored == 2
    owner_url = url.replace("//scholarships@", "//scholarship_owner@", 1)
    migrations.upgrade(owner_url.replace("postgresql:", "postgresql+psycopg:", 1))
    with psycopg.connect(url.replace("//scholarships@", "//scholarship_api@", 1)) as connection:
        connection.execute("SELECT count(*) FROM scholarships")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE intruder ()")


@pytest.mark.parametrize(
    "passwords",
    [
        {},
        {"DATABASE_OWNER_PASSWORD": "owner"},
        {"DATABASE_OWNER_PASSWORD": "owner", "DATABASE_API_PASSWORD": ""},
    ],
)
def test_without_a_password_nothing_is_made(url: str, passwords: dict[str, str]) -> None:
    done = run(url, passwords)
    assert done.returncode == 3, "psql's code for a script that an error has stopped"
    assert "a password is missing" in done.stderr
    assert "DATABASE_API_PASSWORD" in done.stderr
    assert roles(url) == []
