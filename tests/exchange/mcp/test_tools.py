"""The client of the official MCP SDK runs each tool against the service."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import CallToolResult
from pydantic import SecretStr

from scholarship_api.app import create_app
from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.settings.settings import Settings
from tests.exchange.serving import served

pytestmark = pytest.mark.anyio

TOOLS = {"search_scholarships", "get_scholarship", "check_eligibility", "upcoming_deadlines"}
PROFILE = {"gpa": 3.8, "grade_level": "undergraduate", "citizenship": "US"}


@pytest.fixture(scope="module")
def sample_database_url(module_database_url: str) -> str:
    load_bundled(module_database_url)
    return module_database_url


def make_app(database_url: str, **settings: Any) -> FastAPI:  # noqa: ANN401 - of Settings
    return create_app(
        Settings.model_validate(
            {
                "environment": "test",
                "database_url": SecretStr(database_url),
                "rate_limit_enabled": False,
                "mcp_enabled": True,
                **settings,
            }
        )
    )


@pytest.fixture(scope="module")
async def base_url(sample_database_url: str) -> AsyncIterator[str]:
    async with served(make_app(sample_database_url)) as url:
        yield url


@asynccontextmanager
async def over_http(base_url: str) -> AsyncIterator[Client]:
    async with Client(f"{base_url}/mcp") as client:
        yield client


def content(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    found: dict[str, Any] | None = result.structured_content
    assert found is not None
    return found


def error(result: CallToolResult) -> str:
    assert result.is_error
    [text] = result.content
    assert text.type == "text"
    return text.text


async def use_every_tool(client: Client) -> None:
    tools = (await client.list_tools()).tools
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
    assert all(tool.description for tool in tools)

    found = content(await client.call_tool("search_scholarships", {"q": "engineering"}))
    assert found["total"] > 0
    first = found["items"][0]

    award = content(await client.call_tool("get_scholarship", {"scholarship_id": first["id"]}))
    assert award["name"] == first["name"]

    checked = content(
        await client.call_tool(
            "check_eligibility", {"profile": PROFILE, "scholarship_ids": [first["id"]]}
        )
    )
    assert [result["scholarship_id"] for result in checked["results"]] == [first["id"]]

    closing = content(await client.call_tool("upcoming_deadlines", {"days": 366, "limit": 5}))
    deadlines = [item["application_deadline"] for item in closing["items"]]
    assert deadlines
    assert deadlines == sorted(deadlines)


async def test_every_tool_over_http(base_url: str) -> None:
    async with over_http(base_url) as client:
        await use_every_tool(client)


@pytest.mark.slow
@pytest.mark.server
async def test_every_tool_on_standard_input_and_output(base_url: str) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "scholarship_api", "mcp", "--url", base_url]
    )
    async with Client(stdio_client(command)) as client:
        await use_every_tool(client)


async def test_a_search_goes_on_with_its_cursor(base_url: str) -> None:
    async with over_http(base_url) as client:
        page = content(await client.call_tool("search_scholarships", {"limit": 5}))
        arguments = {"limit": 5, "cursor": page["next_cursor"]}
        following = content(await client.call_tool("search_scholarships", arguments))
    ids = [item["id"] for each in (page, following) for item in each["items"]]
    assert len(set(ids)) == 10


async def test_errors_are_those_of_the_api(base_url: str) -> None:
    async with over_http(base_url) as client:
        missing = await client.call_tool("get_scholarship", {"scholarship_id": "nothing"})
        assert error(missing).endswith("NOT_FOUND: There is no scholarship with this id.")
        path = await client.call_tool("get_scholarship", {"scholarship_id": "../audit"})
        assert "NOT_FOUND" in error(path)
        unknown = await client.call_tool("search_scholarships", {"states": ["XX"]})
        assert "VALIDATION_ERROR" in error(unknown)
        assert "unknown state" in error(unknown)
        empty = await client.call_tool("check_eligibility", {"profile": {}})
        assert "VALIDATION_ERROR" in error(empty)
        bad = await client.call_tool("check_eligibility", {"profile": {"gpa": "high"}})
        assert "VALIDATION_ERROR" in error(bad)


async def test_the_limits_are_those_of_the_client(sample_database_url: str, redis_url: str) -> None:
    limited = make_app(
        sample_database_url,
        rate_limit_enabled=True,
        rate_limit_backend_url=redis_url,
        rate_limit_search="2/minute",
    )
    async with served(limited) as url, over_http(url) as client:
        results = [await client.call_tool("search_scholarships", {}) for _ in range(3)]
    assert [result.is_error for result in results] == [False, False, True]
    assert "RATE_LIMITED" in error(results[2])
    assert "Try again in" in error(results[2])


async def test_a_bad_key_is_refused(base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url) as client:
        answer = await client.post("/mcp", json={}, headers={"X-API-Key": "sch_live_nonsense"})
    assert answer.status_code == 401


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_other_methods_are_refused(base_url: str, method: str) -> None:
    async with httpx.AsyncClient(base_url=base_url) as client:
        answer = await client.request(method, "/mcp")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["code"] == "METHOD_NOT_ALLOWED"


async def test_it_is_off_unless_it_is_enabled(sample_database_url: str) -> None:
    app = make_app(sample_database_url, mcp_enabled=False)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        assert (await client.post("/mcp", json={})).status_code == 404
