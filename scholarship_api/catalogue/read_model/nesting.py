"""Which codes of the vocabularies are part of others, looked up often."""

import functools

from scholarship_api.vocabularies.registry import VOCABULARIES

MAX_REMEMBERED: int = 20_000
"""Codes of which the broader ones are remembered, 200 bytes each; a catalogue names some 5 000."""


@functools.lru_cache(maxsize=MAX_REMEMBERED)
def with_broader(vocabulary: str, code: str) -> tuple[str, ...]:
    """The code, and every broader one that somebody with it also satisfies."""
    return VOCABULARIES[vocabulary].with_broader(code)


def broader_of(vocabulary: str, code: str) -> tuple[str, ...]:
    """The broader ones alone."""
    return with_broader(vocabulary, code)[1:]
