"""Two identity providers, and the application that accepts their tokens, as two workers have it."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import connected, running
from tests.identity_providers.provider import AUDIENCE, Provider

ME = "/api/v1/auth/me"
CHECK = "/api/v1/auth/check"
SEARCH = "/api/v1/search"

ROLES = {"staff": "admin", "office": "partner", "guest": "read-only"}


@pytest.fixture(scope="module")
def providers() -> Iterator[list[Provider]]:
    both = [Provider(), Provider()]
    for each in both:
        each.start()
    yield both
    for each in both:
        each.stop()


@pytest.fixture
def provider(providers: list[Provider]) -> Provider:
    return providers[0]


@pytest.fixture
def other_provider(providers: list[Provider]) -> Provider:
    return providers[1]


def options(**values: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "audience": AUDIENCE,
        "algorithms": ["RS256", "ES256", "PS256", "Ed25519"],
        "role_claim": "groups",
        "roles": ROLES,
        "organization_claim": "school",
        **values,
    }


@pytest.fixture(scope="module")
def settings(module_database_url: str, redis_url: str, providers: list[Provider]) -> Settings:
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": module_database_url,
            "rate_limit_backend_url": redis_url,
            "rate_limit_per_minute": 1_000_000,
            "rate_limit_search": "1000000/minute",
            "jwt_secret_key": secrets.token_hex(40),
            "oidc_issuers": {each.issuer: options() for each in providers},
        }
    )


@pytest.fixture(scope="module")
async def apps(settings: Settings) -> AsyncIterator[list[FastAPI]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(settings)) for _ in range(2)]


@pytest.fixture(scope="module")
async def clients(apps: list[FastAPI]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connected(app)) for app in apps]


@pytest.fixture
def client(clients: list[httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients[0]


@pytest.fixture(scope="module")
def database(apps: list[FastAPI]) -> Database:
    database: Database = apps[0].state.database
    return database


def sent(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
