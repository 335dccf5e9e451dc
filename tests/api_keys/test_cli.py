"""`scholarship-api keys`: the secrets that it prints work, and end when it says so."""

import datetime as dt
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from anyio import to_thread
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from scholarship_api.api_keys.cli import keys
from scholarship_api.settings.settings import Settings
from tests.api_keys.conftest import SEARCH, sent

pytestmark = pytest.mark.anyio

ME = "/api/v1/auth/me"

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`scholarship-api keys` in a thread, as it has an event loop of its own."""
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("RATE_LIMIT_TIERS", '{"campus": {"search": "50/minute"}}')

    async def run(*arguments: str) -> Result:
        return await to_thread.run_sync(lambda: CliRunner().invoke(keys, arguments))

    return run


async def done(run: Run, *arguments: str) -> Any:  # noqa: ANN401
    """The JSON that a command prints."""
    result = await run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


async def test_the_secret_alone_is_on_standard_output(run: Run, client: httpx.AsyncClient) -> None:
    result = await run("create", "portal", "--scope", "scholarships:read")
    assert result.exit_code == 0, result.output
    secret = result.stdout.removesuffix("\n")
    assert (await client.get(ME, headers={"X-API-Key": secret})).status_code == 200


async def test_each_option_of_a_new_key(run: Run, client: httpx.AsyncClient) -> None:
    until = dt.date(2099, 12, 31)
    options = ("--organization", "Acme Trust", "--tier", "campus", "--expires", str(until))
    scopes = ("--scope", "scholarships:read", "--scope", "audit:read")
    key = await done(run, "create", "portal", *scopes, *options)
    assert key["scopes"] == ["audit:read", "scholarships:read"]
    assert (key["kind"], key["organization"], key["tier"]) == ("secret", "Acme Trust", "campus")
    assert key["expires_at"] == "2100-01-01T00:00:00Z", "valid for all of its last day"
    answer = await client.get(SEARCH, headers=sent(key))
    assert answer.headers["X-RateLimit-Tier"] == "campus"


async def test_an_origin_makes_a_publishable_key(run: Run, client: httpx.AsyncClient) -> None:
    origin = "https://app.example.org"
    key = await done(run, "create", "page", "--scope", "scholarships:read", "--origin", origin)
    assert (key["kind"], key["origins"]) == ("publishable", [origin])
    for headers, status in (({"Origin": origin}, 200), ({}, 403)):
        answer = await client.get(SEARCH, headers={**sent(key), **headers})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--tier", "gold"), "RATE_LIMIT_TIERS"),
        (("--expires", "2020-01-01"), "in the future"),
        (("--expires", "9999-12-31"), "before 9999-12-31"),
        (("--origin", "https://app.example.org/path"), "https://app.example.org"),
        (("--origin", "https://a.example.org", "--scope", "audit:read"), "publishable"),
        (("--organization", "\u3164"), "visible"),
    ],
)
async def test_a_wrong_option_is_refused_in_a_sentence(
    run: Run, options: tuple[str, ...], says: str
) -> None:
    result = await run("create", "portal", "--scope", "scholarships:read", *options)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert says in result.stderr


async def test_the_life_of_a_key(run: Run, client: httpx.AsyncClient) -> None:
    first = await done(run, "create", f"portal {uuid.uuid4()}", "--scope", "scholarships:read")
    second = await done(run, "rotate", first["id"], "--overlap-hours", "1")
    for key in (first, second):
        assert (await client.get(ME, headers=sent(key))).status_code == 200
    third = await done(run, "rotate", first["id"], "--overlap-hours", "0")
    statuses = [(await client.get(ME, headers=sent(key))).status_code for key in (first, second)]
    assert statuses == [401, 401]
    assert (await client.get(ME, headers=sent(third))).status_code == 200
    assert (await run("revoke", first["id"])).exit_code == 0
    assert (await client.get(ME, headers=sent(third))).status_code == 401
    [listed] = [key for key in await done(run, "list") if key["id"] == first["id"]]
    assert listed["revoked_at"]
    assert "secret" not in listed
    [line] = [line for line in (await run("list")).stdout.splitlines() if first["id"] in line]
    assert "revoked" in line


@pytest.mark.parametrize("command", ["rotate", "revoke"])
async def test_an_unknown_key_is_reported(run: Run, command: str) -> None:
    result = await run(command, str(uuid.uuid4()))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: There is no API key with this id.\n"


async def test_the_use_of_keys_by_day_and_group(
    run: Run, client: httpx.AsyncClient, app: FastAPI
) -> None:
    one = await done(run, "create", "one", "--scope", "scholarships:read")
    other = await done(run, "create", "other", "--scope", "scholarships:read")
    for key, requests in ((one, 2), (other, 1)):
        for _ in range(requests):
            await client.get(SEARCH, headers=sent(key))
    await app.state.usage_recorder.flush()
    today = str(dt.datetime.now(dt.UTC).date())
    counted = {"day": today, "key_id": one["id"], "route_group": "search", "requests": 2}
    assert (await done(run, "usage", one["id"]))["items"] == [counted]
    by_key = {row["key_id"]: row["requests"] for row in (await done(run, "usage"))["items"]}
    assert (by_key[one["id"]], by_key[other["id"]]) == (2, 1)
    table = await run("usage", one["id"], "--days", "1")
    assert table.stdout.splitlines()[1].split() == [today, one["id"], "search", "2"]
