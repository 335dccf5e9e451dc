"""The sample catalogue behind the routes, and a client of it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from scholarship_api.app import create_app
from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.settings.settings import Settings


@pytest.fixture(scope="module")
def sample_database_url(module_database_url: str) -> str:
    load_bundled(module_database_url)
    return module_database_url


@pytest.fixture(scope="module")
def app(sample_database_url: str) -> FastAPI:
    return create_app(
        Settings(
            environment="test",
            database_url=SecretStr(sample_database_url),
            rate_limit_enabled=False,
        )
    )


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield client
