"""Refuses signing keys that can be guessed: short, well known, or with a pattern."""

from itertools import pairwise
from typing import Final

MIN_LENGTH: Final = 64
"""Characters: 256 bits when they are random hexadecimal digits, as HS256 needs."""

# At least six letters each: a random base64 key of 64 characters contains one about once in 10^7.
_WELL_KNOWN: Final = (
    "12345678",
    "changeit",
    "changeme",
    "default",
    "development",
    "example",
    "insecure",
    "jwtsecret",
    "mysecret",
    "password",
    "placeholder",
    "qwerty",
    "replaceme",
    "secretkey",
    "supersecret",
    "topsecret",
    "yoursecret",
)
_MIN_DISTINCT_CHARACTERS: Final = 10
"""64 random hexadecimal digits have 15 or 16 different characters."""

_WINDOW_CHARACTERS: Final = 4
"""The length of the windows that are compared to find repetition."""


def weakness(secret: str) -> str | None:
    """The reason why `secret` must not sign tokens, without any part of it; None when it may.

    A secret has a pattern when it has too few different characters, when fewer than half of its
    windows are different, or when most characters follow their predecessor in the alphabet.
    """
    if len(secret) < MIN_LENGTH:
        return f"shorter than {MIN_LENGTH} characters"
    letters = "".join(character for character in secret.lower() if character.isalnum())
    if any(word in letters for word in _WELL_KNOWN):
        return "contains a well-known or default value"
    windows = [
        secret[i : i + _WINDOW_CHARACTERS] for i in range(len(secret) - _WINDOW_CHARACTERS + 1)
    ]
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    if (
        len(set(secret)) < _MIN_DISTINCT_CHARACTERS
        or len(set(windows)) * 2 < len(windows)
        or steps.count(1) * 2 > len(steps)
    ):
        return "repetitive; make one with: openssl rand -hex 32"
    return None
