"""Exports the catalogue as a file whose import changes nothing."""

from collections.abc import AsyncGenerator
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from scholarship_api.catalogue.bulk.formats import (
    CSV_COLUMNS,
    FORMULA_AT_START,
    FORMULA_INSIDE,
    LIST_SEPARATOR,
    FileFormat,
)
from scholarship_api.catalogue.columns import (
    BOOLEAN_FIELDS,
    CRITERIA_FIELDS,
    LIST_FIELDS,
    PART_FIELDS,
    TOP_LEVEL_FIELDS,
)
from scholarship_api.vocabulary import Status

BLOCK_BYTES: Final = 65_536
"""Bytes after which a block of the file is handed out."""

_NUMBERS_AND_DATES: Final = frozenset(
    {
        "amount_min",
        "amount_max",
        "max_awards",
        "application_deadline",
        "notification_date",
        "recommendation_letters",
        "min_gpa",
        "max_gpa",
        "min_age",
        "max_age",
        "last_verified_on",
    }
)


class ExportBlock(NamedTuple):
    content: bytes
    rows: int
    """Rows in this block and all blocks before it."""


async def export_rows(
    connection: psycopg.AsyncConnection[Any],
    *,
    file_format: FileFormat = FileFormat.NDJSON,
    status: Status | None = None,
) -> AsyncGenerator[ExportBlock, None]:
    """Yield a file of all awards, or of those with one status, in the order of their ids.

    The file holds the fields that an import can set. Versions and times of change are left out, so
    that the same catalogue gives the same bytes on any server. One statement reads one state of
    the catalogue. The file comes in blocks of about BLOCK_BYTES, at least one.
    """
    copy_out = _copy_json(status) if file_format is FileFormat.NDJSON else _copy_csv(status)
    block = bytearray()
    # The driver yields whole rows; the first one of a CSV file is the header.
    rows = 0 if file_format is FileFormat.NDJSON else -1
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("SET LOCAL statement_timeout = 0")
        async with cursor.copy(copy_out) as copy:
            async for row in copy:
                block += row
                rows += 1
                if len(block) >= BLOCK_BYTES:
                    yield ExportBlock(_without_escapes(block, file_format), rows)
                    block.clear()
    yield ExportBlock(_without_escapes(block, file_format), rows)


def _without_escapes(block: bytearray, file_format: FileFormat) -> bytes:
    # JSON text has no control characters: COPY escapes nothing in it but backslashes.
    return bytes(block.replace(rb"\\", b"\\") if file_format is FileFormat.NDJSON else block)


def _source(status: Status | None) -> Composable:
    # The order of collation "C" is the same on every server.
    where = SQL("WHERE status = {}").format(Literal(status.value)) if status else SQL("")
    return SQL('FROM scholarships {} ORDER BY id COLLATE "C"').format(where)


def _instant(column: Composable) -> Composable:
    """ISO 8601 in UTC, with a fraction of a second if it has one."""
    return SQL(
        "to_char({0} AT TIME ZONE 'UTC', CASE WHEN {0} = date_trunc('second', {0})"
        """ THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END)"""
    ).format(column)


def _json_value(name: str) -> Composable:
    column = Identifier(name)
    value = _instant(column) if name == "application_deadline" else column
    return SQL("{} AS {}").format(value, column)


def _copy_json(status: Status | None) -> Composed:
    fields: list[Composable] = []
    for name in TOP_LEVEL_FIELDS:
        fields.append(_json_value(name))
        if name == "recommendation_letters":  # the criteria follow this field in answers of the API
            criteria = SQL(", ").join(_json_value(criterion) for criterion in CRITERIA_FIELDS)
            fields.append(
                SQL(
                    "(SELECT row_to_json(criteria) FROM (SELECT {}) AS criteria)"
                    " AS eligibility_criteria"
                ).format(criteria)
            )
    fields += map(_json_value, PART_FIELDS)
    return SQL("COPY (SELECT row_to_json(award) FROM (SELECT {} {}) AS award) TO STDOUT").format(
        SQL(", ").join(fields), _source(status)
    )


def _csv_value(name: str) -> Composable:
    column = Identifier(name)
    if name == "application_deadline":
        return SQL("{} AS {}").format(_instant(column), column)
    if name in BOOLEAN_FIELDS:
        return SQL("{0}::text AS {0}").format(column)
    if name in _NUMBERS_AND_DATES:
        return column
    text: Composable = column
    if name in PART_FIELDS:
        text = SQL("{}::text").format(column)
    elif name in LIST_FIELDS:
        text = SQL("array_to_string({}, {})").format(column, Literal(LIST_SEPARATOR))
    return SQL("{} AS {}").format(_neutralised(text), column)


def _neutralised(text: Composable) -> Composable:
    """The same as `formats.neutralise`."""
    return SQL(
        "CASE WHEN {text} ~ {at_start} THEN '''' ELSE '' END"
        " || regexp_replace({text}, {inside}, {apostrophe}, 'g')"
    ).format(
        text=text,
        at_start=Literal(FORMULA_AT_START),
        inside=Literal(FORMULA_INSIDE),
        apostrophe=Literal(r"\1'"),
    )


def _copy_csv(status: Status | None) -> Composed:
    return SQL("COPY (SELECT {} {}) TO STDOUT (FORMAT csv, HEADER)").format(
        SQL(", ").join(map(_csv_value, CSV_COLUMNS)), _source(status)
    )
