"""Tokens and key sets that are made to mislead a verifier, or to cost it much."""

import base64
import gzip
import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.accounts.conftest import changed, connected, running
from tests.identity_providers.conftest import CHECK, ME, SEARCH, options, sent
from tests.identity_providers.provider import DISCOVERY, KEYS, Provider, new_key

pytestmark = pytest.mark.anyio


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def assert_refused(client: httpx.AsyncClient, token: str) -> None:
    for path in (ME, SEARCH):
        answer = await client.get(path, headers=sent(token))
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED"), path
    checked = await client.get(CHECK, headers=sent(token))
    assert (checked.status_code, checked.json()) == (200, {"authenticated": False})


@pytest.mark.parametrize(
    "key_id",
    [
        "../../../../etc/passwd",
        "/dev/null",
        "https://evil.example.org/key",
        "' OR 1=1 --",
        "a\x00b",
        "",
        "k" * 1_400,
        7,
        True,
        ["a"],
        {"a": "b"},
    ],
)
async def test_a_key_id_is_nothing_but_a_name(
    client: httpx.AsyncClient, provider: Provider, key_id: object
) -> None:
    head = {"alg": "RS256", "typ": "JWT", "kid": key_id}
    _, payload, signature = provider.token().split(".")
    await assert_refused(client, f"{encoded(head)}.{payload}.{signature}")


@pytest.mark.parametrize("characters", [2_000, 7_000, 100_000, 1_000_000])
async def test_a_long_key_id_is_refused(
    client: httpx.AsyncClient, provider: Provider, characters: int
) -> None:
    head = {"alg": "RS256", "typ": "JWT", "kid": "k" * characters}
    _, payload, signature = provider.token().split(".")
    await assert_refused(client, f"{encoded(head)}.{payload}.{signature}")


@pytest.mark.parametrize("name", ["jku", "x5u"])
async def test_an_address_of_keys_in_the_header_is_never_asked(
    client: httpx.AsyncClient, provider: Provider, other_provider: Provider, name: str
) -> None:
    address = other_provider.issuer + KEYS
    before = len(other_provider.requests)
    foreign = other_provider.token(
        iss=provider.issuer, header={name: address, "kid": provider.keys[0].kid}
    )
    await assert_refused(client, foreign)
    own = provider.token(header={name: address})
    assert (await client.get(ME, headers=sent(own))).status_code == 200
    assert len(other_provider.requests) == before


@pytest.mark.parametrize("critical", [["b64"], ["exp"], [], "b64", ["kid"], [7]])
async def test_a_critical_field_is_refused(
    client: httpx.AsyncClient, provider: Provider, critical: object
) -> None:
    """The signature is right for a verifier that passes over `crit`."""
    key = provider.keys[0]
    head = {"alg": "RS256", "kid": key.kid, "b64": True, "crit": critical}
    message = f"{encoded(head)}.{provider.token().split('.')[1]}"
    private: Any = key.get_op_key("sign")
    signature = private.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256())
    await assert_refused(client, f"{message}.{encoded(signature)}")


@pytest.mark.parametrize(
    "head",
    [
        b'{"alg": "none", "alg": "RS256", "kid": "%s"}',
        b'{"alg": "RS256", "alg": "none", "kid": "%s"}',
        b'{"alg": ["RS256"], "kid": "%s"}',
        b'{"alg": "rs256", "kid": "%s"}',
        b'{"kid": "%s"}',
        b"[]",
        b"7",
        b"\xff",
        b"[" * 1_500,
    ],
)
async def test_an_odd_header_is_refused(
    client: httpx.AsyncClient, provider: Provider, head: bytes
) -> None:
    if b"%s" in head:
        head = head.replace(b"%s", str(provider.keys[0].kid).encode())
    _, payload, signature = provider.token().split(".")
    await assert_refused(client, f"{encoded(head)}.{payload}.{signature}")


async def test_a_redirect_of_a_provider_is_not_followed(
    settings: Any,  # noqa: ANN401
    other_provider: Provider,
) -> None:
    provider = Provider()
    provider.start()
    try:
        for path in (DISCOVERY, KEYS):
            before = len(other_provider.requests)
            provider.answers = {path: 302}
            provider.redirects_to = other_provider.issuer + path
            issuers = {provider.issuer: options()}
            async with (
                running(changed(settings, oidc_issuers=issuers)) as app,
                connected(app) as client,
            ):
                answer = await client.get(ME, headers=sent(provider.token()))
                assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert path in provider.requests
            assert len(other_provider.requests) == before
    finally:
        provider.stop()


@pytest.mark.parametrize(("count", "status"), [(100, 200), (10_000, 503)])
async def test_a_set_of_very_many_keys_is_not_read(
    settings: Any,  # noqa: ANN401
    count: int,
    status: int,
) -> None:
    provider = Provider()
    provider.start()
    try:
        others = [
            {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "kid": str(n)} for n in range(count)
        ]
        own = new_key().as_dict(private=False)
        provider.answers = {KEYS: {"keys": [provider.keys[0].as_dict(private=False), own, *others]}}
        issuers = {provider.issuer: options()}
        async with (
            running(changed(settings, oidc_issuers=issuers)) as app,
            connected(app) as client,
        ):
            assert (await client.get(ME, headers=sent(provider.token()))).status_code == status
    finally:
        provider.stop()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_a_set_of_keys_that_unpacks_to_megabytes_is_not_unpacked(
    settings: Any,  # noqa: ANN401
    encoding: str,
) -> None:
    provider = Provider()
    provider.start()
    try:
        if encoding == "gzip":
            keys = json.dumps({"keys": [provider.keys[0].as_dict(private=False)]}).encode()
            provider.answers = {KEYS: gzip.compress(keys + b" " * 10_000_000)}
        provider.encoding = encoding
        issuers = {provider.issuer: options()}
        async with (
            running(changed(settings, oidc_issuers=issuers)) as app,
            connected(app) as client,
        ):
            status = (await client.get(ME, headers=sent(provider.token()))).status_code
            assert status == (503 if encoding == "gzip" else 200)
    finally:
        provider.stop()
