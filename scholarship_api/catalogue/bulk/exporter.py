"""Exports: the whole catalogue as a file that imports again without a change."""

from collections.abc import AsyncGenerator
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from scholarship_api.catalogue.bulk.formats import (
    BOOLEANS,
    CRITERIA,
    CSV_COLUMNS,
    FIELDS,
    FORMULA,
    LIST_SEPARATOR,
    LISTS,
    FileFormat,
)
from scholarship_api.vocabulary import Status

BLOCK_BYTES: Final = 65_536

_NOT_TEXT: Final = frozenset(
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


class Block(NamedTuple):
    content: bytes
    rows: int
    """So far, this block included."""


async def export_rows(
    connection: psycopg.AsyncConnection[Any],
    *,
    file_format: FileFormat = FileFormat.NDJSON,
    status: Status | None = None,
) -> AsyncGenerator[Block, None]:
    """Yield a file of all awards, or of those with one status, in the order of their ids.

    It holds what an import can set, in the import's own terms, so that the same catalogue gives
    the same bytes on any server: versions and times of change stay with the database. One
    statement, therefore one state of the catalogue; in blocks of about BLOCK_BYTES, at least one.
    """
    copy_out = _copy_json(status) if file_format is FileFormat.NDJSON else _copy_csv(status)
    block = bytearray()
    # The driver hands out whole rows, of a CSV file the header first.
    rows = 0 if file_format is FileFormat.NDJSON else -1
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("SET LOCAL statement_timeout = 0")
        async with cursor.copy(copy_out) as copy:
            async for piece in copy:
                block += piece
                rows += 1
                if len(block) >= BLOCK_BYTES:
                    yield Block(_decoded(block, file_format), rows)
                    block.clear()
    yield Block(_decoded(block, file_format), rows)


def _decoded(block: bytearray, file_format: FileFormat) -> bytes:
    # JSON text holds no control characters, so that backslashes are all that COPY has escaped.
    return bytes(block.replace(rb"\\", b"\\") if file_format is FileFormat.NDJSON else block)


def _source(status: Status | None) -> Composable:
    # Collation "C": the same order on every server.
    where = SQL("WHERE status = {}").format(Literal(status.value)) if status else SQL("")
    return SQL('FROM scholarships {} ORDER BY id COLLATE "C"').format(where)


def _instant(column: Composable) -> Composable:
    """ISO 8601 in UTC, with a fraction where there is one."""
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
    for name in FIELDS:
        fields.append(_json_value(name))
        if name == "recommendation_letters":  # where the contract has the criteria
            criteria = SQL(", ").join(_json_value(criterion) for criterion in CRITERIA)
            fields.append(
                SQL(
                    "(SELECT row_to_json(criteria) FROM (SELECT {}) AS criteria)"
                    " AS eligibility_criteria"
                ).format(criteria)
            )
    return SQL("COPY (SELECT row_to_json(award) FROM (SELECT {} {}) AS award) TO STDOUT").format(
        SQL(", ").join(fields), _source(status)
    )


def _csv_value(name: str) -> Composable:
    column = Identifier(name)
    if name == "application_deadline":
        return SQL("{} AS {}").format(_instant(column), column)
    if name in BOOLEANS:
        return SQL("{0}::text AS {0}").format(column)
    if name in _NOT_TEXT:
        return column
    text: Composable = column
    if name in LISTS:
        text = SQL("array_to_string({}, {})").format(column, Literal(LIST_SEPARATOR))
    return SQL("CASE WHEN {0} ~ {1} THEN '''' || {0} ELSE {0} END AS {2}").format(
        text, Literal(FORMULA), column
    )


def _copy_csv(status: Status | None) -> Composed:
    return SQL("COPY (SELECT {} {}) TO STDOUT (FORMAT csv, HEADER)").format(
        SQL(", ").join(map(_csv_value, CSV_COLUMNS)), _source(status)
    )
