"""The secrets of API keys.

`sch_live_` or, for a publishable key, `sch_pub_`, and 256 random bits. Scanners of leaked secrets
can recognise the prefix. Only the digest is stored.
"""

import hashlib
import re
import secrets
from typing import Final

PREFIXES: Final = {"secret": "sch_live_", "publishable": "sch_pub_"}

_SECRET: Final = re.compile(r"sch_(live|pub)_[A-Za-z0-9_-]{43}")
_HINT_CHARACTERS: Final = 4


def new_secret(kind: str) -> str:
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def is_secret(token: str) -> bool:
    """Whether the text has the form of a secret."""
    return _SECRET.fullmatch(token) is not None


def looks_like_secret(token: str) -> bool:
    """Whether the text is meant as a secret, whether or not it is whole."""
    return token.startswith("sch_")


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def hint(secret: str) -> str:
    """The last characters, which tell two secrets of a key apart."""
    return secret[-_HINT_CHARACTERS:]
