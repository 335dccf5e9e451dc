"""Which tokens of identity providers are accepted, and as whom."""

import base64
import json
import time
from typing import Any

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.identity_providers.conftest import CHECK, ME, SEARCH, sent
from tests.identity_providers.provider import (
    AUDIENCE,
    Provider,
    new_key,
    public_key_as_secret,
    sign,
)

pytestmark = pytest.mark.anyio

HOUR = 3_600


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


async def test_a_person_appears_with_the_first_token_as_a_student_without_a_name(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    token = provider.token("ada@example.edu", email="ada@example.edu", name="Ada")
    answer = await client.get(ME, headers=sent(token))
    assert answer.status_code == 200, answer.text
    account = answer.json()
    assert (account["role"], account["organization"], account["email"]) == ("student", None, None)
    assert account["username"].startswith("oidc-")
    assert "ada" not in answer.text.lower()
    again = await client.get(ME, headers=sent(provider.token("ada@example.edu")))
    assert again.json()["id"] == account["id"]


async def test_every_worker_finds_the_same_account(
    clients: list[httpx.AsyncClient], provider: Provider
) -> None:
    token = provider.token("on-both-workers")
    ids = {(await each.get(ME, headers=sent(token))).json()["id"] for each in clients}
    assert len(ids) == 1


async def test_the_same_subject_at_two_issuers_is_two_people(
    client: httpx.AsyncClient, provider: Provider, other_provider: Provider
) -> None:
    answers = [
        await client.get(ME, headers=sent(each.token("same")))
        for each in (provider, other_provider)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["id"] != answers[1].json()["id"]


async def test_an_issuer_cannot_sign_for_another(
    client: httpx.AsyncClient, provider: Provider, other_provider: Provider
) -> None:
    token = other_provider.token(iss=provider.issuer)
    assert (await client.get(ME, headers=sent(token))).status_code == 401
    with_its_key_id = other_provider.token(
        iss=provider.issuer, header={"kid": provider.keys[0].kid}
    )
    assert (await client.get(ME, headers=sent(with_its_key_id))).status_code == 401


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "Ed25519"])
async def test_each_allowed_algorithm_is_verified(
    client: httpx.AsyncClient,
    provider: Provider,
    monkeypatch: pytest.MonkeyPatch,
    algorithm: str,
) -> None:
    monkeypatch.setattr("scholarship_api.identity_providers.keys.REFRESH_SECONDS", 0)
    key = new_key(algorithm)
    provider.keys.append(key)
    token = provider.token(key=key, algorithm=algorithm)
    assert (await client.get(ME, headers=sent(token))).status_code == 200
    head, payload, signature = token.split(".")
    changed = signature[:10] + ("A" if signature[10] != "A" else "B") + signature[11:]
    answer = await client.get(ME, headers=sent(f"{head}.{payload}.{changed}"))
    assert answer.status_code == 401


REFUSED: dict[str, dict[str, Any]] = {
    "another audience": {"aud": "somebody-else"},
    "another audience in a list": {"aud": ["somebody-else", "others"]},
    "no audience": {"aud": None},
    "an audience that is a number": {"aud": 7},
    "another issuer": {"iss": "https://login.example.org"},
    "the issuer with a slash": {"iss": "SLASH"},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is a number": {"sub": 7},
    "a long subject": {"sub": "a" * 256},
    "no expiry": {"exp": None},
    "an expiry that is a text": {"exp": "tomorrow"},
    "an expiry without end": {"exp": float("inf")},
    "an expiry that is no number": {"exp": float("nan")},
    "an expiry that is true": {"exp": True},
    "no time of issue": {"iat": None},
    "an issue that is no number": {"iat": float("nan")},
    "an issue before all times": {"iat": -(10**30)},
    "a use that begins after all times": {"nbf": 10**400},
    "expired": {"exp": -HOUR},
    "expired a minute ago": {"exp": -60},
    "issued in the future": {"iat": HOUR},
    "not valid yet": {"nbf": HOUR},
    "issued days ago": {"iat": -25 * HOUR},
}
RELATIVE = ("exp", "iat", "nbf")


@pytest.mark.parametrize("claims", REFUSED.values(), ids=REFUSED.keys())
async def test_a_token_with_wrong_claims_is_refused(
    client: httpx.AsyncClient, provider: Provider, claims: dict[str, Any]
) -> None:
    wrong: dict[str, Any] = {
        name: in_seconds(value)
        if name in RELATIVE and type(value) is int and abs(value) < 10**6
        else value
        for name, value in claims.items()
    }
    if wrong.get("iss") == "SLASH":
        wrong["iss"] = provider.issuer + "/"
    await _assert_refused(client, provider.token("grace", **wrong))


