"""One DATABASE_URL works for the pool, the probes, Alembic, import, export and the start alike."""

import asyncio
import json
import os
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from scholarship_api.catalogue.cli import BUNDLED_CATALOGUE
from scholarship_api.health.service import HealthService
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.platform.server.prestart import PrestartError, prestart
from scholarship_api.settings.settings import Settings, SettingsError
from tests.deploy.gunicorn_server import REPOSITORY, environment
from tests.deploy.postgres_nodes import DATABASE, OWNER, OWNER_PASSWORD, PostgresNode, url_of

pytestmark = [pytest.mark.anyio, pytest.mark.server]

NOBODY_LISTENS = "127.0.0.1:1"
CHARACTERS = string.digits + string.ascii_letters + string.punctuation + " "
"""Every printable character of ASCII."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresNode]:
    with PostgresNode(tmp_path_factory.mktemp("urls") / "a") as node:
        yield node


def settings_of(url: str) -> Settings:
    return Settings(environment="test", database_url=SecretStr(url))


def settings(url: str) -> dict[str, str]:
    return {"ENVIRONMENT": "test", "DATABASE_URL": url, "RATE_LIMIT_BACKEND_URL": ""}


def run(url: str, *arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """A command of the package, with an unlimited time and this DATABASE_URL."""
    return subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        input=stdin,
        cwd=REPOSITORY,
        env=environment(settings(url), 8000),
        capture_output=True,
        check=False,
    )


async def check_pool_and_probes(settings: Settings) -> None:
    database = Database(settings)
    limiter = RateLimiter(settings)
    health = HealthService(settings=settings, database=database, limiter=limiter)
    assert await database.fetch("SELECT current_database()", {}) == [(DATABASE.encode(),)]
    async with database.write_session() as session:
        await session.connection()
    assert not (await health.readiness()).not_ready
    await health.close()
    await database.close()


def forms(node: PostgresNode) -> dict[str, str]:
    """Every form of the URL, the dead host first where there are two."""
    owner = f"{OWNER}:{OWNER_PASSWORD}"
    dead, alive = NOBODY_LISTENS, node.address
    socket_folder = quote(str(node.sockets), safe="")
    return {
        "one host": f"postgresql://{owner}@{alive}/{DATABASE}",
        "libpq's several hosts": f"postgresql://{owner}@{dead},{alive}/{DATABASE}",
        "ports apart": (
            f"postgresql://{owner}@127.0.0.1,{node.host}/{DATABASE}?port=1,{node.port}"
        ),
        "SQLAlchemy's several hosts": (
            f"postgresql://{owner}@/{DATABASE}?host={dead}&host={alive}"
        ),
        "hosts as a parameter": (
            f"postgresql://{owner}@/{DATABASE}?host=127.0.0.1,{node.host}&port=1,{node.port}"
        ),
        "libpq's socket": f"postgresql://{owner}@{socket_folder}:{node.port}/{DATABASE}",
        "SQLAlchemy's socket": (
            f"postgresql://{owner}@/{DATABASE}?host={socket_folder}&port={node.port}"
        ),
        "options": url_of(
            alive,
            user=OWNER,
            password=OWNER_PASSWORD,
            query={"options": "-c search_path=public", "target_session_attrs": "read-write"},
        ),
    }


@pytest.mark.parametrize(
    "form",
    [
        "one host",
        "libpq's several hosts",
        "ports apart",
        "SQLAlchemy's several hosts",
        "hosts as a parameter",
        "libpq's socket",
        "SQLAlchemy's socket",
        "options",
    ],
)
async def test_each_form_of_the_url_works_everywhere(node: PostgresNode, form: str) -> None:
    settings = settings_of(forms(node)[form])
    await asyncio.to_thread(prestart, settings)
    awards = BUNDLED_CATALOGUE.read_bytes()
    assert run(forms(node)[form], "import", "-", stdin=awards).returncode == 0
    await check_pool_and_probes(settings)


async def test_user_password_and_database_can_have_every_character(node: PostgresNode) -> None:
    name, password = f"role {string.punctuation}", f"{CHARACTERS} é€"
    node.execute(f'CREATE DATABASE "{name.replace(chr(34), chr(34) * 2)}"')
    node.create_role(name, password)
    owner = url_of(node.address, user=OWNER, password=OWNER_PASSWORD, database=name)
    await asyncio.to_thread(prestart, settings_of(owner))
    url = url_of(node.address, user=name, password=password, database=name)
    assert run(url, "export").returncode == 0
    settings = settings_of(url)
    database = Database(settings)
    assert await database.fetch("SELECT current_user", {}) == [(name.encode(),)]
    assert await database.probe("SELECT current_database()", seconds=5) == [(name.encode(),)]
    await database.close()


def forms_of(password: str) -> set[str]:
    """How a password could be written in a message."""
    written = {
        password,
        quote(password, safe=""),
        quote(password),
        quote_plus(password),
        password.replace("'", "\\'"),
        json.dumps(password)[1:-1],
        repr(password)[1:-1],
    }
    return {form for form in written if len(form) > 4}


@pytest.mark.parametrize("encode", [True, False], ids=["encoded", "raw"])
@pytest.mark.parametrize("character", CHARACTERS)
def test_no_form_of_the_password_is_shown(character: str, encode: bool) -> None:
    """Neither when the URL is refused, nor when the server is, whatever the character breaks."""
    password = f"planted{character}secret"
    text = quote(password, safe="") if encode else password
    shown = []
    with capture_logs() as logs:
        try:
            prestart(settings_of(f"postgresql://app:{text}@{NOBODY_LISTENS}/db"), wait_seconds=0)
        except (SettingsError, PrestartError) as error:
            shown = [str(error), repr(error), str(error.fields()), str(error.__cause__)]
    assert shown
    for form in forms_of(password) | {"secret"}:
        assert form not in f"{shown}{logs}", form


@pytest.mark.parametrize("command", ["prestart", "migrate", "export", "check"])
def test_no_command_shows_the_password(command: str, tmp_path: Path) -> None:
    password = f"planted {CHARACTERS} secret"
    url = url_of(NOBODY_LISTENS, password=password)
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_WAITING, command],
        cwd=REPOSITORY,
        env=environment(settings(url), 8000) | {"PYTHONPATH": os.fspath(REPOSITORY)},
        capture_output=True,
        check=False,
    )
    assert done.returncode in {1, 69}, done.stderr
    output = (done.stdout + done.stderr).decode()
    assert "Traceback" not in output
    for form in forms_of(password) | {"planted", "secret"}:
        assert form not in output, form


_WITHOUT_WAITING = """
from scholarship_api.platform.server import prestart
prestart.WAIT_SECONDS = 0.0
prestart.prestart.__kwdefaults__["wait_seconds"] = 0.0
from scholarship_api.cli import main
main()
"""
