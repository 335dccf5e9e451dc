from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings
from tests.platform.http.production import HOST, ORIGIN, connect, with_test_routes


@pytest.fixture
def production(database_url: str, redis_url: str) -> Settings:
    """Settings of production with the PostgreSQL and Redis of the tests."""
    return Settings(
        environment="production",
        jwt_secret_key="9f2c4e8a1b7d3f6055aa0e9c8d7b6a5f4e3d2c1b0a99887766f5e4d3c2b1a0f9",
        database_url=database_url,
        rate_limit_backend_url=redis_url,
        rate_limit_per_minute=100_000,
        rate_limit_scholarships="100000/minute",
        cors_allowed_origins=ORIGIN,
        allowed_hosts=f"{HOST},*.internal.example.org",
        trusted_proxy_ips="10.0.0.0/8,fd00::/8",
    )


@pytest.fixture
def app(production: Settings) -> FastAPI:
    return with_test_routes(create_app(production))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application in production, with its lifespan running."""
    async with app.router.lifespan_context(app), connect(app) as made:
        yield made
