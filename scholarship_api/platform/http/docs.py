"""The documentation pages, with every asset served by the app itself."""

import asyncio
import base64
import hashlib
import mimetypes
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from starlette.responses import HTMLResponse, JSONResponse, Response

from scholarship_api.errors import NotFound
from scholarship_api.platform.http.path_prefix import prefix_of

_ASSETS: Final = Path(str(files("fastapi_offline").joinpath("static")))
_ASSETS_VERSION: Final = version("fastapi-offline")
_ICON: Final = "favicon.png"
_REDOC: Final = "redoc.standalone.js"
# ReDoc's footer fetches this logo from a CDN, and no option prevents it.
_CDN_LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_ASSET_CACHING: Final = "public, max-age=31536000, immutable"
_CACHED_PAGES: Final = 12
"""Pages that are kept, of 1 to 3 KiB: all pages for four prefixes."""
_INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def docs_router(app: FastAPI, *, public_base_url: str) -> APIRouter:
    """/docs, /redoc, /openapi.json, /docs/oauth2-redirect and /docs/assets of `app`.

    The links of the pages are relative, so that they work behind a prefix. OAuth2 needs an absolute
    one, for which the pages are rendered once for each prefix.
    """
    router = APIRouter(include_in_schema=False)
    assets = {path.name: path.read_bytes() for path in _ASSETS.iterdir()}
    assets[_REDOC] = assets[_REDOC].replace(_CDN_LOGO, _asset_url(_ICON).encode())

    @lru_cache(maxsize=_CACHED_PAGES)
    def page(path: str, prefix: str) -> tuple[bytes, dict[str, str]]:
        body = bytes(_PAGES[path](app.title, prefix).body)
        return body, {"Content-Security-Policy": _content_security_policy(body.decode())}

    def add_page(path: str) -> None:
        async def show(request: Request) -> Response:
            body, headers = page(path, prefix_of(request.scope))
            return HTMLResponse(body, headers=headers)

        router.add_api_route(path, show)

    for path in _PAGES:
        add_page(path)

    document = _Document(app)

    @router.get("/openapi.json")
    async def openapi(request: Request) -> Response:
        body = await document.json(server_url=public_base_url or prefix_of(request.scope))
        return Response(body, media_type="application/json")

    @router.get("/docs/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in assets:
            raise NotFound
        media_type, _ = mimetypes.guess_type(name)
        return Response(
            assets[name], media_type=media_type, headers={"Cache-Control": _ASSET_CACHING}
        )

    return router


class _Document:
    """The OpenAPI document of `app`, as JSON in UTF-8.

    It is made once, in a thread: that takes a second of CPU, in which other requests go on.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._lock = asyncio.Lock()
        self._json = b""

    async def json(self, *, server_url: str) -> bytes:
        """The document that names this server; with "" it names none."""
        async with self._lock:
            if not self._json:
                self._json = await asyncio.to_thread(self._make)
        if not server_url:
            return self._json
        servers = JSONResponse({"servers": [{"url": server_url}]}).body
        return bytes(servers[:-1]) + b"," + self._json[1:]

    def _make(self) -> bytes:
        return bytes(JSONResponse(self._app.openapi()).body)


def _asset_url(name: str) -> str:
    return f"docs/assets/{name}?v={_ASSETS_VERSION}"


def _swagger_ui(title: str, prefix: str) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title=title,
        swagger_js_url=_asset_url("swagger-ui-bundle.js"),
        swagger_css_url=_asset_url("swagger-ui.css"),
        swagger_favicon_url=_asset_url(_ICON),
        oauth2_redirect_url=f"{prefix}/docs/oauth2-redirect",
    )


def _redoc(title: str, _: str) -> HTMLResponse:
    return get_redoc_html(
        openapi_url="openapi.json",
        title=title,
        redoc_js_url=_asset_url(_REDOC),
        redoc_favicon_url=_asset_url(_ICON),
        with_google_fonts=False,
    )


def _oauth2_redirect(_: str, __: str) -> HTMLResponse:
    return get_swagger_ui_oauth2_redirect_html()


_PAGES: Final[dict[str, Callable[[str, str], HTMLResponse]]] = {
    "/docs": _swagger_ui,
    "/redoc": _redoc,
    "/docs/oauth2-redirect": _oauth2_redirect,
}
"""Each page, from the title of the API and the prefix of its paths."""


def _content_security_policy(page: str) -> str:
    """A policy that names the page's inline scripts by their hashes.

    Inline styles are allowed, because ReDoc makes its style sheets at run time.
    """
    scripts = ["'self'"]
    for text in _INLINE_SCRIPT.findall(page):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        scripts.append(f"'sha256-{digest}'")
    return (
        f"default-src 'none'; script-src {' '.join(scripts)}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
