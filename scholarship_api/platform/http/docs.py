"""The documentation pages, with every asset served by the app itself."""

import base64
import hashlib
import mimetypes
import re
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from starlette.responses import HTMLResponse, JSONResponse, Response

from scholarship_api.errors import NotFound

_ASSETS: Final = Path(str(files("fastapi_offline").joinpath("static")))
_ASSETS_VERSION: Final = version("fastapi-offline")
_ICON: Final = "favicon.png"
_REDOC: Final = "redoc.standalone.js"
# ReDoc's footer fetches this logo from a CDN, and no option prevents it.
_CDN_LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_ASSET_CACHING: Final = "public, max-age=31536000, immutable"
_INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def docs_router(app: FastAPI) -> APIRouter:
    """/docs, /redoc, /openapi.json, /docs/oauth2-redirect and /docs/assets of `app`.

    The pages are rendered once. Their links are relative, so that they work behind a prefix.
    """
    router = APIRouter(include_in_schema=False)
    assets = {path.name: path.read_bytes() for path in _ASSETS.iterdir()}
    assets[_REDOC] = assets[_REDOC].replace(_CDN_LOGO, _asset_url(_ICON).encode())
    pages = {
        "/docs": get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url=_asset_url("swagger-ui-bundle.js"),
            swagger_css_url=_asset_url("swagger-ui.css"),
            swagger_favicon_url=_asset_url(_ICON),
            oauth2_redirect_url="/docs/oauth2-redirect",
        ),
        "/redoc": get_redoc_html(
            openapi_url="openapi.json",
            title=app.title,
            redoc_js_url=_asset_url(_REDOC),
            redoc_favicon_url=_asset_url(_ICON),
            with_google_fonts=False,
        ),
        "/docs/oauth2-redirect": get_swagger_ui_oauth2_redirect_html(),
    }

    def add_page(path: str, page: HTMLResponse) -> None:
        body = bytes(page.body)
        headers = {"Content-Security-Policy": _content_security_policy(body.decode())}

        async def show() -> Response:
            return HTMLResponse(body, headers=headers)

        router.add_api_route(path, show)

    for path, page in pages.items():
        add_page(path, page)

    @router.get("/openapi.json")
    async def openapi() -> Response:
        return JSONResponse(app.openapi())

    @router.get("/docs/assets/{name}")
    async def asset(name: str) -> Response:
        if name not in assets:
            raise NotFound
        media_type, _ = mimetypes.guess_type(name)
        return Response(
            assets[name], media_type=media_type, headers={"Cache-Control": _ASSET_CACHING}
        )

    return router


def _asset_url(name: str) -> str:
    return f"docs/assets/{name}?v={_ASSETS_VERSION}"


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
