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
    """Raises psycopg.DataError for a text with NUL, and UnicodeEncodeError for half a character."""
    return [_sent(parameters[name]) for name in names]


def _sent(value: object) -> bytes | None:
    if value is None:
        return None
    sent = _text(value).encode()
    if b"\x00" in sent:  # libpq would take it for the end
        raise psycopg.DataError("PostgreSQL's text cannot hold NUL")
    return sent


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(_element, value)) + "}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):  # bool too: True and 1.0 are what Python says
        return str(value)
    raise TypeError(f"no text for a parameter that is a {type(value).__name__}")


def _element(value: object) -> str:
    text = _text(value)
    return f'"{text.translate(_QUOTED)}"' if isinstance(value, str) else text
