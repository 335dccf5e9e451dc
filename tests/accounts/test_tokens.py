"""Tokens that are encoded here by hand, independent of the library that verifies them."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st

from scholarship_api.accounts.tokens import LEEWAY_SECONDS, InvalidToken, Tokens, key_id
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import SECRET_KEY, MakeAccount, changed, connected, running

pytestmark = pytest.mark.anyio

ISSUER = AUDIENCE = "scholarship-api"
ME = "/api/v1/auth/me"
OTHER_KEY = hashlib.sha512(b"another key").hexdigest()

Change = dict[str, Any]


def encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: Change, claims: Change, key: str = SECRET_KEY, digest: str = "sha256") -> str:
    text = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    return f"{text}.{encode(hmac.digest(key.encode(), text.encode(), digest))}"


def good_header(key: str = SECRET_KEY) -> Change:
    return {"alg": "HS256", "typ": "JWT", "kid": key_id(key.encode())}


def good_claims(account_id: uuid.UUID) -> Change:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(account_id),
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + 600,
        "pwv": 1,
    }


def without(values: Change, name: str) -> Change:
    return {key: value for key, value in values.items() if key != name}


Make = Callable[[Change, Change], str]

BAD_TOKENS: dict[str, Make] = {
    "wrong key": lambda header, claims: signed(header, claims, OTHER_KEY),
    "wrong key under its own kid": lambda _, claims: signed(
        good_header(OTHER_KEY), claims, OTHER_KEY
    ),
    "unknown kid": lambda header, claims: signed({**header, "kid": "0" * 16}, claims),
    "no kid": lambda header, claims: signed(without(header, "kid"), claims),
    "kid is no text": lambda header, claims: signed({**header, "kid": ["x"]}, claims),
    "kid is a path": lambda header, claims: signed({**header, "kid": "../../dev/null"}, claims),
    "alg none, signed": lambda header, claims: signed({**header, "alg": "none"}, claims),
    "alg none, unsigned": lambda header, claims: (
        signed({**header, "alg": "none"}, claims).rpartition(".")[0] + "."
    ),
    "alg None in capitals": lambda header, claims: (
        signed({**header, "alg": "NONE"}, claims).rpartition(".")[0] + "."
    ),
    "no signature": lambda header, claims: signed(header, claims).rpartition(".")[0] + ".",
    "RS256 signed as if the key were an HMAC key": lambda header, claims: signed(
        {**header, "alg": "RS256"}, claims
    ),
    "ES256": lambda header, claims: signed({**header, "alg": "ES256"}, claims),
    "another HMAC that is rightly signed": lambda header, claims: signed(
        {**header, "alg": "HS512"}, claims, digest="sha512"
    ),
    "no alg": lambda header, claims: signed(without(header, "alg"), claims),
    "an unknown critical extension": lambda header, claims: signed(
        {**header, "crit": ["x"], "x": 1}, claims
    ),
    "wrong issuer": lambda header, claims: signed(header, {**claims, "iss": "somebody"}),
    "wrong audience": lambda header, claims: signed(header, {**claims, "aud": "another-api"}),
    "several audiences": lambda header, claims: signed(header, {**claims, "aud": [AUDIENCE, "x"]}),
    "expired": lambda header, claims: signed(
        header, {**claims, "exp": int(time.time()) - LEEWAY_SECONDS - 1}
    ),
    "not yet issued": lambda header, claims: signed(header, {**claims, "iat": time.time() + 600}),
    "not yet valid": lambda header, claims: signed(header, {**claims, "nbf": time.time() + 600}),
    "endless": lambda header, claims: signed(header, {**claims, "exp": float("inf")}),
    "exp is no number": lambda header, claims: signed(header, {**claims, "exp": "never"}),
    "exp beyond all dates": lambda header, claims: signed(header, {**claims, "exp": 10**30}),
    "subject is no id": lambda header, claims: signed(header, {**claims, "sub": "admin"}),
    "subject is a number": lambda header, claims: signed(header, {**claims, "sub": 1}),
    "unknown subject": lambda header, claims: signed(header, {**claims, "sub": str(uuid.uuid4())}),
    "token id is no id": lambda header, claims: signed(header, {**claims, "jti": "' OR 1=1 --"}),
    "an older password's": lambda header, claims: signed(header, {**claims, "pwv": 0}),
    "claims are no object": lambda header, claims: signed(header, [claims]),  # type: ignore[arg-type]
    **{
        f"no {name}": lambda header, claims, name=name: signed(header, without(claims, name))  # type: ignore[misc]
        for name in ("exp", "iat", "iss", "aud", "sub", "jti", "pwv")
    },
    "junk": lambda *_: "junk",
    "three parts of junk": lambda *_: "a.b.c",
    "empty": lambda *_: "",
    "not ASCII": lambda *_: "\u00e9.\u00e9.\u00e9",
    "too long": lambda header, claims: signed(header, {**claims, "more": "x" * 4000}),
    "deeply nested header": lambda *_: encode(b"[" * 5000) + ".e30.e30",
    "a header that nests as deep as fits": lambda *_: encode(b"[" * 380) + ".e30.e30",
    "four parts": lambda header, claims: signed(header, claims) + ".x",
    "followed by another": lambda header, claims: signed(header, claims) + ", Bearer x",
}


async def show_me(client: httpx.AsyncClient, authorization: str) -> httpx.Response:
    return await client.get(ME, headers={b"Authorization": authorization.encode()})


def assert_refused(answer: httpx.Response) -> None:
    assert answer.status_code == 401
    assert answer.json()["code"] == "UNAUTHORIZED"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_a_valid_token_is_accepted_with_any_case_of_the_scheme(
    client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    account = await make_account()
    token = signed(good_header(), good_claims(account.id))
    for scheme in ("Bearer", "bearer", "BEARER"):
        answer = await show_me(client, f"{scheme} {token}")
        assert answer.status_code == 200
        assert answer.json()["id"] == str(account.id)


async def test_a_request_without_a_token_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get(ME)
    assert_refused(answer)
    assert "error=" not in answer.headers["WWW-Authenticate"]  # RFC 6750, 3.1


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_invalid_tokens_are_refused(
    client: httpx.AsyncClient, make_account: MakeAccount, make: Make
) -> None:
    account = await make_account()
    token = make(good_header(), good_claims(account.id))
    answer = await show_me(client, f"Bearer {token}")
    assert_refused(answer)
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


async def test_a_valid_token_sent_in_another_way_is_refused(
    client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    token = signed(good_header(), good_claims((await make_account()).id))
    for authorization in (token, f"Basic {token}", f"Token {token}", "Bearer", ""):
        assert_refused(await show_me(client, authorization))
    assert_refused(await client.get(ME, params={"access_token": token}))
    assert_refused(await client.get(ME, headers={"Cookie": f"access_token={token}"}))
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert_refused(await client.get(ME, headers=twice))


async def test_a_token_that_expired_within_the_leeway_is_accepted(
    client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    claims = good_claims((await make_account()).id)
    claims["exp"] = int(time.time()) - LEEWAY_SECONDS + 5
    answer = await show_me(client, f"Bearer {signed(good_header(), claims)}")
    assert answer.status_code == 200


async def test_keys_can_be_rotated(
    settings: Settings, app: FastAPI, make_account: MakeAccount
) -> None:
    account = await make_account()
    old_token = app.state.authentication.tokens.issue(account_id=account.id, password_version=1)
    rotated = changed(settings, jwt_secret_key=OTHER_KEY, jwt_previous_secret_keys=SECRET_KEY)
    async with running(rotated) as both, connected(both) as client:
        assert (await show_me(client, f"Bearer {old_token}")).status_code == 200
        new_token = both.state.authentication.tokens.issue(
            account_id=account.id, password_version=1
        )
        assert (await show_me(client, f"Bearer {new_token}")).status_code == 200
    async with connected(app) as client:  # signed with the new key, not with the previous one
        assert_refused(await show_me(client, f"Bearer {new_token}"))
    removed = changed(settings, jwt_secret_key=OTHER_KEY)
    async with running(removed) as new, connected(new) as client:
        assert (await show_me(client, f"Bearer {new_token}")).status_code == 200
        assert_refused(await show_me(client, f"Bearer {old_token}"))


def tokens(**values: Any) -> Tokens:  # noqa: ANN401
    made = {"key": SECRET_KEY, "issuer": "us", "audience": "them", "expires_in": 60, **values}
    return Tokens(**made)


def test_verification_returns_what_was_issued() -> None:
    account_id = uuid.uuid4()
    first, second = (tokens().issue(account_id=account_id, password_version=3) for _ in range(2))
    claims = tokens().verify(first)
    assert (claims.account_id, claims.password_version) == (account_id, 3)
    assert 58 <= claims.expires_at.timestamp() - time.time() <= 60
    assert claims.token_id != tokens().verify(second).token_id


@pytest.mark.parametrize("other", [{"issuer": "x"}, {"audience": "x"}, {"key": OTHER_KEY}])
def test_tokens_of_another_service_are_refused(other: Change) -> None:
    token = tokens(**other).issue(account_id=uuid.uuid4(), password_version=1)
    with pytest.raises(InvalidToken):
        tokens().verify(token)


def test_without_a_key_each_process_makes_its_own() -> None:
    ours = tokens(key="")
    token = ours.issue(account_id=uuid.uuid4(), password_version=1)
    ours.verify(token)
    for other in (tokens(key=""), tokens()):
        with pytest.raises(InvalidToken):
            other.verify(token)


def test_the_id_of_a_key_reveals_nothing_about_it() -> None:
    name = key_id(SECRET_KEY.encode())
    assert name not in SECRET_KEY
    assert name != hashlib.sha256(SECRET_KEY.encode()).hexdigest()[: len(name)]


segments = st.one_of(st.binary(max_size=60), st.text().map(str.encode), st.just(b'{"alg":"HS256"}'))


@given(st.one_of(st.text(), st.lists(segments.map(encode), max_size=5).map(".".join)))
@example("[" * 3000)
def test_any_text_is_refused_without_another_error(text: str) -> None:
    with pytest.raises(InvalidToken):
        tokens().verify(text)
