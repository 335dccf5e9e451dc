"""Keys that nobody should sign with: short, well known, or with a pattern."""

from itertools import pairwise
from typing import Final

MINIMUM_LENGTH: Final = 64

# Six letters or more: a random base64 key of 64 characters holds one of them about once in 10^7.
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
_FEWEST_CHARACTERS: Final = 10
_GRAM: Final = 4


def weakness(secret: str) -> str | None:
    """Why `secret` must not sign tokens, without repeating any of it; None when it may.

    A pattern is: fewer than 10 different characters (64 random hexadecimal digits have 15 or
    16), fewer than half of the four-character windows different, or mostly ascending runs.
    """
    if len(secret) < MINIMUM_LENGTH:
        return f"shorter than {MINIMUM_LENGTH} characters"
    letters = "".join(character for character in secret.lower() if character.isalnum())
    if any(word in letters for word in _WELL_KNOWN):
        return "contains a well-known or default value"
    windows = [secret[i : i + _GRAM] for i in range(len(secret) - _GRAM + 1)]
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    if (
        len(set(secret)) < _FEWEST_CHARACTERS
        or len(set(windows)) * 2 < len(windows)
        or steps.count(1) * 2 > len(steps)
    ):
        return "repetitive; make one with: openssl rand -hex 32"
    return None
