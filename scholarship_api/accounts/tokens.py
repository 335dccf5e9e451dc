"""Access tokens: JWTs (RFC 7519) that this service signs and verifies itself.

A token names an account and grants nothing: role and state are read from the database each time.
"""

import datetime as dt
import hmac
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import jwt
import structlog

from scholarship_api.errors import Unauthorized

ALGORITHM: Final = "HS256"
REQUIRED_CLAIMS: Final = ("exp", "iat", "iss", "aud", "sub", "jti", "pwv")
LEEWAY_SECONDS: Final = 10
"""Tolerance for the clocks of the hosts that run the workers."""

# Limits the work before anything is decoded. Our own parts have about 80, 350 and 43 characters.
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,512}\.[A-Za-z0-9_-]{1,2048}\.[A-Za-z0-9_-]{0,512}")

_log = structlog.stdlib.get_logger(__name__)


class InvalidToken(Unauthorized):
    default_message = "The access token is not valid or no longer valid; log in again."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


@dataclass(frozen=True, slots=True)
class Claims:
    """The contents of a verified token."""

    account_id: uuid.UUID
    token_id: uuid.UUID
    password_version: int
    expires_at: dt.datetime


class Tokens:
    """Signs with `key`, verifies with `key` and `previous_keys`, so that keys can be rotated.

    With an empty key a random one is made, whose tokens are valid in this process only. Production
    refuses to start without a key.
    """

    def __init__(
        self,
        *,
        key: str,
        previous_keys: Sequence[str] = (),
        issuer: str,
        audience: str,
        expires_in: int,
    ) -> None:
        self._shared = bool(key)
        self._key = key.encode() or secrets.token_bytes(64)
        keys = (*(previous.encode() for previous in previous_keys), self._key)
        self._keys = {key_id(any_key): any_key for any_key in keys}
        self._issuer = issuer
        self._audience = audience
        self.expires_in = expires_in
        """Seconds."""

    def issue(self, *, account_id: uuid.UUID, password_version: int) -> str:
        if not self._shared:
            _log.warning("tokens.key_of_this_process_only", remedy="set JWT_SECRET_KEY")
        now = int(dt.datetime.now(dt.UTC).timestamp())
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(account_id),
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + self.expires_in,
            "pwv": password_version,
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": key_id(self._key)})

    def verify(self, token: str) -> Claims:
        """The claims. Raises InvalidToken when the signature, a claim or the expiry is wrong."""
        if not _TOKEN.fullmatch(token):
            raise InvalidToken
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid", "")]
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED_CLAIMS), "strict_aud": True},
            )
            return Claims(
                account_id=uuid.UUID(claims["sub"]),
                token_id=uuid.UUID(claims["jti"]),
                password_version=int(claims["pwv"]),
                expires_at=dt.datetime.fromtimestamp(int(claims["exp"]), dt.UTC),
            )
        except (jwt.PyJWTError, LookupError, TypeError, ValueError, OverflowError):
            raise InvalidToken from None


def key_id(key: bytes) -> str:
    """A name for the key that reveals nothing about it."""
    return hmac.digest(key, b"scholarship-api key id", "sha256")[:8].hex()
