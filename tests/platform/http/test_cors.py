import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.platform.http.production import (
    FOREIGN_ORIGIN,
    ORIGIN,
    assert_complete,
    assert_error,
)

pytestmark = pytest.mark.anyio

EXPOSED = (
    "X-Request-ID, X-Trace-ID, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, "
    "X-RateLimit-Reset, X-RateLimit-Tier, ETag, Location"
)


async def endless_body() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536
        await asyncio.sleep(0)


ANSWERS = {
    200: ("GET", "/notes/a", {}),
    404: ("GET", "/nothing", {}),
    405: ("DELETE", "/notes/a", {}),
    413: ("POST", "/notes/a", {"content": b" " * 1_048_577}),
    414: ("GET", "/notes/" + "a" * 2048, {}),
    422: ("POST", "/notes/a", {"json": {"text": 7}}),
    500: ("GET", "/fault", {}),
}
CODES = {
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    414: "URI_TOO_LONG",
    422: "VALIDATION_ERROR",
    500: "INTERNAL_ERROR",
}


@pytest.mark.parametrize("origin", [ORIGIN, FOREIGN_ORIGIN, "null", None])
@pytest.mark.parametrize("status", ANSWERS)
async def test_responses_have_cors_headers_for_allowed_origins(
    client: httpx.AsyncClient, status: int, origin: str | None
) -> None:
    method, path, body = ANSWERS[status]
    headers = {"Content-Type": "application/json"} | ({"Origin": origin} if origin else {})
    response = await client.request(method, path, headers=headers, **body)  # type: ignore[arg-type]
    assert response.status_code == status
    if status in CODES:
        assert_error(response, status, CODES[status])
    assert_complete(response)
    assert response.headers.get("access-control-allow-origin") == (
        ORIGIN if origin == ORIGIN else None
    )
    assert "access-control-allow-credentials" not in response.headers
    assert response.headers["vary"] == "Origin"
    if origin == ORIGIN:
        assert response.headers["access-control-expose-headers"] == EXPOSED


async def test_the_rejection_of_a_chunked_body_has_cors_headers(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Origin": ORIGIN}
    response = await client.post("/notes/a", headers=headers, content=endless_body())
    assert_error(response, 413, "PAYLOAD_TOO_LARGE")
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["connection"] == "close"


async def preflight(client: httpx.AsyncClient, **headers: str) -> httpx.Response:
    sent = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "GET",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return await client.options("/notes/a", headers=sent)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_an_allowed_preflight_is_answered(client: httpx.AsyncClient, method: str) -> None:
    response = await preflight(
        client,
        Access_Control_Request_Method=method,
        Access_Control_Request_Headers=(
            "authorization,content-type,if-match,if-none-match,idempotency-key,x-request-id"
        ),
    )
    assert response.status_code == 200
    assert_complete(response)
    headers = response.headers
    assert headers["access-control-allow-origin"] == ORIGIN
    assert headers["access-control-allow-methods"] == "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    assert headers["access-control-max-age"] == "600"
    assert headers["access-control-allow-headers"] == (
        "Accept, Accept-Language, Authorization, Content-Language, Content-Type, Idempotency-Key, "
        "If-Match, If-None-Match, X-API-Key, X-Request-ID"
    )


@pytest.mark.parametrize(
    "refused",
    [
        {"Origin": FOREIGN_ORIGIN},
        {"Origin": "null"},
        {"Origin": ORIGIN.upper()},
        {"Origin": ORIGIN + ":8443"},
        {"Origin": ORIGIN + ".example.net"},
        {"Access_Control_Request_Method": "TRACE"},
        {"Access_Control_Request_Headers": "x-anything"},
        {"Access_Control_Request_Headers": "authorization, x-anything"},
    ],
)
async def test_a_rejected_preflight_is_an_error_in_the_schema(
    client: httpx.AsyncClient, refused: dict[str, str]
) -> None:
    response = await preflight(client, **refused)
    assert_error(response, 400, "BAD_REQUEST")
    allowed = None if "Origin" in refused else ORIGIN
    assert response.headers.get("access-control-allow-origin") == allowed
    assert FOREIGN_ORIGIN not in response.text


async def test_options_that_is_no_preflight_reaches_the_routes(client: httpx.AsyncClient) -> None:
    response = await client.options("/notes/a", headers={"Origin": ORIGIN})
    assert_error(response, 405, "METHOD_NOT_ALLOWED")
