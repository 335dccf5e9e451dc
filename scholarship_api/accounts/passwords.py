"""Passwords: their length, and Argon2id in threads, outside the event loop.

The Argon2id parameters follow the OWASP Password Storage Cheat Sheet: 19 MiB of memory, two passes,
a parallelism of 1. All workers together use at most
workers x MAX_CONCURRENT_HASHES x 19 MiB for hashing.
"""

import functools
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Final

import anyio.to_thread
from anyio import CapacityLimiter
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import AfterValidator, Field, SecretStr

from scholarship_api.errors import ServiceUnavailable

MAX_PASSWORD_BYTES: Final = 1024
"""In UTF-8. Long passphrases fit; hashing cannot be made slow by length."""

MIN_NEW_PASSWORD_CHARACTERS: Final = 12
"""For a password that is being set. A login accepts shorter ones that were set earlier."""

MAX_CONCURRENT_HASHES: Final = 2
"""Threads of one worker that hash at the same time; each needs 19 MiB and one CPU."""

MAX_QUEUED_VERIFICATIONS: Final = 64
"""Logins that wait for a thread, about a second of hashing. Further ones are answered 503."""

NO_PASSWORD: Final = "!"  # noqa: S105 - no hash, so that no password matches
"""In place of the hash of an account that cannot log in with a password."""

_argon2id: Final = PasswordHash((Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))


def check_password(password: str) -> str:
    """The password itself. Raises ValueError when no account can have it."""
    if not password:
        raise ValueError("must not be empty")
    if "\0" in password:
        raise ValueError("must not contain NUL")
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        size = 0
    if not size:
        raise ValueError("must be valid Unicode")
    if size > MAX_PASSWORD_BYTES:
        raise ValueError(f"must have at most {MAX_PASSWORD_BYTES} bytes")
    return password


def check_new_password(password: str) -> str:
    """The password itself. Raises ValueError when it must not be set."""
    check_password(password)
    if len(password) < MIN_NEW_PASSWORD_CHARACTERS:
        raise ValueError(f"must have at least {MIN_NEW_PASSWORD_CHARACTERS} characters")
    return password


def _check_secret(password: SecretStr) -> SecretStr:
    check_password(password.get_secret_value())
    return password


Password = Annotated[
    SecretStr,
    AfterValidator(_check_secret),
    Field(description=f"1 to {MAX_PASSWORD_BYTES} bytes of UTF-8 without NUL."),
]


def hash_password(password: str) -> str:
    return _argon2id.hash(_normalised(password))


@functools.cache
def _dummy_hash() -> str:
    """A hash to compare with when the account does not exist; one per process."""
    return hash_password(secrets.token_urlsafe())


def _normalised(password: str) -> str:
    """NFC as in RFC 8265, OpaqueString: keyboards compose the same character differently."""
    return unicodedata.normalize("NFC", password)


@dataclass(frozen=True, slots=True)
class Verification:
    valid: bool
    new_hash: str | None
    """To be stored in place of the old hash, when that has outdated parameters."""


class Passwords:
    """Verifies passwords in a bounded number of threads; one per process."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(MAX_CONCURRENT_HASHES)
        self._pending = 0
        self._dummy_hash = _dummy_hash()

    async def verify(self, password: str, password_hash: str | None) -> Verification:
        """Verify the password. Without a hash the same work is done, and the answer is no.

        The time of a login thus does not tell whether the account exists. Raises ServiceUnavailable
        when MAX_QUEUED_VERIFICATIONS already wait.
        """
        if self._pending >= MAX_CONCURRENT_HASHES + MAX_QUEUED_VERIFICATIONS:
            raise ServiceUnavailable
        self._pending += 1
        try:
            valid, new_hash = await anyio.to_thread.run_sync(
                _argon2id.verify_and_update,
                _normalised(password),
                password_hash or self._dummy_hash,
                limiter=self._threads,
            )
        finally:
            self._pending -= 1
        return Verification(valid=valid and password_hash is not None, new_hash=new_hash)
