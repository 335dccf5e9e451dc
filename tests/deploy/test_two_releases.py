"""During a roll-out the last release and this one serve side by side, on this release's schema."""

import io
import json
import secrets
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.deploy.gunicorn_server import (
    REPOSITORY,
    RunningServer,
    environment,
    running_server,
)
from tests.deploy.postgres_nodes import PostgresNode
from tests.deploy.test_database_failover import CATALOGUE, settings_for

pytestmark = [pytest.mark.server, pytest.mark.slow]

LAST_RELEASE: Final = "fe9c6e4"
"""The commit of version 1.0.0. To be replaced with the commit of each release."""


@pytest.fixture(scope="module")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the last release, as its wheel has them."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", LAST_RELEASE],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        pytest.skip(f"the history does not reach back to {LAST_RELEASE} (git fetch --unshallow)")
    folder = tmp_path_factory.mktemp("last") / "release"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture
def node(tmp_path: Path) -> Iterator[PostgresNode]:
    with PostgresNode(tmp_path / "a") as node:
        yield node


def run(settings: dict[str, str], *arguments: str, folder: Path, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        cwd=folder,
        env=environment(settings, 8000) | {"PYTHONPATH": str(folder)},
        input=stdin.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@contextmanager
def release(settings: dict[str, str], folder: Path) -> Iterator[RunningServer]:
    command = [
        # -P and --chdir: the folder of the tests, which has this release, is not on the path.
        *("env", f"PYTHONPATH={folder}", sys.executable, "-P", "-m", "gunicorn"),
        *("--chdir", str(folder), "-c", conf_of(folder), "scholarship_api.app:create_app()"),
    ]
    with running_server(settings, command=command, ready_path="/readyz") as server:
        yield server


def conf_of(folder: Path) -> str:
    """gunicorn's configuration, which a module of the release makes."""
    [module] = (folder / "scholarship_api" / "platform").rglob("gunicorn_conf.py")
    return f"python:{'.'.join(module.relative_to(folder).with_suffix('').parts)}"


def client_of(server: RunningServer) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/api/v1", timeout=20, trust_env=False)


def test_both_releases_read_and_write(
    node: PostgresNode, redis_url: str, last_release: Path
) -> None:
    settings = settings_for(node.address, redis_url)
    owner = settings | {"DATABASE_URL": settings["DATABASE_MIGRATION_URL"]}
    run(owner, "migrate", folder=last_release)
    catalogue = last_release / "scholarship_api" / "sample_data" / "catalogue.ndjson"
    run(owner, "import", str(catalogue), folder=last_release)
    password = secrets.token_urlsafe(16)
    arguments = ("users", "create", "ada", "--role", "admin", "--password-stdin")
    run(owner, *arguments, folder=last_release, stdin=password)
    with release(settings, last_release) as old:
        assert version_of(old, last_release)
        run(owner, "migrate", folder=REPOSITORY)  # under the old release, which goes on
        with (
            release(settings, REPOSITORY) as new,
            client_of(old) as old_client,
            client_of(new) as new_client,
        ):
            login = {"username": "ada", "password": password}
            token = new_client.post("/auth/login-simple", json=login).json()["access_token"]
            for client in (old_client, new_client):
                client.headers["Authorization"] = f"Bearer {token}"
            for number in range(6):
                write_and_read(old_client, new_client, f"old-{number}")
                write_and_read(new_client, old_client, f"new-{number}")
            for server in (old, new):
                assert server.get("/readyz")[0] == 200
                assert not server.log.named("request.failed"), server.log.text()
                assert not server.log.named("worker.failed")
    run(owner, "import", str(CATALOGUE), folder=REPOSITORY)


def write_and_read(writer: httpx.Client, reader: httpx.Client, award: str) -> None:
    """Create, read, change, find and archive an award, each seen by the other release at once."""
    word = secrets.token_hex(8)
    created = writer.post(
        "/scholarships",
        json={
            "id": f"{award}-{word}",
            "name": f"Award {word}",
            "organization": "Side by side",
            "scholarship_type": "merit_based",
        },
    )
    assert created.status_code == 201, created.text
    read = reader.get(f"/scholarships/{award}-{word}")
    assert read.status_code == 200, read.text
    found = reader.get("/search", params={"q": word})
    assert [item["id"] for item in found.json()["items"]] == [f"{award}-{word}"]
    changed = reader.patch(
        f"/scholarships/{award}-{word}",
        json={"name": f"Changed {word}"},
        headers={"If-Match": read.headers["ETag"]},
    )
    assert changed.status_code == 200, changed.text
    assert writer.get("/search", params={"q": f"changed {word}"}).json()["items"]


def version_of(server: RunningServer, folder: Path) -> bool:
    """Whether the server runs the code of the folder: it has what only that release has."""
    processes = Path(f"/proc/{server.pid}/environ").read_text()
    return f"PYTHONPATH={folder}" in processes and bool(json.loads(server.get("/status")[1]))
