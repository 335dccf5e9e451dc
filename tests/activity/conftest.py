"""Awards and accounts in a real database, and two instances of the application on it."""

import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.accounts import service
from scholarship_api.accounts.models import Account
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import bearer, connected, running
from tests.eligibility.awards import award, put

Headers = dict[str, str]
MakeAccount = Callable[..., Awaitable[tuple[Account, Headers]]]
TABLES = (
    "interactions",
    "query_counts",
    "query_clients",
    "query_event_counts",
    "award_event_counts",
    "event_clients",
    "search_counts",
)
Connection = psycopg.Connection[tuple[Any, ...]]


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


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(
        module_database_url,
        [
            *(award(f"award_{number}") for number in range(8)),
            award("words", description="An award for future Astronomers of Łódź"),
            award("draft", status="draft"),
            award("archived", status="archived"),
        ],
    )


@pytest.fixture(scope="module")
async def apps(settings: Settings) -> AsyncIterator[list[FastAPI]]:
    """Two instances of the application, as two workers have them."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(settings)) for _ in range(2)]


@pytest.fixture(scope="module")
async def clients(apps: list[FastAPI]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connected(app)) for app in apps]


@pytest.fixture(scope="module")
def app(apps: list[FastAPI]) -> FastAPI:
    return apps[0]


@pytest.fixture(scope="module")
def client(clients: list[httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients[0]


@pytest.fixture(scope="module")
def database(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


@pytest.fixture(scope="module")
def make_account(app: FastAPI, database: Database) -> MakeAccount:
    """Creates an account and the Authorization header of its token."""
    password_hash = hash_password("correct horse battery staple")

    async def make(role: Role = Role.STUDENT) -> tuple[Account, Headers]:
        organization = "Acme Trust" if role is Role.PARTNER else None
        name = f"user-{uuid.uuid4().hex}"
        new = NewAccount(username=name, role=role, organization=organization)
        async with database.write_session() as session:
            await service.create(session, new=new, password_hash=password_hash)
            account = await service.get(session, username=name)
        return account, bearer(app, account)

    return make


@pytest.fixture(scope="module")
async def admin(make_account: MakeAccount) -> Headers:
    _, headers = await make_account(Role.ADMIN)
    return headers


@pytest.fixture(scope="module")
async def student(make_account: MakeAccount) -> Headers:
    _, headers = await make_account()
    return headers


@pytest.fixture
async def rows(module_database_url: str, apps: list[FastAPI]) -> AsyncIterator[Connection]:
    """A connection to the database, whose tables of activity are empty."""
    for app in apps:
        await app.state.search_recorder.flush()  # searches of earlier tests
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(TABLES)}")
        yield connection
