"""The risks of the OWASP API Security Top 10 (2023), each tested from outside.

https://owasp.org/API-Security/editions/2023/en/0x11-t10/
"""

import asyncio
import base64
import json
import re
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.routing import iter_route_contexts

from scholarship_api.accounts.access import PUBLIC_ROUTES
from scholarship_api.settings.settings import SettingsError
from tests.catalogue.api import AWARDS, Api, User, address, new_award
from tests.catalogue.api import created as create_award
from tests.platform.http.production import served
from tests.security.conftest import (
    HOST,
    PASSWORD,
    account,
    assert_error,
    awake,
    created,
    log_in,
)

pytestmark = pytest.mark.anyio

SEARCH: Final = "/api/v1/search"
SOMEBODY: Final = "00000000-0000-0000-0000-000000000000"


async def test_api1_broken_object_level_authorization(api: Api) -> None:
    """Awards of others cannot be changed, and their drafts cannot be seen."""
    award = address(await create_award(api.partner))
    draft = address(await create_award(api.partner, status="draft"))
    tag = {"If-Match": "*"}
    for stranger in (api.other, api.student, api.reader):
        for answer in (
            await stranger.client.put(award, json=new_award(), headers=tag),
            await stranger.client.patch(award, json={"amount": None}, headers=tag),
            await stranger.client.delete(award, headers=tag),
        ):
            assert_error(answer, 403, "FORBIDDEN")
        assert_error(await stranger.client.get(draft), 404, "NOT_FOUND")
        path = f"/api/v1/analytics/user/{api.partner.id}"
        assert_error(await stranger.client.get(path), 403, "FORBIDDEN")
    assert (await api.anonymous.get(award)).json()["version"] == 1
    assert (await api.partner.client.get(draft)).status_code == 200
    taken = await api.other.client.post(AWARDS, json=new_award(organization="Acme Trust"))
    assert_error(taken, 403, "FORBIDDEN")


def forged(token: str) -> Iterator[str]:
    """Manipulated copies of a valid token."""
    header, claims, signature = token.split(".")

    def encoded(part: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")

    def decoded(part: str) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
        return values

    for name in ("none", "None", "HS512", "RS256"):
        yield f"{encoded({**decoded(header), 'alg': name})}.{claims}."
        yield f"{encoded({**decoded(header), 'alg': name})}.{claims}.{signature}"
    yield f"{header}.{encoded({**decoded(claims), 'sub': SOMEBODY})}.{signature}"
    yield f"{header}.{encoded({**decoded(claims), 'exp': 99_999_999_999})}.{signature}"
    yield f"{header}.{claims}."
    yield f"{header}.{claims}"
    yield "." * 2


async def test_api2_broken_authentication(api: Api, client: httpx.AsyncClient) -> None:
    """Forged, revoked and misplaced tokens are refused; every login gets a new token."""
    name = await account(api)
    token = (await log_in(client, name, PASSWORD)).json()["access_token"]

    async def me(token: str) -> httpx.Response:
        return await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})

    assert (await me(token)).json()["username"] == name
    for bad in forged(token):
        assert_error(await me(bad), 401, "UNAUTHORIZED")
    for misplaced in ({"token": token}, {"access_token": token}):
        answer = await client.get("/api/v1/auth/me", params=misplaced)
        assert_error(answer, 401, "UNAUTHORIZED")
    basic = {"Authorization": f"Basic {base64.b64encode(f'{name}:{PASSWORD}'.encode()).decode()}"}
    assert_error(await client.get("/api/v1/auth/me", headers=basic), 401, "UNAUTHORIZED")
    other = (await log_in(client, name, PASSWORD)).json()["access_token"]
    done = await client.post("/api/v1/auth/logout", headers={"Authorization": f"Bearer {token}"})
    assert done.status_code == 204
    assert_error(await me(token), 401, "UNAUTHORIZED")
    assert (await me(other)).status_code == 200


