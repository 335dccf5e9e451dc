"""The documentation pages: over HTTP, and in a browser."""

import asyncio
import html
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings
from tests.platform.http.production import assert_error, connect, served

PATHS = [
    "/docs",
    "/redoc",
    "/openapi.json",
    "/docs/oauth2-redirect",
    "/docs/assets/swagger-ui-bundle.js",
    "/docs/assets/redoc.standalone.js",
    "/docs/assets/favicon.png",
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
    "--dump-dom",
]
# Chromium reports violations of a policy and failed requests on the console, too.
CONSOLE = re.compile(r"CONSOLE[:(]\d+[)\]].*", re.IGNORECASE)


@pytest.fixture
def open_app(database_url: str) -> FastAPI:
    return create_app(Settings(environment="development", database_url=database_url))


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_the_pages_are_absent_in_production(client: httpx.AsyncClient, path: str) -> None:
    assert_error(await client.get(path), 404, "NOT_FOUND")


@pytest.mark.anyio
@pytest.mark.parametrize("path", PATHS)
async def test_the_pages_are_absent_in_staging(production: Settings, path: str) -> None:
    staging = production.model_copy(update={"environment": "staging", "enable_hsts": False})
    async with connect(create_app(staging)) as client:
        response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.anyio
async def test_enable_docs_shows_them_in_production(production: Settings) -> None:
    async with connect(create_app(production.model_copy(update={"enable_docs": True}))) as client:
        assert [(await client.get(path)).status_code for path in PATHS] == [200] * len(PATHS)


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
async def test_pages_load_nothing_from_other_hosts(open_app: FastAPI, path: str) -> None:
    async with connect(open_app) as client:
        page = await client.get(path)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        addresses = re.findall(r'(?:src|href|spec-url)="([^"]+)"', page.text)
        for address in addresses:
            answer = await client.get(f"/{address}")
            assert answer.status_code == 200, address
            assert "cdn.redoc" not in answer.text
            if "assets" in address:
                assert "immutable" in answer.headers["cache-control"]


@pytest.mark.anyio
async def test_an_unknown_asset_is_not_found(open_app: FastAPI) -> None:
    async with connect(open_app) as client:
        for name in ("nothing.js", "..%2f__init__.py", "%2e%2e/core.py"):
            assert (await client.get(f"/docs/assets/{name}")).status_code == 404


@pytest.mark.anyio
async def test_other_requests_go_on_while_the_document_is_made(
    open_app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, released = threading.Event(), threading.Event()

    def slow_openapi() -> dict[str, Any]:
        started.set()
        return {"openapi": "3.1.0", "released": released.wait(30)}

    monkeypatch.setattr(open_app, "openapi", slow_openapi)
    async with connect(open_app) as client:
        document = asyncio.create_task(client.get("/openapi.json"))
        await asyncio.to_thread(started.wait, 30)
        assert (await client.get("/status")).status_code == 200
        released.set()
        assert (await document).json()["released"]


def in_browser(app: FastAPI, path: str, profile: Path) -> tuple[str, list[str]]:
    """The document after its scripts have run, and the messages of the console."""
    with served(app) as base:
        result = subprocess.run(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", f"{base}{path}"],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    return result.stdout, CONSOLE.findall(result.stderr)


needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="needs chromium (apt-get install chromium)"
)


@needs_chromium
def test_swagger_ui_renders_in_a_browser(open_app: FastAPI, tmp_path: Path) -> None:
    document, console = in_browser(open_app, "/docs", tmp_path)
    assert console == []
    shown = re.sub(r"<[^>]+>|\u200b", "", document)
    paths = list(open_app.openapi()["paths"])
    assert "/api/v1/search" in paths
    assert [path for path in paths if path not in shown] == []


@needs_chromium
def test_redoc_renders_in_a_browser(open_app: FastAPI, tmp_path: Path) -> None:
    document, console = in_browser(open_app, "/redoc", tmp_path)
    assert console == []
    shown = html.unescape(re.sub(r"<[^>]+>", "", document))
    summaries = [
        operation["summary"]
        for methods in open_app.openapi()["paths"].values()
        for operation in methods.values()
    ]
    assert len(summaries) > 5
    assert [summary for summary in summaries if summary not in shown] == []


@needs_chromium
def test_the_console_reports_policy_violations(open_app: FastAPI, tmp_path: Path) -> None:
    @open_app.get("/broken")
    async def broken() -> HTMLResponse:
        return HTMLResponse("<script>document.title = 'inline'</script>")

    _, console = in_browser(open_app, "/broken", tmp_path)
    assert "Content Security Policy" in str(console)
