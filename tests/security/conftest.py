"""The application in production mode, on a real PostgreSQL and Valkey, with accounts."""

import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg.sql import SQL, Identifier

from scholarship_api.accounts import service
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings
from tests.catalogue.api import Api, serving

HOST: Final = "testserver"
ORIGIN: Final = "https://app.example.org"
PASSWORD: Final = "correct horse battery staple"
MANY: Final = "1000000/minute"


@pytest.fixture(scope="module")
def production(module_database_url: str, redis_url: str) -> dict[str, Any]:
    """Settings with high limits; tests of limits set their own."""
    return {
        "environment": "production",
        "database_url": module_database_url,
        "rate_limit_enabled": True,
        "rate_limit_backend_url": redis_url,
        "rate_limit_per_minute": 1_000_000,
        **{
            f"rate_limit_{group}": MANY
            for group in (
                *("search", "eligibility", "scholarships", "analytics", "events", "students"),
                *("login_account", "login_address"),
            )
        },
        "jwt_secret_key": secrets.token_hex(48),
        "access_token_expire_minutes": 1_440,  # a walk outlives the default on a slow machine
        "cors_allowed_origins": ORIGIN,
        "allowed_hosts": HOST,
    }


@pytest.fixture(scope="module")
async def api(production: dict[str, Any]) -> AsyncIterator[Api]:
    settings = {name: value for name, value in production.items() if name != "database_url"}
    async with serving(production["database_url"], **settings) as api:
        yield api


@pytest.fixture(scope="module")
def client(api: Api) -> httpx.AsyncClient:
    """Sends no token."""
    return api.anonymous


def created(settings: dict[str, Any], **changed: Any) -> FastAPI:  # noqa: ANN401
    """Another application with other settings, which has not been started."""
    return create_app(Settings.model_validate({**settings, **changed}))


def connect(app: FastAPI, *, address: str = "203.0.113.9") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 51234))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")


@asynccontextmanager
async def asleep(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that could not start because a dependency is missing."""
    async with connect(app) as client:
        yield client
    await app.state.health.close()
    await app.state.limiter.close()
    await app.state.database.close()


@asynccontextmanager
async def awake(app: FastAPI, *, address: str = "203.0.113.9") -> AsyncIterator[httpx.AsyncClient]:
    async with app.router.lifespan_context(app), connect(app, address=address) as client:
        yield client


async def account(api: Api) -> str:
    """The name of a new student's account with PASSWORD."""
    name = f"user-{uuid.uuid4().hex}"
    async with api.app.state.database.write_session() as session:
        await service.create(
            session,
            new=NewAccount(username=name, role=Role.STUDENT),
            password_hash=hash_password(PASSWORD),
        )
    return name


async def log_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    credentials = {"username": name, "password": password}
    return await client.post("/api/v1/auth/login-simple", json=credentials)


def dumped_tables(url: str) -> dict[str, str]:
    """All rows of each table, as COPY writes them, in lower case."""
    dumped = {}
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        tables: list[Any] = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            rows = SQL("COPY {} TO STDOUT").format(Identifier("public", table))
            with connection.cursor().copy(rows) as copied:
                dumped[table] = b"".join(map(bytes, copied)).decode().casefold()
    return dumped


def assert_error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that the answer is an error in the schema, with the headers of every answer."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body.keys() - {"details"} == {"trace_id", "code", "message", "status", "timestamp"}
    assert (body["code"], body["status"]) == (code, status)
    assert body["trace_id"] == answer.headers["x-trace-id"] == answer.headers["x-request-id"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["strict-transport-security"]
    assert answer.headers["content-security-policy"]
    return body
