"""Fixtures: a student with an account, a subject of a platform, and two workers that serve them."""

import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.accounts import service
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import bearer, connected, running

Headers = dict[str, str]
MakeAccount = Callable[..., Awaitable[tuple[str, Headers]]]
MakeKey = Callable[..., Awaitable[Headers]]


@dataclass(frozen=True)
class Student:
    """A person at one of the two addresses."""

    client: httpx.AsyncClient
    path: str
    """For example /api/v1/me."""
    headers: Headers
    username: str | None = None
    """None for a subject of a platform."""

    async def send(
        self, method: str, below: str, json: object = None, **headers: str
    ) -> httpx.Response:
        """`headers` have underscores in place of hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        body: dict[str, Any] = {} if json is None else {"json": json}
        return await self.client.request(
            method, self.path + below, headers={**self.headers, **named}, **body
        )


@pytest.fixture(scope="module")
def settings(module_database_url: str) -> Settings:
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": module_database_url,
            "rate_limit_enabled": False,
            "jwt_secret_key": secrets.token_hex(40),
        }
    )


@pytest.fixture(scope="module")
async def apps(settings: Settings) -> AsyncIterator[list[FastAPI]]:
    """Two instances of the application, as two workers have them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(settings)) for _ in range(2)]


@pytest.fixture(scope="module")
def app(apps: list[FastAPI]) -> FastAPI:
    return apps[0]


@pytest.fixture(scope="module")
async def clients(apps: list[FastAPI]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connected(app)) for app in apps]


@pytest.fixture(scope="module")
def client(clients: list[httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients[0]


@pytest.fixture(scope="module")
def make_account(app: FastAPI) -> MakeAccount:
    """The name of a new account, and the headers that it sends."""
    password_hash = hash_password("correct horse battery staple")

    async def make(role: Role = Role.STUDENT, **values: Any) -> tuple[str, Headers]:  # noqa: ANN401
        new = NewAccount(username=f"user-{uuid.uuid4().hex}", role=role, **values)
        async with app.state.database.write_session() as session:
            await service.create(session, new=new, password_hash=password_hash)
            account = await service.get(session, username=new.username)
        return new.username, bearer(app, account)

    return make


@pytest.fixture(scope="module")
async def admin(make_account: MakeAccount) -> Headers:
    _, headers = await make_account(Role.ADMIN)
    return headers


@pytest.fixture(scope="module")
def make_key(client: httpx.AsyncClient, admin: Headers) -> MakeKey:
    """The headers of a new API key."""

    async def make(**values: Any) -> Headers:  # noqa: ANN401
        body = {"name": "portal", "scopes": ["subjects:read", "subjects:write"], **values}
        answer = await client.post("/api/v1/api-keys", json=body, headers=admin)
        assert answer.status_code == 201, answer.text
        return {"X-API-Key": answer.json()["secret"]}

    return make


@pytest.fixture
async def account(client: httpx.AsyncClient, make_account: MakeAccount) -> Student:
    username, headers = await make_account()
    return Student(client, "/api/v1/me", headers, username)


@pytest.fixture
async def subject(client: httpx.AsyncClient, make_key: MakeKey) -> Student:
    name = f"student-{uuid.uuid4().hex}"
    return Student(client, f"/api/v1/subjects/{name}", await make_key())


@pytest.fixture(params=["account", "subject"])
def student(request: pytest.FixtureRequest, account: Student, subject: Student) -> Student:
    """Each test runs for an account and for a platform's subject."""
    return account if request.param == "account" else subject
