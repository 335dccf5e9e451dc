"""Passwords: their bounds, and Argon2id off the event loop.

The parameters are those of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
All workers together may hash WORKERS x AT_ONCE x 19 MiB at a time.
"""

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

LONGEST_BYTES: Final = 1024
SHORTEST_NEW_CHARACTERS: Final = 12
"""Of a password that is set; a login takes whatever was set once."""

AT_ONCE: Final = 2
MAX_WAITING: Final = 64
"""About a second of hashing; whoever comes later is told to come back."""

_argon2id: Final = PasswordHash((Argon2Hasher(memory_cost=19_456, time_cost=2, parallelism=1),))


def check_bounds(password: str) -> str:
    """The password itself; ValueError for what is none."""
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
    if size > LONGEST_BYTES:
        raise ValueError(f"must have at most {LONGEST_BYTES} bytes")
    return password


def check_new(password: str) -> str:
    """The password itself; ValueError when it must not be set."""
    check_bounds(password)
    if len(password) < SHORTEST_NEW_CHARACTERS:
        raise ValueError(f"must have at least {SHORTEST_NEW_CHARACTERS} characters")
    return password


def _check_secret(password: SecretStr) -> SecretStr:
    check_bounds(password.get_secret_value())
    return password


Password = Annotated[
    SecretStr,
    AfterValidator(_check_secret),
    Field(description=f"1 to {LONGEST_BYTES} bytes of UTF-8 without NUL."),
]


def hash_password(password: str) -> str:
    return _argon2id.hash(_normalised(password))


def _normalised(password: str) -> str:
    """RFC 8265, OpaqueString: keyboards differ in how they compose the same character."""
    return unicodedata.normalize("NFC", password)


@dataclass(frozen=True, slots=True)
class Verification:
    valid: bool
    new_hash: str | None
    """To be stored instead, when the old hash has outdated parameters."""


class Passwords:
    """Verifies passwords in threads, a bounded number at once; one per process."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(AT_ONCE)
        self._pending = 0
        self._nobodys_hash = hash_password(secrets.token_urlsafe())

    async def verify(self, password: str, password_hash: str | None) -> Verification:
        """The same work when there is no hash, for accounts that do not exist.

        Raises ServiceUnavailable when too many wait already.
        """
        if self._pending >= AT_ONCE + MAX_WAITING:
            raise ServiceUnavailable
        self._pending += 1
        try:
            valid, new_hash = await anyio.to_thread.run_sync(
                _argon2id.verify_and_update,
                _normalised(password),
                password_hash or self._nobodys_hash,
                limiter=self._threads,
            )
        finally:
            self._pending -= 1
        return Verification(valid=valid and password_hash is not None, new_hash=new_hash)
