import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.platform.http.hosts import HostsMiddleware
from scholarship_api.settings.settings import Settings
from tests.platform.http.production import HOST, assert_complete, assert_error, connect

pytestmark = pytest.mark.anyio

ACCEPTED = [
    HOST,
    f"{HOST}:443",
    f"{HOST}:8000",
    HOST.upper(),
    "a.internal.example.org",
    "a.b.internal.example.org",
]
REFUSED = [
    "evil.example.net",
    f"evil.{HOST}",
    f"{HOST}.evil.example.net",
    f"evil{HOST}",
    "internal.example.org",
    "example.org",
    "localhost",
    "127.0.0.1",
    "[::1]:8000",
    f"{HOST}@evil.example.net",
    f"{HOST}/path",
    f"{HOST}?",
    f"{HOST}:port",
    f"{HOST}, evil.example.net",
    f"{HOST} ",
    "*",
    "",
]


@pytest.mark.parametrize("host", ACCEPTED)
async def test_allowed_hosts_are_accepted(client: httpx.AsyncClient, host: str) -> None:
    response = await client.get("/notes/a", headers={"Host": host})
    assert response.status_code == 200
    assert_complete(response)


@pytest.mark.parametrize("path", ["/notes/a", "/nothing", "/fault"])
@pytest.mark.parametrize("host", REFUSED)
async def test_other_hosts_are_rejected(client: httpx.AsyncClient, host: str, path: str) -> None:
    body = assert_error(await client.get(path, headers={"Host": host}), 400, "INVALID_HOST")
    assert host.strip("* ") == "" or host not in body["message"]


async def test_two_host_headers_are_rejected(app: FastAPI) -> None:
    async with connect(app) as client:
        request = client.build_request("GET", "/notes/a")
        request.headers = httpx.Headers([("Host", HOST), ("Host", HOST)])
        assert_error(await client.send(request), 400, "INVALID_HOST")


async def test_a_missing_host_header_is_rejected(app: FastAPI) -> None:
    async with connect(app) as client:
        request = client.build_request("GET", "/notes/a")
        del request.headers["host"]
        assert_error(await client.send(request), 400, "INVALID_HOST")


async def test_there_is_no_redirect_to_www() -> None:
    settings = Settings(environment="test", allowed_hosts="www.example.org")
    async with connect(
        HostsMiddleware(_unreachable, settings=settings), host="example.org"
    ) as client:
        response = await client.get("/")
    assert (response.status_code, response.json()["code"]) == (400, "INVALID_HOST")


@pytest.mark.parametrize("path", ["/healthz", "/health"])
async def test_probes_are_answered_under_any_host(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path, headers={"Host": "10.1.2.3:8000"})
    assert response.status_code == 200
    assert_complete(response)


async def _unreachable(*_: object) -> None:
    raise AssertionError
