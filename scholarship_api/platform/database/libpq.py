"""Statements for libpq itself: parameters by number, and values as PostgreSQL's texts."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import psycopg

Row = tuple[Any, ...]
"""Each value as PostgreSQL's text in UTF-8, or None."""

_PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s|(%))")
_QUOTED: Final = str.maketrans({'"': r"\"", "\\": r"\\"})


@lru_cache(maxsize=256)
def numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """`%(name)s` as $1, $2, ..., with the names in that order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else "%"

    return _PLACEHOLDER.sub(number, statement).encode(), tuple(numbers)


def values(names: Sequence[str], parameters: Mapping[str, object]) -> list[bytes | None]:
    """Of a list all elements are texts, or all are numbers.

    Raises psycopg.DataError for a text with NUL, and UnicodeEncodeError for half a character.
    """
    return [_sent(parameters[name]) for name in names]


def _sent(value: object) -> bytes | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else _text(value)
    if "\x00" in text:  # libpq would take it for the end
        raise psycopg.DataError("PostgreSQL's text cannot hold NUL")
    return text.encode()


def _text(value: object) -> str:
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            return '{"' + '","'.join([text.translate(_QUOTED) for text in value]) + '"}'
        return "{" + ",".join(map(str, value)) + "}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):  # bool too: True and 1.0 are what Python says
        return str(value)
    raise TypeError(f"no text for a parameter that is a {type(value).__name__}")