async def test_api3_broken_object_property_level_authorization(api: Api) -> None:
    """Fields that the service sets cannot be assigned; internal fields are not shown."""
    decided = {
        "version": 99,
        "created_at": "2020-01-01T00:00:00Z",
        "availability": "open",
        "search_vector": "x",
        "account_id": SOMEBODY,
        "role": "admin",
        "closes_at": "infinity",
    }
    for name, value in decided.items():
        answer = await api.partner.client.post(AWARDS, json=new_award(**{name: value}))
        if answer.status_code == 201:  # fields of an answer may be sent back and are ignored
            assert answer.json()["version"] == 1
            assert answer.json().get(name) != value
        else:
            assert_error(answer, 422, "VALIDATION_ERROR")
    award = await create_award(api.partner)
    moved = await api.partner.client.patch(
        address(award), json={"organization": "Other Trust"}, headers={"If-Match": "*"}
    )
    assert_error(moved, 403, "FORBIDDEN")
    shown = {**award.json(), **(await api.student.client.get("/api/v1/auth/me")).json()}
    assert not [name for name in shown if re.search("password|hash|vector|token|folded", name)]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SEARCH, {"limit": 101}),
        (SEARCH, {"offset": 10_001}),
        (SEARCH, {"q": "word " * 200}),
        ("/api/v1/scholarships/recommendations", {"user_profile": {"gpa": 3}, "limit": 51}),
        ("/api/v1/eligibility/check", {"gpa": 3, "scholarship_ids": ["a"] * 51}),
        (
            "/api/v1/scholarships/bulk-eligibility-check",
            {"user_profile": {"gpa": 3}, "scholarship_ids": ["a"] * 51},
        ),
    ],
)
async def test_api4_unrestricted_resource_consumption_by_one_request(
    client: httpx.AsyncClient, path: str, body: dict[str, Any]
) -> None:
    assert_error(await client.post(path, json=body), 422, "VALIDATION_ERROR")


