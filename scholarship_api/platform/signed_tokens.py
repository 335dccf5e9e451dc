"""Short texts that clients hold for us and cannot change: a payload and its HMAC.

A token is not secret: its payload can be read by whoever has it.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final

from scholarship_api.settings.settings import Settings

TAG_BYTES: Final = 16
"""HMAC-SHA256 truncated to 128 bits, which RFC 2104, section 5, allows: half of the hash."""


class InvalidTokenError(Exception):
    """The text was not signed with one of the keys, for this purpose."""


class TokenSigner:
    """Signs with `key`, verifies with `key` and `previous_keys`, so that keys can be rotated.

    The keys of each purpose are derived from these (HKDF, RFC 5869), so that a token of one purpose
    is invalid for another, and no other use of the keys can produce a token. With an empty key a
    random one is made, whose tokens are valid in this process only.
    """

    def __init__(self, *, key: str, previous_keys: Sequence[str] = (), purpose: str) -> None:
        newest = key.encode() or secrets.token_bytes(hashlib.sha256().digest_size)
        keys = (newest, *(previous.encode() for previous in previous_keys))
        self._keys = [_derived(each, purpose) for each in keys]

    def sign(self, payload: bytes) -> str:
        """The token, in characters that need no escaping in a URL."""
        token = _tag(self._keys[0], payload) + payload
        return base64.urlsafe_b64encode(token).decode().rstrip("=")

    def tag(self, payload: bytes) -> bytes:
        """A digest of the payload that nobody without the key can compute."""
        return _tag(self._keys[0], payload)

    def verify(self, token: str) -> bytes:
        """The payload. Takes time in proportion to the length of `token`.

        Raises InvalidTokenError for a text that `sign` has not made.
        """
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidTokenError from None
        tag, payload = raw[:TAG_BYTES], raw[TAG_BYTES:]
        if not any(hmac.compare_digest(tag, _tag(key, payload)) for key in self._keys):
            raise InvalidTokenError
        return payload


def token_signer(settings: Settings, *, purpose: str) -> TokenSigner:
    """A signer whose keys are derived from those of the access tokens."""
    return TokenSigner(
        key=settings.jwt_secret_key.get_secret_value(),
        previous_keys=[key.get_secret_value() for key in settings.jwt_previous_secret_keys],
        purpose=purpose,
    )


def _derived(key: bytes, purpose: str) -> bytes:
    # HKDF with an empty salt and one block of output, whose number is 1.
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), key, "sha256")
    return hmac.digest(extracted, purpose.encode() + b"\x01", "sha256")


def _tag(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, payload, "sha256")[:TAG_BYTES]
