"""Statements, parameters and rows as libpq takes and gives them."""

import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import pq

Row = tuple[Any, ...]
"""Each value is PostgreSQL's text in UTF-8, or None."""

Fetch = Callable[[str, Mapping[str, object]], Awaitable[list[Row]]]
"""The type of `Database.fetch`: a statement with %(name)s parameters, and their values."""

_PLACEHOLDER: Final = re.compile(r"%(?:\((\w+)\)s|(%))")
_ESCAPES_IN_QUOTES: Final = str.maketrans({'"': r"\"", "\\": r"\\"})


@lru_cache(maxsize=256)
def numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """The statement with $1, $2, ... for `%(name)s`, and the names in that order."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return f"${numbers.setdefault(name, len(numbers) + 1)}" if name else "%"

    return _PLACEHOLDER.sub(number, statement).encode(), tuple(numbers)


def values(names: Sequence[str], parameters: Mapping[str, object]) -> list[bytes | None]:
    """The named parameters as texts; the elements of a list are all texts or all numbers.

    Raises psycopg.DataError for a text with NUL, UnicodeEncodeError for half a surrogate pair, and
    TypeError for a value of another type.
    """
    return [_value(parameters[name]) for name in names]


def rows(result: pq.abc.PGresult) -> list[Row]:
    get, columns = result.get_value, range(result.nfields)
    return [tuple([get(row, column) for column in columns]) for row in range(result.ntuples)]


def _value(value: object) -> bytes | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else _text(value)
    if "\x00" in text:  # libpq takes it for the end of the text
        raise psycopg.DataError("PostgreSQL's text cannot hold NUL")
    return text.encode()


def _text(value: object) -> str:
    if isinstance(value, list):
        if value and isinstance(value[0], str):
            joined = '","'.join(value)
            if "\\" in joined or joined.count('"') != 2 * (len(value) - 1):
                joined = '","'.join([text.translate(_ESCAPES_IN_QUOTES) for text in value])
            return '{"' + joined + '"}'
        return "{" + ",".join(map(str, value)) + "}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal):  # includes bool: PostgreSQL reads True and False
        return str(value)
    raise TypeError(f"no text for a parameter that is a {type(value).__name__}")
