from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response

from scholarship_api.platform.http.security_headers import SecurityHeadersMiddleware
from scholarship_api.settings.settings import Settings
from tests.platform.http.production import connect

pytestmark = pytest.mark.anyio


async def answer(
    response: Response,
    settings: Settings | None = None,
    *,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    middleware = SecurityHeadersMiddleware(
        response, settings=settings or Settings(environment="test")
    )
    async with connect(middleware) as client:
        return await client.get("/", headers=headers)


@pytest.mark.parametrize(
    ("options", "frames", "hsts"),
    [
        ({"environment": "development"}, "SAMEORIGIN", False),
        ({"environment": "staging"}, "SAMEORIGIN", False),
        ({"environment": "staging", "enable_hsts": True}, "SAMEORIGIN", True),
    ],
)
async def test_headers_outside_production(options: dict[str, Any], frames: str, hsts: bool) -> None:
    response = await answer(PlainTextResponse("x"), Settings(**options))
    assert response.headers["x-frame-options"] == frames
    assert ("strict-transport-security" in response.headers) is hsts


async def test_headers_in_production(production: Settings) -> None:
    headers = (await answer(PlainTextResponse("x"), production)).headers
    assert headers["x-frame-options"] == "DENY"
    assert "strict-transport-security" in headers
    without = production.model_copy(update={"enable_hsts": False})
    assert (
        "strict-transport-security" not in (await answer(PlainTextResponse("x"), without)).headers
    )


async def test_a_page_may_have_its_own_policy() -> None:
    page = PlainTextResponse("x", headers={"Content-Security-Policy": "default-src 'self'"})
    response = await answer(page)
    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]


@pytest.mark.parametrize(
    ("status", "own", "authorization", "stored"),
    [
        (200, None, None, None),
        (200, "public, max-age=60", None, "public, max-age=60"),
        (200, None, "Bearer x", "no-store"),
        (200, "public, max-age=60", "Bearer x", "no-store"),
        (404, None, None, "no-store"),
        (404, "public, max-age=5", None, "public, max-age=5"),
        (401, None, "Bearer x", "no-store"),
    ],
)
async def test_cache_control_depends_on_credentials_and_status(
    status: int, own: str | None, authorization: str | None, stored: str | None
) -> None:
    page = PlainTextResponse("x", status, headers={"Cache-Control": own} if own else None)
    sent = {"Authorization": authorization} if authorization else {}
    response = await answer(page, headers=sent)
    assert response.headers.get_list("cache-control") == ([stored] if stored else [])


async def test_the_headers_of_a_response_are_not_changed_for_the_next_one() -> None:
    page = PlainTextResponse("x")
    first = await answer(page)
    second = await answer(page)
    assert first.headers == second.headers
