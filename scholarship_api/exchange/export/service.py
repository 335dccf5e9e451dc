"""Writes a file of awards, which are read in one snapshot of the catalogue."""

import datetime as dt
from collections.abc import AsyncGenerator
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.sql import SQL, Composable

from scholarship_api.exchange.export.formats import FORMATS, ExportFormat, Options, Writer
from scholarship_api.exchange.export.selection import Selection

ROWS_AT_ONCE: Final = 50
"""Awards that are turned into a part of the file before other requests have their turn: 5 ms of
CPU for the formats that are made in Python."""


class Part(NamedTuple):
    content: bytes
    rows: int
    """Awards in this part and all parts before it."""


async def export(
    connection: psycopg.AsyncConnection[Any],
    *,
    export_format: ExportFormat,
    selection: Selection,
    now: dt.datetime,
    excel: bool = False,
) -> AsyncGenerator[Part, None]:
    """Yield a file in parts; `connection` is idle.

    All awards are as they were at the beginning, however long it takes. Raises
    workbook.TooManyRowsError, psycopg.Error.
    """
    writer = FORMATS[export_format].writer(Options(now, excel=excel))
    rows = 0
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await connection.execute("SET LOCAL statement_timeout = 0")
        yield Part(writer.begin(), rows)
        for condition in selection.conditions():
            async for block in _blocks(connection, writer, condition):
                rows += len(block)
                yield Part(writer.write(block), rows)
        yield Part(writer.end(), rows)


async def _blocks(
    connection: psycopg.AsyncConnection[Any], writer: Writer, condition: Composable
) -> AsyncGenerator[list[bytes], None]:
    if writer.published_only:
        condition = SQL("status = 'published' AND {}").format(condition)
    block: list[bytes] = []
    async with connection.cursor() as cursor, cursor.copy(writer.select(condition)) as copy:
        async for row in copy:
            block.append(bytes(row))
            if len(block) >= ROWS_AT_ONCE:
                yield block
                block = []
    if block:
        yield block