async def test_api4_unrestricted_resource_consumption_by_many_requests(
    production: dict[str, Any],
) -> None:
    app = created(production, rate_limit_per_minute=5)
    async with awake(app, address="203.0.113.61") as client:
        answers = [await client.get(f"/status?{number}") for number in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    body = assert_error(answers[-1], 429, "RATE_LIMITED")
    assert body["details"]["retry_after_seconds"] == int(answers[-1].headers["retry-after"])


async def test_api5_broken_function_level_authorization(api: Api) -> None:
    """Routes for administrators and partners refuse others, with every method."""
    rows = json.dumps({"id": "api5", **new_award()}).encode()
    ndjson = {"Content-Type": "application/x-ndjson"}

    async def admins(user: User) -> list[httpx.Response]:
        client = user.client
        return [
            await client.post(f"{AWARDS}/import", content=rows, headers=ndjson),
            *[
                await client.get(f"/api/v1/analytics/{name}")
                for name in ("summary", "interactions", "search-trends", f"user/{user.id}")
            ],
        ]

    for user in (api.partner, api.student, api.reader):
        for answer in await admins(user):
            assert_error(answer, 403, "FORBIDDEN")
    assert {answer.status_code for answer in await admins(api.admin)} == {200}
    for user in (api.student, api.reader):
        assert_error(await user.client.post(AWARDS, json=new_award()), 403, "FORBIDDEN")
        popular = await user.client.get("/api/v1/analytics/popular-scholarships")
        assert_error(popular, 403, "FORBIDDEN")
    override = {"X-HTTP-Method-Override": "DELETE", "X-Original-URL": "/api/v1/auth/me"}
    assert (await api.student.client.get("/status", headers=override)).status_code == 200
    assert (await api.student.client.get("/api/v1/auth/me")).status_code == 200


async def test_api6_unrestricted_access_to_sensitive_business_flows(api: Api) -> None:
    """One account cannot make an award popular: repeated interactions count once."""
    award = (await create_award(api.partner, name="Zqpopular")).json()["id"]
    for kind in ("viewed", "saved", "applied"):
        for _ in range(5):
            interaction = {"scholarship_id": award, "type": kind}
            answer = await api.student.client.post("/api/v1/interactions", json=interaction)
            assert answer.status_code == 201
    page = await api.admin.client.get(
        "/api/v1/analytics/interactions", params={"scholarship_id": award}
    )
    assert sorted(found["type"] for found in page.json()["interactions"]) == [
        "applied",
        "saved",
        "viewed",
    ]


async def test_api7_server_side_request_forgery(api: Api) -> None:
    """The addresses of an award are text: the service never fetches them."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        urls = {"application_url": url, "website_url": url, "source_url": url}
        award = await create_award(api.partner, name="Zqforged", **urls)
        assert (await api.anonymous.get(address(award))).json()["application_url"] == url
        row = json.dumps({"id": f"api7-{uuid.uuid4()}", **new_award(name="Zqforged"), **urls})
        ndjson = {"Content-Type": "application/x-ndjson"}
        await api.admin.client.post(f"{AWARDS}/import", content=row, headers=ndjson)
        found = await api.anonymous.get(SEARCH, params={"q": "zqforged"})
        assert found.json()["total"] == 2
        with pytest.raises(BlockingIOError):
            listener.accept()
    for scheme in ("file:///etc/passwd", "javascript:alert(1)", "gopher://x/", "data:text/html,x"):
        answer = await api.partner.client.post(AWARDS, json=new_award(website_url=scheme))
        assert_error(answer, 422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "unsafe",
    [
        {"debug": True},
        {"jwt_secret_key": "secret"},
        {"jwt_secret_key": ""},
        {"cors_allowed_origins": "*"},
        {"cors_allowed_origins": "http://localhost:3000"},
        {"allowed_hosts": "*"},
        {"trusted_proxy_ips": "*"},
        {"rate_limit_enabled": False},
    ],
    ids=str,
)
def test_api8_security_misconfiguration_by_settings(
    production: dict[str, Any], unsafe: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match=next(iter(unsafe)).upper()):
        created(production, **unsafe)


async def test_api8_security_misconfiguration_of_answers(client: httpx.AsyncClient) -> None:
    foreign = await client.get("/status", headers={"Origin": "https://evil.invalid"})
    assert "access-control-allow-origin" not in foreign.headers
    for method in ("TRACE", "TRACK", "CONNECT", "PROPFIND"):
        assert_error(await client.request(method, "/status"), 405, "METHOD_NOT_ALLOWED")
    for path in ("/docs", "/redoc", "/openapi.json", "/.env", "/.git/config", "/metrics"):
        assert_error(await client.get(path), 404, "NOT_FOUND")
    answer = await client.get("/status", headers={"X-Forwarded-Host": "evil.invalid"})
    assert "evil.invalid" not in answer.text
    assert not {"server", "x-powered-by"} & answer.headers.keys()
    assert HOST not in answer.headers.get("location", "")


def test_api9_improper_inventory_management(api: Api) -> None:
    """Every route is documented with its access; deprecated ones are marked."""
    document = api.app.openapi()
    documented = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    routes = {
        (method, str(route.path_format))
        for route in iter_route_contexts(api.app.routes)
        for method in route.methods or ()
    } - {("HEAD", path) for _, path in PUBLIC_ROUTES}
    # Aliases of documented routes.
    aliases = {("GET", "/api"), ("GET", "/status"), ("GET", "/health")}
    assert routes - documented == aliases
    assert document["info"]["version"]
    for path in ("/search", "/eligibility/check"):
        assert all(operation["deprecated"] for operation in document["paths"][path].values())
    for method, path in documented - PUBLIC_ROUTES:
        assert document["paths"][path][method.lower()]["security"], path


async def test_api10_unsafe_consumption_of_apis(production: dict[str, Any]) -> None:
    """A hostile host among OUTBOUND_CHECK_URLS can redirect and send endlessly without effect."""
    asked: list[str] = []

    hostile = FastAPI()

    @hostile.get("/{name}")
    async def redirect(name: str) -> StreamingResponse:
        asked.append(name)

        async def without_an_end() -> AsyncIterator[bytes]:
            while True:
                yield b"Pl4nted" * 999
                await asyncio.sleep(0.01)

        headers = {"Location": "/metadata", "Set-Cookie": "a=Pl4nted"}
        return StreamingResponse(without_an_end(), 302, headers)

    with served(hostile) as url:
        app = created(production, outbound_check_urls=f"{url}/first")
        async with awake(app) as client:
            answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["services"]["outbound"]["status"] == "up"
    assert asked == ["first"]
    assert "Pl4nted" not in f"{answer.text} {answer.headers}"
