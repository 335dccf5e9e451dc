"""The tokens in the addresses of feeds. Whoever knows one can read the feed."""

import hashlib
import re
import secrets
from typing import Final

PREFIX: Final = "sch_feed_"
"""The logs hide words that begin so, see `redaction`."""

_TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


def new_token() -> str:
    return PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)


def digest(token: str) -> bytes | None:
    """The stored form of a token; None for a text that is none."""
    return hashlib.sha256(token.encode()).digest() if _TOKEN.fullmatch(token) else None
