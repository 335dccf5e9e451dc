"""A token that is no longer valid is refused on every route, and counts for its address."""

import re
import uuid
from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.accounts import service
from scholarship_api.accounts.models import Account
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.token_check import CHECK_PATH
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import MakeAccount, bearer, changed, connected, running
from tests.accounts.test_login_limits import new_address
from tests.accounts.test_tokens import OTHER_KEY, good_claims, good_header, signed
from tests.faults import FaultyProxy, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

SUGGESTIONS = "/api/v1/search/suggestions?prefix=law"

Headers = dict[str, str]
End = Callable[[FastAPI, httpx.AsyncClient, Account], Awaitable[Headers]]
"""Makes a token of the account and ends it."""


async def logged_out(app: FastAPI, client: httpx.AsyncClient, account: Account) -> Headers:
    token = bearer(app, account)
    assert (await client.post("/api/v1/auth/logout", headers=token)).status_code == 204
    return token


async def disabled(app: FastAPI, _: httpx.AsyncClient, account: Account) -> Headers:
    async with app.state.database.write_session() as session:
        await service.disable(session, account=account)
    return bearer(app, account)


async def deleted(app: FastAPI, _: httpx.AsyncClient, account: Account) -> Headers:
    async with app.state.database.write_session() as session:
        await service.delete(session, account_id=account.id)
    return bearer(app, account)


async def new_password(app: FastAPI, _: httpx.AsyncClient, account: Account) -> Headers:
    async with app.state.database.write_session() as session:
        await service.set_password(
            session, account=account, password_hash=hash_password("another good password")
        )
    return bearer(app, account)


async def forged(_: FastAPI, __: httpx.AsyncClient, account: Account) -> Headers:
    return {"Authorization": f"Bearer {signed(good_header(), good_claims(account.id), OTHER_KEY)}"}


async def junk(_: FastAPI, __: httpx.AsyncClient, ___: Account) -> Headers:
    return {"Authorization": "Bearer junk"}


DEAD = [logged_out, disabled, deleted, new_password]


@pytest.mark.slow
@pytest.mark.parametrize("end", [*DEAD, forged, junk])
async def test_every_route_refuses_an_invalid_token(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount, end: End
) -> None:
    """Public routes as well, and before they look at the request; probes read no token."""
    token = await end(app, client, await make_account())
    operations = [
        (method, path)
        for path, methods in app.openapi()["paths"].items()
        if not path.startswith(("/health", "/readyz", "/metrics"))
        for method in methods
    ]
    assert len(operations) > 30
    for method, path in [*operations, ("get", "/no/such/path")]:
        async with connected(app, new_address()) as fresh:
            answer = await fresh.request(method, re.sub(r"\{.*?\}", "x", path), headers=token)
        if path == CHECK_PATH:
            assert (answer.status_code, answer.json()) == (200, {"authenticated": False})
        else:
            assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED"), path
            assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_public_routes_accept_a_valid_token(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    token = bearer(app, await make_account())
    for path in ("/", SUGGESTIONS, "/api/v1/search", "/api/v1/scholarships/smart-search?q=law"):
        assert (await client.get(path, headers=token)).status_code == 200


@pytest.fixture(scope="module")
def limited(settings: Settings) -> Settings:
    return changed(settings, rate_limit_search="10/hour")


@pytest.mark.parametrize("end", DEAD)
async def test_a_dead_token_counts_for_the_address(
    limited: Settings, make_account: MakeAccount, end: End
) -> None:
    """An address and a dead token together get no more than the address alone."""
    account = await make_account()
    async with running(limited) as app, connected(app, new_address()) as client:
        token = await end(app, client, account)
        found = [(await client.get(SUGGESTIONS, headers=token)).status_code for _ in range(12)]
        assert found == [401] * 10 + [429] * 2
        assert (await client.get(SUGGESTIONS)).status_code == 429
        async with connected(app, new_address()) as elsewhere:
            assert (await elsewhere.get(SUGGESTIONS)).status_code == 200


@pytest.mark.parametrize("end", DEAD)
async def test_a_dead_token_is_refused_where_the_address_has_no_requests_left(
    limited: Settings, make_account: MakeAccount, end: End
) -> None:
    account = await make_account()
    async with running(limited) as app, connected(app, new_address()) as client:
        token = await end(app, client, account)
        assert [(await client.get(SUGGESTIONS)).status_code for _ in range(10)] == [200] * 10
        answer = await client.get(SUGGESTIONS, headers=token)
        assert (answer.status_code, answer.json()["code"]) == (429, "RATE_LIMITED")
        assert answer.headers["Retry-After"]


async def test_requests_beyond_the_limit_do_not_reach_the_database(
    limited: Settings, make_account: MakeAccount
) -> None:
    account = await make_account()
    async with running(limited) as app, connected(app, new_address()) as client:
        token = bearer(app, account)
        url = limited.database_url.get_secret_value()
        with FaultyProxy(postgres_socket(url)) as proxy:
            through = changed(limited, database_url=through_proxy(url, proxy))
            assert {(await client.get(SUGGESTIONS, headers=token)).status_code for _ in range(10)}
            async with running(through) as second, connected(second, new_address()) as other:
                proxy.set("refuse")
                assert (await other.get(SUGGESTIONS, headers=token)).status_code == 429


async def test_without_the_database_a_token_cannot_be_checked(
    settings: Settings, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        through = changed(settings, database_url=through_proxy(url, proxy))
        async with running(through) as app, connected(app) as client:
            proxy.set("refuse")
            answer = await client.get("/", headers=bearer(app, account))
            assert (answer.status_code, answer.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
            assert (await client.get("/")).status_code == 200
            fresh = uuid.uuid4()
            token = signed(good_header(), good_claims(fresh), OTHER_KEY)
            answer = await client.get("/", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 401  # needs no database
