"""Limits of logins: they stop guessing, and never keep an owner from logging in elsewhere."""

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.accounts import login_limits
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import PASSWORD, MakeAccount, changed, connected, running
from tests.accounts.test_login import WRONG, by_form, by_json

pytestmark = pytest.mark.anyio


def new_site() -> str:
    """The first three groups of a random IPv6 /48."""
    number = uuid.uuid4().int
    return f"2001:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}"


def new_address() -> str:
    """A random IPv6 address, in its own /48."""
    return f"{new_site()}::1"


@pytest.fixture(scope="module", autouse=True)
def _failures_per_hour() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(login_limits, "MAX_FAILURES", "60/hour")
        yield


@pytest.fixture(scope="module")
def limited(settings: Settings) -> Settings:
    """The default limits. They are per hour, so that no window ends during a test."""
    return changed(settings, rate_limit_login_account="5/hour", rate_limit_login_address="20/hour")


@pytest.fixture(scope="module")
async def limited_app(limited: Settings) -> AsyncIterator[FastAPI]:
    async with running(limited) as app:
        yield app


async def statuses(app: FastAPI, address: str, username: str, passwords: list[str]) -> list[int]:
    async with connected(app, address) as client:
        return [(await by_json(client, username, password)).status_code for password in passwords]


def assert_limited(answer: httpx.Response, *, limit: int) -> None:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (429, "RATE_LIMITED")
    retry_after = int(answer.headers["Retry-After"])
    assert 1 <= retry_after <= 7200
    assert body["details"]["retry_after_seconds"] == retry_after
    assert answer.headers["X-RateLimit-Limit"] == str(limit)
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    reset_in = int(answer.headers["X-RateLimit-Reset"]) - time.time()
    assert abs(reset_in - retry_after) <= 3
    assert answer.headers["Cache-Control"] == "no-store"


# --- Per account and address ---------------------------------------------------------------------


