"""Awards as they are stored, read without a session: a third of the CPU for one award."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, Final

from pydantic_core import from_json
from sqlalchemy import Date, DateTime, Numeric, inspect

from scholarship_api.catalogue.models import Scholarship
from scholarship_api.platform.database.libpq import Fetch


class StoredAward(SimpleNamespace):
    """The columns of an award as attributes with the types that `Scholarship` has, but the columns
    that are only searched by."""


def _parsed(value: Any) -> Decimal:  # noqa: ANN401 - a number of JSON
    return Decimal(str(value))


_PARSERS: Final[Mapping[type, Callable[[Any], object]]] = {
    DateTime: dt.datetime.fromisoformat,
    Date: dt.date.fromisoformat,
    Numeric: _parsed,
}
_COLUMNS: Final = {
    attribute.key: attribute.columns[0].type
    for attribute in inspect(Scholarship).column_attrs
    if not attribute.deferred
}
_PARSED_COLUMNS: Final = [
    (name, parse)
    for name, column_type in _COLUMNS.items()
    if (parse := _PARSERS.get(type(column_type))) is not None
]
COLUMNS: Final = ", ".join(f"s.{name}" for name in _COLUMNS)
"""The columns of a stored award, of the table `scholarships AS s`."""

# PostgreSQL writes one value of JSON: every value of a row costs time in Python.
_READ: Final = f"""SELECT row_to_json(award) FROM (
    SELECT {COLUMNS} FROM scholarships AS s WHERE s.id = %(id)s
) AS award"""  # noqa: S608 - names of columns


_READ_ALL: Final = f"""SELECT row_to_json(award) FROM (
    SELECT {COLUMNS} FROM scholarships AS s
    WHERE s.id = ANY (%(ids)s::text[]) ORDER BY array_position(%(ids)s::text[], s.id)
) AS award"""  # noqa: S608 - names of columns


async def read(fetch: Fetch, scholarship_id: str) -> StoredAward | None:
    """An award, which may be a draft. Raises DatabaseUnavailable."""
    rows = await fetch(_READ, {"id": scholarship_id})
    return from_row(rows[0][0]) if rows else None


async def read_all(fetch: Fetch, scholarship_ids: Sequence[str]) -> list[StoredAward]:
    """The awards with these ids, drafts included, in their order. Raises DatabaseUnavailable."""
    rows = await fetch(_READ_ALL, {"ids": list(scholarship_ids)})
    return [from_row(row) for (row,) in rows if row is not None]


def from_row(row: bytes | str) -> StoredAward:
    """An award from the JSON of a row of COLUMNS."""
    values: dict[str, Any] = from_json(row)
    for name, parse in _PARSED_COLUMNS:
        if (value := values[name]) is not None:
            values[name] = parse(value)
    return StoredAward(**values)
