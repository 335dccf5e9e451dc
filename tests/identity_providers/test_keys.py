"""The keys of a provider: rotation, absence, slowness and answers that are no keys."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest
from structlog.testing import capture_logs

from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import changed, connected, running
from tests.identity_providers.conftest import CHECK, ME, SEARCH, options, sent
from tests.identity_providers.provider import DISCOVERY, KEYS, Provider

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 30.0


@pytest.fixture
def fresh() -> Iterator[Provider]:
    """A provider for this test alone."""
    provider = Provider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture
def accepting(settings: Settings) -> Any:  # noqa: ANN401
    """A client of an application that accepts the tokens of some providers."""

    @asynccontextmanager
    async def start(*providers: Provider, **values: Any) -> AsyncIterator[httpx.AsyncClient]:  # noqa: ANN401
        issuers = {each.issuer: options() for each in providers}
        changes = {"oidc_issuers": issuers, **values}
        async with running(changed(settings, **changes)) as app, connected(app) as client:
            yield client

    return start


async def until_requests(provider: Provider, count: int) -> None:
    with anyio.fail_after(PATIENCE_SECONDS):
        while len(provider.requests) < count:  # noqa: ASYNC110
            await anyio.sleep(0.01)


async def status(client: httpx.AsyncClient, token: str) -> int:
    return (await client.get(ME, headers=sent(token))).status_code


async def test_keys_are_fetched_once_for_many_requests(accepting: Any, fresh: Provider) -> None:  # noqa: ANN401
    async with accepting(fresh) as client:
        answers = await asyncio.gather(
            *(client.get(ME, headers=sent(fresh.token(f"person {n}"))) for n in range(20))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert fresh.requests == [DISCOVERY, KEYS]


async def test_a_new_key_is_found_and_the_old_one_refused(accepting: Any, fresh: Provider) -> None:  # noqa: ANN401
    async with accepting(fresh) as client:
        old = fresh.token()
        assert await status(client, old) == 200
        fresh.rotate()
        assert await status(client, fresh.token()) == 200
        assert await status(client, old) == 401


async def test_unknown_keys_cause_one_fetch_a_minute(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    minute = "scholarship_api.identity_providers.keys.REFRESH_SECONDS"
    monkeypatch.setattr(minute, 3_600)  # however slow the machine is
    async with accepting(fresh) as client:
        assert await status(client, fresh.token()) == 200
        before = len(fresh.requests)
        for number in range(10):
            token = fresh.token(header={"kid": f"unknown {number}"})
            assert await status(client, token) == 401
        assert len(fresh.requests) - before == 2  # discovery and keys
        fresh.rotate()
        assert await status(client, fresh.token()) == 401
        assert len(fresh.requests) - before == 2
        monkeypatch.setattr(minute, 0)
        assert await status(client, fresh.token()) == 200


async def test_keys_are_kept_while_the_provider_is_away(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
) -> None:
    async with accepting(fresh) as client:
        known = fresh.token()
        assert await status(client, known) == 200
        fresh.stop()
        unknown = fresh.token(header={"kid": "unknown"})
        with capture_logs() as logs:
            answer = await client.get(ME, headers=sent(unknown))
        assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert answer.headers["Retry-After"]
        events = [each for each in logs if each["event"] == "identity_provider.unavailable"]
        assert [each["reason"] for each in events] == ["unreachable"]
        assert await status(client, known) == 200
        assert await status(client, fresh.token("somebody new")) == 200


async def test_a_provider_that_comes_later_is_found(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scholarship_api.identity_providers.keys.RETRY_SECONDS", 0.05)
    token = fresh.token()
    fresh.stop()
    async with accepting(fresh) as client:
        assert await status(client, token) == 503
        assert (await client.get(SEARCH)).status_code == 200
        fresh.start()
        with anyio.fail_after(PATIENCE_SECONDS):
            while await status(client, token) != 200:  # noqa: ASYNC110
                await anyio.sleep(0.05)


async def test_a_slow_provider_holds_no_other_request(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scholarship_api.identity_providers.keys.FETCH_SECONDS", PATIENCE_SECONDS)
    async with accepting(fresh, provider) as client:
        known = fresh.token()
        assert await status(client, known) == 200
        before = len(fresh.requests)
        fresh.may_answer.clear()
        unknown = fresh.token(header={"kid": "unknown"})
        waiting = asyncio.create_task(status(client, unknown))
        await until_requests(fresh, before + 1)
        assert await status(client, known) == 200
        assert await status(client, provider.token()) == 200
        assert (await client.get(SEARCH)).status_code == 200
        assert not waiting.done()
        fresh.may_answer.set()
        assert await waiting == 401


async def test_a_provider_that_never_answers_is_given_up(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scholarship_api.identity_providers.keys.FETCH_SECONDS", 0.2)
    fresh.may_answer.clear()
    async with accepting(fresh) as client:
        assert await status(client, fresh.token()) == 503


async def test_the_end_of_the_process_waits_for_no_provider(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
) -> None:
    fresh.may_answer.clear()
    async with accepting(fresh):
        await until_requests(fresh, 1)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (DISCOVERY, 404),
        (DISCOVERY, 500),
        (DISCOVERY, 302),
        (DISCOVERY, b"<html>"),
        (DISCOVERY, b"[" * 100_000),
        (DISCOVERY, []),
        (DISCOVERY, {"issuer": "https://login.example.org", "jwks_uri": "https://a.invalid/"}),
        (DISCOVERY, {"jwks_uri": "https://a.invalid/"}),
        (DISCOVERY, "no-keys"),
        (DISCOVERY, "file"),
        (KEYS, 503),
        (KEYS, b"x" * 300_000),
        (KEYS, {"keys": "all"}),
        (KEYS, {"keys": []}),
        (KEYS, {"keys": [7, {"kty": "oct", "k": "AAAA", "kid": "a"}, {"kty": "RSA", "n": 7}]}),
    ],
)
async def test_an_answer_that_is_no_set_of_keys_is_a_failure(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
    path: str,
    answer: object,
) -> None:
    fresh.answers[path] = {
        "no-keys": {"issuer": fresh.issuer},
        "file": {"issuer": fresh.issuer, "jwks_uri": "file:///etc/passwd"},
    }.get(str(answer), answer)
    async with accepting(fresh) as client:
        refused = await client.get(ME, headers=sent(fresh.token()))
        assert (refused.status_code, refused.json()["code"]) == (503, "SERVICE_UNAVAILABLE")


async def test_bad_tokens_count_for_the_address(accepting: Any, fresh: Provider) -> None:  # noqa: ANN401
    limited = {"rate_limit_search": "5/minute"}
    async with accepting(fresh, **limited) as client:
        expired = sent(fresh.token(exp=1))
        statuses = [(await client.get(SEARCH, headers=expired)).status_code for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        good = sent(fresh.token(secrets.token_hex(8)))
        assert (await client.get(SEARCH, headers=good)).status_code == 200


async def test_unknown_keys_of_one_address_are_limited_before_the_provider_is_asked(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scholarship_api.identity_providers.keys.REFRESH_SECONDS", 0)
    async with accepting(fresh, rate_limit_search="4/minute") as client:
        statuses = [
            (
                await client.get(SEARCH, headers=sent(fresh.token(header={"kid": f"{n}"})))
            ).status_code
            for n in range(8)
        ]
    assert set(statuses) == {401, 429}
    assert statuses[-4:] == [429] * 4


async def test_without_local_logins_passwords_and_their_tokens_are_refused(
    accepting: Any,  # noqa: ANN401
    fresh: Provider,
    settings: Settings,
) -> None:
    async with accepting(fresh, local_login_enabled=False) as client:
        credentials = {"username": "ada", "password": "correct horse battery staple"}
        for answer in (
            await client.post("/api/v1/auth/login-simple", json=credentials),
            await client.post("/api/v1/auth/login", data=credentials),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
        assert await status(client, fresh.token()) == 200
        checked = await client.get(CHECK)
        assert checked.json() == {"authenticated": False}
