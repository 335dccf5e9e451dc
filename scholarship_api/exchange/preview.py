"""Shows what the first rows of a file would become, before anything is written."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from scholarship_api.catalogue.bulk.errors_in_words import shown_value
from scholarship_api.catalogue.bulk.records import Record
from scholarship_api.catalogue.bulk.validation import check_record
from scholarship_api.catalogue.schemas import ImportFault, ScholarshipInput
from scholarship_api.exchange.drafts import Outcome
from scholarship_api.exchange.rows import ReadRow
from scholarship_api.exchange.schemas import (
    ImportPreview,
    PreviewCell,
    PreviewColumn,
    PreviewRow,
)
from scholarship_api.exchange.table_import import TableImport

PREVIEW_ROWS: Final = 20
"""Rows of a preview, unless a person asks for another number."""


def preview_of_table(
    table: TableImport, *, now: dt.datetime, lenient: bool, rows: int = PREVIEW_ROWS
) -> ImportPreview:
    """Preview the rows of a table, cell by cell."""
    shown = [_row(row, now, lenient=lenient) for row in table.preview(rows)]
    columns = [
        PreviewColumn(column=each.header, field=each.target, hidden=each.hidden)
        for each in table.table.columns
    ]
    return ImportPreview(columns=columns, rows=shown, problems=table.problems, notes=table.notes())


def preview_of_records(
    records: Iterable[Record], *, now: dt.datetime, lenient: bool, rows: int = PREVIEW_ROWS
) -> ImportPreview:
    """Preview the rows of a format that has fields instead of columns."""
    shown = []
    for record in islice(records, rows):
        content = record.content if isinstance(record.content, dict) else {}
        outcomes = [
            Outcome(name, shown_value(value), {name: value}) for name, value in content.items()
        ]
        shown.append(_row(ReadRow(record, outcomes), now, lenient=lenient))
    return ImportPreview(columns=[], rows=shown, problems=[], notes=[])


def _row(row: ReadRow, now: dt.datetime, *, lenient: bool) -> PreviewRow:
    checked = check_record(row.record, now=now, lenient=lenient)
    return PreviewRow(
        line=row.record.line,
        award=None if checked.award is None else _award(checked.award),
        cells=[
            PreviewCell(
                column=cell.column,
                value=shown_value(cell.value),
                became=_plain(cell.became),
                kept_as=cell.kept_as,
                note=cell.note,
                error=cell.error,
            )
            for cell in row.outcomes
        ],
        errors=[ImportFault(**error._asdict()) for error in checked.errors],
    )


def _award(award: ScholarshipInput) -> dict[str, Any]:
    """The fields that say something, as values of JSON."""
    return award.model_dump(mode="json", exclude_defaults=True, exclude_none=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of JSON
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value
