import asyncio
import secrets

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from scholarship_api.accounts.passwords import (
    MAX_CONCURRENT_HASHES,
    MAX_PASSWORD_BYTES,
    MAX_QUEUED_VERIFICATIONS,
    Passwords,
    check_new_password,
    check_password,
    hash_password,
)
from scholarship_api.errors import ServiceUnavailable

pytestmark = pytest.mark.anyio


def test_hashes_are_argon2id_with_a_new_salt_each() -> None:
    first, second = hash_password("a good password"), hash_password("a good password")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second


async def test_the_right_password_a_wrong_one_and_no_account() -> None:
    passwords = Passwords()
    password_hash = hash_password("a good password")
    assert (await passwords.verify("a good password", password_hash)).valid
    assert not (await passwords.verify("a good passwore", password_hash)).valid
    assert not (await passwords.verify("a good password", None)).valid


@pytest.mark.parametrize(
    "password", ["\U0001f511" * 256, "x" * MAX_PASSWORD_BYTES, " ", "pass\tword"]
)
async def test_every_valid_password_works(password: str) -> None:
    assert check_password(password) == password
    assert (await Passwords().verify(password, hash_password(password))).valid


async def test_every_byte_of_a_long_password_counts() -> None:
    password = "x" * MAX_PASSWORD_BYTES
    assert not (await Passwords().verify(password[:-1] + "y", hash_password(password))).valid


async def test_composed_and_decomposed_characters_are_equal() -> None:
    assert (await Passwords().verify("cafe\u0301", hash_password("caf\u00e9"))).valid


@pytest.mark.parametrize(
    "password", ["", "a\0b", "x" * (MAX_PASSWORD_BYTES + 1), "\u00e9" * 513, "x" * 5000, "\ud800"]
)
def test_invalid_passwords_are_refused(password: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check_password(password)


def test_a_short_new_password_is_refused() -> None:
    with pytest.raises(ValueError, match="12 characters"):
        check_new_password("eleven char")
    assert check_new_password("twelve chars") == "twelve chars"


async def test_a_hash_with_outdated_parameters_gets_a_replacement() -> None:
    old = Argon2Hasher(memory_cost=1024, time_cost=1, parallelism=1).hash("a good password")
    passwords = Passwords()
    verification = await passwords.verify("a good password", old)
    assert verification.valid
    assert verification.new_hash is not None
    again = await passwords.verify("a good password", verification.new_hash)
    assert again.valid
    assert again.new_hash is None
    assert (await passwords.verify("wrong", old)).new_hash is None


@pytest.mark.slow
async def test_too_many_logins_are_refused_and_the_event_loop_stays_free() -> None:
    passwords = Passwords()
    password_hash = hash_password("a good password")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    accepted = MAX_CONCURRENT_HASHES + MAX_QUEUED_VERIFICATIONS
    outcomes = await asyncio.gather(
        *(passwords.verify(secrets.token_hex(8), password_hash) for _ in range(accepted + 20)),
        return_exceptions=True,
    )
    ticking.cancel()
    refused = [outcome for outcome in outcomes if isinstance(outcome, ServiceUnavailable)]
    assert len(refused) == 20
    assert all(error.headers["Retry-After"] for error in refused)
    assert ticks >= 10
    assert (await passwords.verify("a good password", password_hash)).valid
