"""The identity for which a request is counted and logged."""

import asyncio
import json
import uuid

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.accounts import service
from scholarship_api.platform.observability import logging
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import MakeAccount, bearer, changed, connected, running
from tests.accounts.test_login_limits import new_address
from tests.accounts.test_tokens import OTHER_KEY, good_claims, good_header, signed

pytestmark = pytest.mark.anyio

SEARCH = "/api/v1/search"


async def remaining(client: httpx.AsyncClient, headers: dict[str, str] | None = None) -> int:
    """The remaining requests in the bucket of GET /search, after this one."""
    answer = await client.get(SEARCH, headers=headers)
    assert answer.status_code in {200, 401}
    return int(answer.headers["X-RateLimit-Remaining"])


@pytest.fixture(scope="module")
def limited(settings: Settings) -> Settings:
    return changed(settings, rate_limit_search="50/hour")


async def test_an_account_has_one_bucket_over_all_addresses_and_instances(
    limited: Settings, make_account: MakeAccount
) -> None:
    account = await make_account()
    async with running(limited) as first, running(limited) as second:
        seen = []
        for app in (first, second, first, second):
            async with connected(app, new_address()) as client:
                seen.append(await remaining(client, bearer(first, account)))
        assert seen == [49, 48, 47, 46]


async def test_requests_of_an_account_do_not_count_for_the_address(
    limited: Settings, make_account: MakeAccount
) -> None:
    account = await make_account()
    async with running(limited) as app, connected(app, new_address()) as client:
        assert await remaining(client) == 49
        assert await remaining(client, bearer(app, account)) == 49
        assert await remaining(client, bearer(app, account)) == 48
        assert await remaining(client) == 48


async def test_invalid_tokens_create_no_buckets(
    limited: Settings, make_account: MakeAccount
) -> None:
    account = await make_account()
    claims = good_claims(account.id)
    async with running(limited) as app, connected(app, new_address()) as client:
        junk = (
            "Bearer junk",
            f"Bearer {uuid.uuid4()}.{uuid.uuid4()}.x",
            f"Bearer {signed(good_header(), claims, OTHER_KEY)}",
            f"Bearer {signed(good_header(), {**claims, 'exp': 1})}",
            f"Bearer {signed({**good_header(), 'alg': 'none'}, claims)}",
            "Basic dTpw",
        )
        seen = [await remaining(client, {"Authorization": value}) for value in junk]
        assert seen == [49, 48, 47, 46, 45, 44]
        assert await remaining(client, bearer(app, account)) == 49  # the account's is untouched


async def test_the_access_log_names_the_verified_account(
    settings: Settings,
    app: FastAPI,
    make_account: MakeAccount,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logging.configure(changed(settings, log_format="json"))
    account = await make_account()
    forged = signed(good_header(), good_claims(account.id), OTHER_KEY)
    async with connected(app) as client:
        capsys.readouterr()
        await client.get("/api/v1/auth/me", headers=bearer(app, account))
        await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {forged}"})
        await client.get("/api/v1/auth/check")
        await asyncio.sleep(0)
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    seen = [
        (line["status"], line["user_id"])
        for line in lines
        if line["logger"] == "scholarship_api.access"
    ]
    assert seen == [(200, str(account.id)), (401, None), (200, None)]


async def test_the_middleware_grants_no_access(
    app: FastAPI, client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    account = await make_account()
    token = bearer(app, account)
    async with app.state.database.write_session() as session:
        await service.delete(session, account_id=account.id)
    assert (await client.get("/api/v1/auth/me", headers=token)).status_code == 401
