"""Reads import files without a database."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.records import RowError
from scholarship_api.catalogue.bulk.validation import BadRow, Row, validate_rows
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


class File:
    """All batches of a file."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.bad_rows: list[BadRow] = []

    @property
    def errors(self) -> list[RowError]:
        return [error for row in self.bad_rows for error in row.errors()]

    def columns(self, position: int = 0) -> dict[str, Any]:
        """The values of one row, by column."""
        return dict(zip(WRITTEN_COLUMNS, self.rows[position].values, strict=True))


def read(
    content: bytes | Iterable[bytes],
    now: dt.datetime = NOW,
) -> File:
    chunks = [content] if isinstance(content, bytes) else content
    file = File()
    records = read_ndjson(chunks)
    for batch in validate_rows(records, now=now):
        file.rows += batch.rows
        file.bad_rows += batch.bad_rows
    return file
