"""Reads tables without a database."""

import datetime as dt
import io
from contextlib import closing
from typing import Any

from scholarship_api.catalogue.bulk.validation import validate_rows
from scholarship_api.exchange.options import ImportOptions
from scholarship_api.exchange.preview import preview_of_table
from scholarship_api.exchange.readers import open_table
from scholarship_api.exchange.schemas import ImportPreview
from scholarship_api.exchange.sources import ImportFormat
from scholarship_api.exchange.table_import import TableImport
from tests.catalogue.bulk.files import File

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def options_of(**options: Any) -> ImportOptions:  # noqa: ANN401
    found = ImportOptions()
    for name, value in options.items():
        setattr(found, name, value)
    return found


def opened(
    content: bytes,
    file_format: ImportFormat = ImportFormat.CSV,
    **options: Any,  # noqa: ANN401 - those of ImportOptions
) -> TableImport:
    return open_table(file_format, io.BytesIO(content), options_of(**options), today=NOW.date())


class ReadTable(File):
    """All rows of a table, and the remarks about it."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.drafts: list[int] = []


def read_table(
    content: bytes,
    file_format: ImportFormat = ImportFormat.CSV,
    **options: Any,  # noqa: ANN401
) -> ReadTable:
    found = ReadTable()
    lenient = bool(options.get("lenient"))
    with closing(opened(content, file_format, **options)) as table:
        for batch in validate_rows(table.records(), now=NOW, lenient=lenient):
            found.rows += batch.rows
            found.bad_rows += batch.bad_rows + batch.drafts
            found.drafts += [row.line for row in batch.drafts]
        found.notes = table.notes()
    return found


def preview(
    content: bytes,
    file_format: ImportFormat = ImportFormat.CSV,
    **options: Any,  # noqa: ANN401
) -> ImportPreview:
    with closing(opened(content, file_format, **options)) as table:
        return preview_of_table(table, now=NOW, lenient=bool(options.get("lenient")))
