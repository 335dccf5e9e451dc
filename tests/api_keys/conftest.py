"""Two instances of the application, as two workers have them, and keys of an administrator."""

import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
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
from tests.eligibility.awards import award, put

Headers = dict[str, str]
Key = dict[str, Any]
MakeKey = Callable[..., Awaitable[Key]]
MakeHeaders = Callable[..., Awaitable[Headers]]

KEYS = "/api/v1/api-keys"
USAGE = "/api/v1/usage"
LISTING = "/api/v1/scholarships"
SEARCH = "/api/v1/search"


@pytest.fixture(scope="module")
def settings(module_database_url: str, redis_url: str) -> Settings:
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": module_database_url,
            "rate_limit_backend_url": redis_url,
            "rate_limit_per_minute": 10_000,
            "rate_limit_search": "20/minute",
            "rate_limit_scholarships": "10000/minute",
            "rate_limit_tiers": '{"campus": {"search": "50/minute", "events": "70/minute"}}',
            "jwt_secret_key": secrets.token_hex(40),
        }
    )


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(module_database_url, [award("one", organization="Acme Trust"), award("two")])


@pytest.fixture(scope="module")
async def apps(settings: Settings) -> AsyncIterator[list[FastAPI]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(running(settings)) for _ in range(2)]


@pytest.fixture(scope="module")
async def app(apps: list[FastAPI]) -> FastAPI:
    return apps[0]


@pytest.fixture
async def address() -> str:
    """An address of its own for each test, so that tests do not share rate limits."""
    number = uuid.uuid4().int
    return f"10.{number % 250}.{number // 250 % 250}.{number // 62_500 % 250}"


@pytest.fixture
async def clients(apps: list[FastAPI], address: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connected(app, address=address)) for app in apps]


@pytest.fixture
def client(clients: list[httpx.AsyncClient]) -> httpx.AsyncClient:
    return clients[0]


@pytest.fixture(scope="module")
def make_headers(app: FastAPI) -> MakeHeaders:
    """The headers of a new account of a role."""

    async def make(role: Role, **values: Any) -> Headers:  # noqa: ANN401
        new = NewAccount(role=role, username=f"user-{uuid.uuid4().hex}", **values)
        async with app.state.database.write_session() as session:
            await service.create(session, new=new, password_hash=hash_password("correct horse"))
            account = await service.get(session, username=new.username)
        return bearer(app, account)

    return make


@pytest.fixture(scope="module")
async def admin(make_headers: MakeHeaders) -> Headers:
    return await make_headers(Role.ADMIN)


@pytest.fixture
def make_key(client: httpx.AsyncClient, admin: Headers) -> MakeKey:
    """A key that the administrator creates; `headers` sends its secret."""

    async def make(*, by: Headers | None = None, **values: Any) -> Key:  # noqa: ANN401
        body = {"name": "campus portal", "scopes": ["scholarships:read"], **values}
        answer = await client.post(KEYS, json=body, headers=by or admin)
        assert answer.status_code == 201, answer.text
        key: Key = answer.json()
        return key

    return make


def sent(key: Key) -> Headers:
    return {"Authorization": f"Bearer {key['secret']}"}


async def change(
    client: httpx.AsyncClient, award_id: str, headers: Headers, **values: object
) -> httpx.Response:
    """The answer to a change of an award's newest version."""
    url = f"{LISTING}/{award_id}"
    version = (await client.get(url)).headers["ETag"]
    return await client.patch(url, json=values, headers={"If-Match": version, **headers})