async def _assert_refused(client: httpx.AsyncClient, token: str) -> None:
    """Refused on routes with an account, on public ones and on unknown ones."""
    for path in (ME, SEARCH, "/api/v1/no-such-route"):
        answer = await client.get(path, headers=sent(token))
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED"), path
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    checked = await client.get(CHECK, headers=sent(token))
    assert (checked.status_code, checked.json()) == (200, {"authenticated": False})


async def test_a_token_for_several_audiences_is_accepted(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    token = provider.token(aud=["others", AUDIENCE])
    assert (await client.get(ME, headers=sent(token))).status_code == 200


async def test_clocks_may_differ_by_some_seconds(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    token = provider.token(iat=in_seconds(5), nbf=in_seconds(5))
    assert (await client.get(ME, headers=sent(token))).status_code == 200


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    parts = [{"alg": algorithm, "typ": "JWT"}, claims]
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    ]
    return ".".join([*encoded, ""])


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "RS256"])
async def test_a_token_without_a_signature_is_refused(
    client: httpx.AsyncClient, provider: Provider, algorithm: str
) -> None:
    claims = json.loads(base64.urlsafe_b64decode(provider.token().split(".")[1] + "=="))
    token = unsigned(claims, algorithm)
    await _assert_refused(client, token)
    await _assert_refused(client, token + "AA")


async def test_an_hmac_with_the_public_key_is_refused(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    key = public_key_as_secret(provider.keys[0])
    token = provider.token(key=key, algorithm="HS256", header={"kid": provider.keys[0].kid})
    await _assert_refused(client, token)


async def test_an_algorithm_that_is_not_allowed_is_refused(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    await _assert_refused(client, provider.token(algorithm="RS512"))


async def test_a_key_in_the_header_is_not_believed(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    own = new_key()
    header = {"jwk": own.as_dict(private=False), "kid": provider.keys[0].kid}
    await _assert_refused(client, provider.token(key=own, header=header))
    without_id = {"jwk": own.as_dict(private=False), "kid": None}
    await _assert_refused(client, provider.token(key=own, header=without_id))


@pytest.mark.parametrize(
    "header",
    [{"typ": "logout+jwt"}, {"typ": "secevent+jwt"}, {"crit": ["x"], "x": 1}, {"kid": "unknown"}],
)
async def test_a_token_with_another_purpose_is_refused(
    client: httpx.AsyncClient, provider: Provider, header: dict[str, Any]
) -> None:
    key = provider.keys[0]
    claims = json.loads(base64.urlsafe_b64decode(provider.token().split(".")[1] + "=="))
    if "crit" in header:
        head = {"alg": "RS256", "kid": key.kid, **header}
        token = unsigned(claims, "RS256")
        encoded = base64.urlsafe_b64encode(json.dumps(head).encode()).rstrip(b"=").decode()
        token = f"{encoded}.{token.split('.')[1]}.AAAA"
    else:
        token = sign({"alg": "RS256", "kid": key.kid, **header}, claims, key)
    await _assert_refused(client, token)


@pytest.mark.parametrize("kind", ["JWT", "at+jwt", "application/at+jwt", None])
async def test_access_tokens_and_id_tokens_are_accepted(
    client: httpx.AsyncClient, provider: Provider, kind: str | None
) -> None:
    token = provider.token(header={"typ": kind, "x-vendor": "1"})
    assert (await client.get(ME, headers=sent(token))).status_code == 200


@pytest.mark.parametrize(
    "payload",
    [b"[" * 4_000, b"{}", b"[]", b"7", b"null", b'"a"', b"\xff\xfe", b'{"iss": ["x"]}'],
)
async def test_a_payload_that_is_no_object_is_refused(
    client: httpx.AsyncClient, provider: Provider, payload: bytes
) -> None:
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    head = provider.token().split(".")[0]
    answer = await client.get(SEARCH, headers=sent(f"{head}.{encoded}.AAAA"))
    assert answer.status_code == 401


async def test_a_token_that_is_too_long_is_refused(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    fits = provider.token(padding="a" * 4_000)
    assert (await client.get(ME, headers=sent(fits))).status_code == 200
    too_long = provider.token(padding="a" * 8_000)
    assert (await client.get(ME, headers=sent(too_long))).status_code == 401


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_weak_and_foreign_keys_of_a_provider_are_not_used(
    client: httpx.AsyncClient, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scholarship_api.identity_providers.keys.REFRESH_SECONDS", 0)
    weak = RSAKey.generate_key(1024, {"kid": "weak"})
    for_encryption = new_key(use="enc")
    for_another = new_key(alg="RS512")
    provider.keys += [weak, for_encryption, for_another]
    for key in (weak, for_encryption, for_another):
        signer = RSAKey.import_key({**key.as_dict(private=True), "use": "sig", "alg": "RS256"})
        await _assert_refused(client, provider.token(key=signer))
