"""A batch of validated rows into the catalogue, by COPY and upsert, in one transaction."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import anyio.to_thread
import psycopg
from psycopg.sql import SQL, Composed, Identifier, Placeholder

from scholarship_api.catalogue.audit import COMMAND_LINE, SET_ORIGIN, Origin
from scholarship_api.catalogue.bulk.formats import COLUMNS
from scholarship_api.catalogue.bulk.validation import Row, RowError

Connection = psycopg.AsyncConnection[Any]


class Written(NamedTuple):
    """What a batch came to."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    errors: tuple[RowError, ...] = ()
    """One for each row that the database refused."""


_TABLE: Final = Identifier("scholarships")
_COLUMNS: Final = SQL(", ").join(map(Identifier, COLUMNS))


def _qualified(table: str) -> Composed:
    return SQL(", ").join(Identifier(table, column) for column in COLUMNS)


_BEGIN: Final = SQL("""
    SET LOCAL statement_timeout = '5min';
    SET LOCAL work_mem = '64MB'; -- for what the trigger looks through
    -- A batch is small and the catalogue may be large: look its rows up, never read them all.
    SET LOCAL enable_hashjoin = off;
    SET LOCAL enable_mergejoin = off;
    CREATE TEMPORARY TABLE import_rows ON COMMIT DROP AS
        SELECT {columns} FROM scholarships WITH NO DATA
""").format(columns=_COLUMNS)
_SET_ORIGIN: Final = SQL(SET_ORIGIN).format(
    source=Placeholder("source"),
    account_id=Placeholder("account_id"),
    trace_id=Placeholder("trace_id"),
)
_COPY: Final = SQL("COPY import_rows ({columns}) FROM STDIN").format(columns=_COLUMNS)
# Rows that would change nothing are left out beforehand: an attempted insert computes the search
# vector, the most expensive part, before it finds the conflict. Ordered by id, so that imports
# that run at the same time take their row locks in the same order.
# xmax is zero in a row version that was inserted, and set in one that ON CONFLICT updated.
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

_REFUSALS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,  # such as an index entry that is too large
)


class Prepared(NamedTuple):
    """Rows to be written together, as COPY takes them."""

    rows: Sequence[Row]
    """Each id once."""
    text: bytes
    repeated: int = 0


def prepare(rows: Sequence[Row]) -> Prepared:
    """Of rows with the same id the last one counts."""
    latest = list({row.values[0]: row for row in rows}.values())
    return Prepared(latest, _copy_text(latest), repeated=len(rows) - len(latest))


async def write_batch(
    connection: Connection, prepared: Prepared, *, origin: Origin = COMMAND_LINE
) -> Written:
    """Upsert rows by id and commit.

    A row that the database refuses is reported, and the others are written. Raises
    psycopg.OperationalError.
    """
    written = await _write(connection, prepared, origin)
    return written._replace(repeated=prepared.repeated)


async def _write(connection: Connection, prepared: Prepared, origin: Origin) -> Written:
    """Halve what is refused until the guilty rows are found."""
    rows = prepared.rows
    try:
        return await _upsert(connection, prepared, origin)
    except _REFUSALS as error:
        if len(rows) == 1:
            return Written(errors=(_refusal(rows[0], error),))
    middle = len(rows) // 2
    halves = [
        await _write(connection, await anyio.to_thread.run_sync(prepare, half), origin)
        for half in (rows[:middle], rows[middle:])
    ]
    return Written(
        created=sum(half.created for half in halves),
        updated=sum(half.updated for half in halves),
        unchanged=sum(half.unchanged for half in halves),
        errors=tuple(error for half in halves for error in half.errors),
    )


async def _upsert(connection: Connection, prepared: Prepared, origin: Origin) -> Written:
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute(_BEGIN)
        await cursor.execute(_SET_ORIGIN, origin.parameters)
        async with cursor.copy(_COPY) as copy:
            await copy.write(prepared.text)
        await cursor.execute(_UPSERT, prepare=False)
        created, updated = await cursor.fetchone() or (0, 0)
    return Written(created, updated, len(prepared.rows) - created - updated)


def _refusal(row: Row, error: psycopg.Error) -> RowError:
    # Never the driver's text: reports also go to clients of the API.
    if isinstance(error, psycopg.errors.CheckViolation) and error.diag.constraint_name:
        rule = error.diag.constraint_name.removeprefix("ck_scholarships_").replace("_", " ")
        return RowError(row.line, "", f"breaks the catalogue's rule: {rule}")
    return RowError(row.line, "", "holds a value that the database can not store")


# --- COPY's text format --------------------------------------------------------------------------

_SPECIAL: Final = re.compile(r"[\\\t\n\r]")
_ESCAPES: Final = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def _text(value: str) -> str:
    if _SPECIAL.search(value):
        return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value)
    return value


def _array(values: list[str]) -> str:
    return f"{{{','.join(values)}}}"  # enumeration members and state codes need no quotes


_WRITERS: Final[dict[type, Callable[[Any], str]]] = {
    str: _text,
    type(None): lambda _: r"\N",
    bool: lambda value: "t" if value else "f",
    list: _array,
}


def _copy_text(rows: Sequence[Row]) -> bytes:
    writers = _WRITERS
    lines = [
        "\t".join([writers.get(type(value), str)(value) for value in row.values]) for row in rows
    ]
    lines.append("")
    return "\n".join(lines).encode()
