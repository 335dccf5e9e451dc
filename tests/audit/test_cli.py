"""`scholarship-api audit`."""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from anyio import to_thread
from typer.testing import CliRunner, Result

from scholarship_api.cli import app as commands
from scholarship_api.settings.settings import Settings
from tests.api_keys.conftest import Headers, MakeKey

pytestmark = pytest.mark.anyio

AUDIT = "/api/v1/audit"

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in a thread, as it has an event loop of its own."""
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())

    async def run(*arguments: str) -> Result:
        return await to_thread.run_sync(lambda: CliRunner().invoke(commands, ["audit", *arguments]))

    return run


async def printed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    result = await run(*arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


async def test_the_command_prints_what_the_route_answers(
    run: Run, client: httpx.AsyncClient, admin: Headers, make_key: MakeKey
) -> None:
    key = await make_key()
    await client.delete(f"/api/v1/api-keys/{key['id']}", headers=admin)
    [revoked, created] = await printed(run, "--target", key["id"])
    page = await client.get(AUDIT, params={"target": key["id"]}, headers=admin)
    assert page.json()["items"] == [revoked, created]
    target = ("--target", key["id"])
    assert await printed(run, *target, "--action", "key.created") == [created]
    assert await printed(run, *target, "--action", "login.") == []
    actor = created["actor"]["id"]
    assert await printed(run, *target, "--actor", actor) == [revoked, created]
    assert await printed(run, *target, "--actor", str(uuid.uuid4())) == []
    assert await printed(run, *target, "--since", "2020-01-01") == [revoked, created]
    assert await printed(run, *target, "--until", "2020-01-01T12:00:00") == []


async def test_a_wrong_filter_is_refused_in_a_sentence(run: Run) -> None:
    result = await run("--action", "KEY")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: action: ")
