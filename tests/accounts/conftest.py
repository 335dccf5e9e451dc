"""Accounts in a real database, and the application on it with a real Valkey."""

import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.accounts import service
from scholarship_api.accounts.authentication import Authentication
from scholarship_api.accounts.models import Account
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.app import create_app
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings

PASSWORD = "correct horse battery staple"
SECRET_KEY = secrets.token_hex(40)

MakeAccount = Callable[..., Awaitable[Account]]
Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(scope="module")
def settings(module_database_url: str, redis_url: str) -> Settings:
    """Limits so high that they never take effect; tests of limits set their own."""
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": module_database_url,
            "rate_limit_backend_url": redis_url,
            "rate_limit_per_minute": 1_000_000,
            "rate_limit_login_account": "1000000/minute",
            "rate_limit_login_address": "1000000/minute",
            "jwt_secret_key": SECRET_KEY,
        }
    )


def changed(settings: Settings, **values: Any) -> Settings:  # noqa: ANN401
    """The settings with some other values, validated as a whole."""
    return Settings.model_validate({**settings.model_dump(), **values})


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@asynccontextmanager
async def connected(app: FastAPI, address: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 1234))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with connected(app) as client:
        yield client


@pytest.fixture(scope="module")
def database(app: FastAPI) -> Database:
    database: Database = app.state.database
    return database


@pytest.fixture(scope="module")
def make_account(database: Database) -> MakeAccount:
    """Creates accounts of any role with the password PASSWORD, each with its own name."""
    password_hash = hash_password(PASSWORD)

    async def make(role: Role = Role.STUDENT, **values: Any) -> Account:  # noqa: ANN401
        if role is Role.PARTNER:
            values.setdefault("organization", "Acme Trust")
        values.setdefault("username", f"user-{uuid.uuid4().hex}")
        new = NewAccount(role=role, **values)
        async with database.write_session() as session:
            await service.create(session, new=new, password_hash=password_hash)
            return await service.get(session, username=new.username)

    return make


def bearer(app: FastAPI, account: Account) -> dict[str, str]:
    """The Authorization header with a new token of the account."""
    authentication: Authentication = app.state.authentication
    token = authentication.tokens.issue(
        account_id=account.id, password_version=account.password_version
    )
    return {"Authorization": f"Bearer {token}"}
