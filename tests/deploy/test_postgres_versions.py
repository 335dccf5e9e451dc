"""Every version of PostgreSQL that is promised: migrations, commands and requests."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.deploy.gunicorn_server import REPOSITORY, environment, running_server
from tests.deploy.postgres_nodes import PostgresNode
from tests.deploy.test_database_failover import CATALOGUE, settings_for

pytestmark = [pytest.mark.server, pytest.mark.slow]

VERSIONS: Final = (15, 16, 17, 18)


@pytest.fixture(params=VERSIONS)
def node(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PostgresNode]:
    with PostgresNode(tmp_path / "a", major=request.param) as node:
        yield node


def run(settings: dict[str, str], *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        cwd=REPOSITORY,
        env=environment(settings, 8000),
        input=stdin.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def test_everything_works_on_each_version(node: PostgresNode, redis_url: str) -> None:
    settings = settings_for(node.address, redis_url)
    owner = settings | {"DATABASE_URL": settings["DATABASE_MIGRATION_URL"]}
    run(owner, "migrate")
    run(owner, "import", str(CATALOGUE))
    run(owner, "import", str(CATALOGUE))  # unchanged
    assert node.execute("SELECT count(*) > 100 FROM search_words WHERE documents > 0") == [(True,)]
    exported = run(owner, "export")
    assert len(exported.splitlines()) == len(CATALOGUE.read_text().splitlines())
    password = secrets.token_urlsafe(16)
    run(owner, "users", "create", "ada", "--role", "admin", "--password-stdin", stdin=password)
    with (
        running_server(settings, ready_path="/readyz") as server,
        httpx.Client(base_url=f"{server.url}/api/v1", timeout=20, trust_env=False) as client,
    ):
        login = client.post("/auth/login-simple", json={"username": "ada", "password": password})
        client.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        for method, path, body in requests():
            response = client.request(method, path, json=body)
            assert response.status_code in {200, 201}, (path, response.text)
        awards = client.get("/search", params={"q": "enginering", "limit": 5}).json()
        assert awards["items"], awards
        assert not server.log.named("request.failed")
        assert not server.log.named("database.unavailable")


def requests() -> list[tuple[str, str, Any]]:
    award = {
        "id": "of-the-version",
        "name": "Version award",
        "organization": "Version",
        "scholarship_type": "merit_based",
    }
    profile = {"gpa": 3.9, "grade_level": "undergraduate"}
    return [
        ("GET", "/search?q=engineering&facets=true", None),
        ("GET", "/search?q=women+in+science&sort=deadline", None),
        ("GET", "/search?min_amount=1000&limit=5", None),
        ("POST", "/search", {"q": "nursing"}),
        ("GET", "/search/suggestions?prefix=eng", None),
        ("GET", "/scholarships/smart-search?q=stem", None),
        ("POST", "/scholarships", award),
        ("GET", "/scholarships/of-the-version", None),
        ("POST", "/eligibility/check", profile),
        ("POST", "/scholarships/recommendations", {"user_profile": profile}),
        ("GET", "/analytics/search-trends", None),
    ]
