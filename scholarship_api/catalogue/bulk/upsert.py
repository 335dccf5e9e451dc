"""Writes a batch of validated rows by COPY and upsert, in one transaction."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import anyio.to_thread
import psycopg
from psycopg.sql import SQL, Composed, Identifier, Placeholder

from scholarship_api.catalogue.audit import COMMAND_LINE, SET_CHANGE_SOURCE, ChangeSource
from scholarship_api.catalogue.bulk.records import RowError
from scholarship_api.catalogue.bulk.validation import Row
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS, JsonArray, JsonObject
from scholarship_api.catalogue.queries import REFUSED_VALUE_ERRORS

Connection = psycopg.AsyncConnection[Any]


class BatchResult(NamedTuple):
    """How many rows of a batch were created, updated, unchanged, or replaced by later ones."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    errors: tuple[RowError, ...] = ()
    """One for each row that the database refused."""


class EncodedBatch(NamedTuple):
    """Rows that are written together."""

    rows: Sequence[Row]
    """Each id once."""
    copy_text: bytes
    """The rows in COPY's text format."""
    repeated: int = 0
    """Rows that were dropped because a later one has the same id."""


_COLUMNS: Final = SQL(", ").join(map(Identifier, WRITTEN_COLUMNS))


def _qualified(table: str) -> Composed:
    return SQL(", ").join(Identifier(table, column) for column in WRITTEN_COLUMNS)


_BEGIN: Final = SQL("""
    SET LOCAL statement_timeout = '5min';
    SET LOCAL work_mem = '64MB'; -- for the rows that the triggers compare
    -- A batch is small and the catalogue may be large: look rows up by id, never read all of them.
    SET LOCAL enable_hashjoin = off;
    SET LOCAL enable_mergejoin = off;
    CREATE TEMPORARY TABLE import_rows ON COMMIT DROP AS
        SELECT {columns} FROM scholarships WITH NO DATA
""").format(columns=_COLUMNS)
_SET_CHANGE_SOURCE: Final = SQL(SET_CHANGE_SOURCE).format(
    source=Placeholder("source"),
    account_id=Placeholder("account_id"),
    trace_id=Placeholder("trace_id"),
    request_id=Placeholder("request_id"),
)
_COPY: Final = SQL("COPY import_rows ({columns}) FROM STDIN").format(columns=_COLUMNS)
# Unchanged rows are left out before the insert: an attempted insert computes the search vector, the
# most expensive part, before it finds the conflict. Rows are ordered by id, so that concurrent
# imports take their row locks in the same order. A row version that was inserted has an xmax of
# zero; one that ON CONFLICT updated does not.
_UPSERT: Final = SQL("""
    WITH written AS (
        INSERT INTO scholarships AS kept ({columns})
        SELECT {new} FROM import_rows
        WHERE NOT EXISTS (
            SELECT FROM scholarships AS present
            WHERE present.id = import_rows.id
              AND ({present}) IS NOT DISTINCT FROM ({new})
        )
        ORDER BY import_rows.id
        ON CONFLICT (id) DO UPDATE SET ({columns}) = ROW ({excluded}),
            version = kept.version + 1, updated_at = now()
        WHERE ({kept}) IS DISTINCT FROM ({excluded})
        RETURNING kept.xmax = 0 AS created
    )
    SELECT count(*) FILTER (WHERE created), count(*) FILTER (WHERE NOT created) FROM written
""").format(
    columns=_COLUMNS,
    new=_qualified("import_rows"),
    present=_qualified("present"),
    kept=_qualified("kept"),
    excluded=_qualified("excluded"),
)


def encode_batch(rows: Sequence[Row]) -> EncodedBatch:
    """Encode rows for `write_batch`. When several rows have the same id, the last one counts."""
    latest = list({row.values[0]: row for row in rows}.values())
    return EncodedBatch(latest, _copy_text(latest), repeated=len(rows) - len(latest))


async def write_batch(
    connection: Connection, batch: EncodedBatch, *, change_source: ChangeSource = COMMAND_LINE
) -> BatchResult:
    """Upsert rows by id and commit.

    A row that the database refuses is reported, and the others are written. Raises
    psycopg.OperationalError.
    """
    result = await _write(connection, batch, change_source)
    return result._replace(repeated=batch.repeated)


async def _write(
    connection: Connection, batch: EncodedBatch, change_source: ChangeSource
) -> BatchResult:
    """Write a batch, and divide it in halves until the refused rows are found."""
    rows = batch.rows
    try:
        return await _upsert(connection, batch, change_source)
    except REFUSED_VALUE_ERRORS as error:
        if len(rows) == 1:
            return BatchResult(errors=(_refusal(rows[0], error),))
    middle = len(rows) // 2
    halves = [
        await _write(connection, await anyio.to_thread.run_sync(encode_batch, half), change_source)
        for half in (rows[:middle], rows[middle:])
    ]
    return BatchResult(
        created=sum(half.created for half in halves),
        updated=sum(half.updated for half in halves),
        unchanged=sum(half.unchanged for half in halves),
        errors=tuple(error for half in halves for error in half.errors),
    )


async def _upsert(
    connection: Connection, batch: EncodedBatch, change_source: ChangeSource
) -> BatchResult:
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute(_BEGIN)
        await cursor.execute(_SET_CHANGE_SOURCE, change_source.parameters)
        async with cursor.copy(_COPY) as copy:
            await copy.write(batch.copy_text)
        await cursor.execute(_UPSERT, prepare=False)
        created, updated = await cursor.fetchone() or (0, 0)
    return BatchResult(created, updated, len(batch.rows) - created - updated)


def _refusal(row: Row, error: Exception) -> RowError:
    # Never the driver's text: reports also go to clients of the API.
    if isinstance(error, psycopg.errors.CheckViolation) and error.diag.constraint_name:
        rule = error.diag.constraint_name.removeprefix("ck_scholarships_").replace("_", " ")
        return RowError(row.line, "", f"breaks the catalogue's rule: {rule}")
    return RowError(row.line, "", "holds a value that the database cannot store")


# --- COPY's text format --------------------------------------------------------------------------

_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_ESCAPES: Final = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def _text(value: str) -> str:
    if _SPECIAL.search(value):
        return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value)
    return value


def _array(values: list[str]) -> str:
    return f"{{{','.join(values)}}}"  # enumeration members and state codes need no quotes


def _json(value: JsonArray | JsonObject) -> str:
    return _text(value.text)


_NULL: Final = r"\N"
_ENCODERS: Final[dict[type, Callable[[Any], str]]] = {
    str: _text,
    bool: lambda value: "t" if value else "f",
    list: _array,
    JsonArray: _json,
    JsonObject: _json,
}
"""By type of the value; all others are encoded by `str`."""


def _copy_text(rows: Sequence[Row]) -> bytes:
    encoders = _ENCODERS
    lines = [
        "\t".join(
            [
                _NULL if value is None else encoders.get(type(value), str)(value)
                for value in row.values
            ]
        )
        for row in rows
    ]
    lines.append("")
    return "\n".join(lines).encode()
