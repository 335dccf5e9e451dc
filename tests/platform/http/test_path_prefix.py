"""Links start with the path under which a trusted proxy, or ROOT_PATH, publishes the service."""

from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings, SettingsError
from tests.platform.http.production import connect, with_test_routes

pytestmark = pytest.mark.anyio

PROXY = "10.1.2.3"
PREFIX = "/scholarships-api"


async def get(
    settings: Settings, path: str, *, peer: str = PROXY, **headers: str
) -> httpx.Response:
    app = with_test_routes(create_app(settings))
    async with app.router.lifespan_context(app), connect(app, peer=peer) as client:
        return await client.get(
            path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )


def changed(settings: Settings, **values: Any) -> Settings:  # noqa: ANN401
    return Settings.model_validate({**settings.model_dump(), **values})


async def test_links_have_the_prefix_of_a_trusted_proxy(production: Settings) -> None:
    index = await get(production, "/", X_Forwarded_Prefix=f"{PREFIX}/")
    assert index.json()["links"]["search"] == f"{PREFIX}/api/v1/search"
    moved = await get(production, "/search?limit=1", X_Forwarded_Prefix=PREFIX)
    assert moved.headers["Link"] == f'<{PREFIX}/api/v1/search>; rel="successor-version"'


@pytest.mark.parametrize(
    ("peer", "prefix"),
    [
        ("203.0.113.9", PREFIX),
        (PROXY, "//evil.example"),
        (PROXY, "https://evil.example"),
        (PROXY, "/a/../b"),
        (PROXY, "/a b"),
        (PROXY, '/a">'),
        (PROXY, "/a\\b"),
        (PROXY, ""),
    ],
)
async def test_other_prefixes_are_ignored(production: Settings, peer: str, prefix: str) -> None:
    index = await get(production, "/", peer=peer, X_Forwarded_Prefix=prefix)
    assert index.json()["links"]["search"] == "/api/v1/search"


@pytest.mark.parametrize("path", ["/", f"{PREFIX}/"])
async def test_root_path_is_the_prefix_whether_the_proxy_removes_it_or_not(
    production: Settings, path: str
) -> None:
    settings = changed(production, root_path=f"{PREFIX}/")
    index = await get(settings, path, peer="203.0.113.9")
    assert index.json()["links"]["liveness"] == f"{PREFIX}/healthz"


async def test_the_documentation_has_the_prefix(production: Settings) -> None:
    settings = changed(production, enable_docs=True)
    document = await get(settings, "/openapi.json", X_Forwarded_Prefix=PREFIX)
    assert document.json()["servers"] == [{"url": PREFIX}]
    page = await get(settings, "/docs", X_Forwarded_Prefix=PREFIX)
    assert f"'{PREFIX}/docs/oauth2-redirect'" in page.text
    plain = await get(settings, "/docs")
    assert "'/docs/oauth2-redirect'" in plain.text
    assert "servers" not in (await get(settings, "/openapi.json")).json()


async def test_the_openapi_document_names_the_public_base_url(production: Settings) -> None:
    public = "https://api.example.org/scholarships-api"
    settings = changed(production, enable_docs=True, public_base_url=f"{public}/")
    document = await get(settings, "/openapi.json")
    assert document.json()["servers"] == [{"url": public}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("root_path", "scholarships"),
        ("root_path", "//host"),
        ("root_path", "/a/../b"),
        ("public_base_url", "api.example.org"),
        ("public_base_url", "https://user:planted@api.example.org"),
        ("public_base_url", "https://api.example.org/?a=b"),
        ("bind_host", "localhost"),
        ("bind_host", "::,127.0.0.1"),
        ("bind_host", ","),
    ],
)
def test_unusable_values_are_refused(name: str, value: str) -> None:
    with pytest.raises((SettingsError, ValidationError)) as refusal:
        Settings.model_validate({"environment": "test", name: value})
    assert "planted" not in str(refusal.value)