async def test_one_address_gets_five_attempts_at_an_account(
    limited: Settings, make_account: MakeAccount
) -> None:
    """By form and JSON, in any letter case, over two instances together."""
    username, address = (await make_account()).username, new_address()
    async with running(limited) as first, running(limited) as second:
        found = []
        for attempt in range(8):
            app, spelled = (
                (first, second)[attempt % 2],
                (username, username.upper())[attempt // 2 % 2],
            )
            async with connected(app, address) as client:
                answer = await (by_form, by_json)[attempt % 2](client, spelled, WRONG)
            found.append(answer.status_code)
        assert found == [401] * 5 + [429] * 3
        async with connected(first, address) as client:
            assert_limited(await by_json(client, username, PASSWORD), limit=5)
            other = (await make_account()).username
            assert (await by_json(client, other, PASSWORD)).status_code == 200


async def test_all_addresses_of_an_ipv6_network_share_the_attempts(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    username, network = (await make_account()).username, f"{new_site()}:1"
    found = [
        (await statuses(limited_app, f"{network}:{host}::1", username, [WRONG]))[0]
        for host in range(1, 8)
    ]
    assert found == [401] * 5 + [429] * 2


async def test_an_account_that_does_not_exist_has_the_same_limits(limited_app: FastAPI) -> None:
    username = f"nobody-{uuid.uuid4().hex}"
    found = await statuses(limited_app, new_address(), username, [WRONG] * 7)
    assert found == [401] * 5 + [429] * 2


# --- Nobody can lock another one out -------------------------------------------------------------


@pytest.mark.slow
async def test_the_right_password_works_from_another_address_during_an_attack(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    username, attacker, owner = (await make_account()).username, new_address(), new_address()
    assert await statuses(limited_app, attacker, username, [WRONG] * 30) == [401] * 5 + [429] * 25
    found: list[int] = []
    for _ in range(4):
        found += await statuses(limited_app, owner, username, [PASSWORD])
        await statuses(limited_app, attacker, username, [WRONG] * 5)
    assert found == [200] * 4


@pytest.mark.slow
async def test_refused_attempts_do_not_count_as_failures(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    """One address that keeps sending cannot use up the failures that all addresses share."""
    username = (await make_account()).username
    await statuses(limited_app, new_address(), username, [WRONG] * 100)
    found = await statuses(limited_app, new_address(), username, [WRONG] * 4 + [PASSWORD])
    assert found == [401] * 4 + [200]


@pytest.mark.slow
async def test_an_account_knows_the_addresses_that_it_was_logged_in_from(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    """However many addresses an attack comes from, the owner at home is not locked out."""
    username, home = (await make_account()).username, new_address()
    assert await statuses(limited_app, home, username, [PASSWORD]) == [200]
    for address in itertools.islice(addresses(), 12):
        assert await statuses(limited_app, address, username, [WRONG] * 5) == [401] * 5
    elsewhere = await statuses(limited_app, new_address(), username, [PASSWORD])
    assert elsewhere == [429]
    at_home = await statuses(limited_app, home, username, [PASSWORD, WRONG, PASSWORD, WRONG, WRONG])
    assert at_home == [200, 401, 200, 401, 429]
    # Logging in at home has not taken back any failure of the others.
    assert await statuses(limited_app, new_address(), username, [WRONG]) == [429]


async def test_one_ipv6_site_cannot_use_up_the_failures_of_an_account(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    username, site = (await make_account()).username, new_site()
    found = [
        (await statuses(limited_app, f"{site}:{number:x}::1", username, [WRONG]))[0]
        for number in range(25)
    ]
    assert found == [401] * 20 + [429] * 5
    assert await statuses(limited_app, new_address(), username, [PASSWORD]) == [200]


# --- Failures over all addresses -----------------------------------------------------------------


def addresses() -> Iterator[str]:
    return (new_address() for _ in itertools.count())


@pytest.mark.slow
async def test_an_account_takes_sixty_failures_over_all_addresses(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    username = (await make_account()).username
    attempts = (
        statuses(limited_app, address, username, [WRONG])
        for address in itertools.islice(addresses(), 70)
    )
    found = Counter(status for (status,) in await asyncio.gather(*attempts))
    assert found == {401: 60, 429: 10}
    async with connected(limited_app, new_address()) as client:
        assert_limited(await by_json(client, username, PASSWORD), limit=60)


@pytest.mark.slow
async def test_successful_logins_are_no_failures(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    username = (await make_account()).username
    for address in itertools.islice(addresses(), 14):
        found = await statuses(limited_app, address, username, [PASSWORD] * 5)
        assert found == [200] * 5


async def test_a_login_that_cannot_be_verified_is_no_failure(
    limited_app: FastAPI, make_account: MakeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    username = (await make_account()).username
    with monkeypatch.context() as patched:
        # Further logins are refused because too many wait for a thread.
        patched.setattr(limited_app.state.authentication.passwords, "_pending", 1_000)
        for address in itertools.islice(addresses(), 65):
            assert await statuses(limited_app, address, username, [PASSWORD]) == [503]
    assert await statuses(limited_app, new_address(), username, [PASSWORD]) == [200]


@pytest.mark.slow
async def test_failures_are_counted_in_memory_too(
    limited: Settings, make_account: MakeAccount
) -> None:
    username = (await make_account()).username
    in_memory = changed(limited, rate_limit_backend_url="")
    async with running(in_memory) as app:
        for address in itertools.islice(addresses(), 13):
            assert await statuses(app, address, username, [PASSWORD] * 5) == [200] * 5
        for address in itertools.islice(addresses(), 12):
            assert await statuses(app, address, username, [WRONG] * 5) == [401] * 5
        assert await statuses(app, new_address(), username, [WRONG]) == [429]


# --- Per address and per site --------------------------------------------------------------------


async def test_one_address_gets_twenty_attempts_at_all_accounts(
    limited_app: FastAPI, make_account: MakeAccount
) -> None:
    async with connected(limited_app, new_address()) as client:
        own = await by_json(client, (await make_account()).username, PASSWORD)
        # The attacker's own token does not give the attempts another bucket.
        client.headers["Authorization"] = f"Bearer {own.json()['access_token']}"
        found = [
            (await by_json(client, f"nobody-{uuid.uuid4().hex}", WRONG)).status_code
            for _ in range(21)
        ]
        assert found == [401] * 19 + [429] * 2
        assert_limited(await by_json(client, uuid.uuid4().hex, PASSWORD), limit=20)
    account = await make_account()
    assert await statuses(limited_app, new_address(), account.username, [PASSWORD]) == [200]


@pytest.mark.slow
async def test_an_ipv6_site_gets_four_times_as_many(limited_app: FastAPI) -> None:
    """Each attempt comes from another /64 of one /48 and tries another account."""
    site = new_site()
    found = [
        (await statuses(limited_app, f"{site}:{number:x}::1", uuid.uuid4().hex, [WRONG]))[0]
        for number in range(90)
    ]
    assert found == [401] * 80 + [429] * 10
    assert await statuses(limited_app, new_address(), uuid.uuid4().hex, [WRONG]) == [401]


# --- Without the backend -------------------------------------------------------------------------


async def test_without_the_limiter_logins_are_refused_where_it_is_required(
    limited: Settings, make_account: MakeAccount
) -> None:
    username = (await make_account()).username
    staging = changed(limited, environment="staging")
    async with running(staging) as app, connected(app) as client:
        await app.state.limiter.shared.close()
        app.state.limiter.shared = type(app.state.limiter.shared)("redis://127.0.0.1:1/0")
        answer = await by_json(client, username, PASSWORD)
    assert answer.status_code == 503
    assert answer.json()["code"] == "SERVICE_UNAVAILABLE"
    assert answer.headers["Retry-After"]
