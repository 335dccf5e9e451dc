"""NDJSON whose values may be written as people write them, with the same rules as in tables."""

import datetime as dt
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from scholarship_api.catalogue.bulk.errors_in_words import row_error
from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.records import Cell, Record, RowError
from scholarship_api.exchange.drafts import nested, settle_coverage
from scholarship_api.exchange.fields import CRITERIA, READ_AS_TEXT, field_of, read_cell
from scholarship_api.exchange.values.dates import DateOrder
from scholarship_api.exchange.values.reading import UnreadableValueError
from scholarship_api.exchange.values.settings import ReadingSettings


class JsonReader:
    """A RecordReader of NDJSON that reads rows again which are not valid as they stand."""

    def __init__(self, *, today: dt.date, date_order: DateOrder | None = None) -> None:
        self._settings = ReadingSettings(today, date_order)

    def __call__(self, chunks: Iterable[bytes], /) -> Iterator[Record]:
        for record in read_ndjson(chunks):
            if isinstance(record.content, dict) and _has_text_to_read(record.content):
                yield Record(
                    record.line, record.content, read_again=partial(self._read_again, record)
                )
            else:
                yield record

    def _read_again(self, record: Record) -> Record:
        given: dict[str, Any] = dict(record.content)  # type: ignore[arg-type]
        criteria = given.get("eligibility_criteria")
        values = {name: value for name, value in given.items() if name != "eligibility_criteria"}
        fields: dict[str, Any] = {}
        errors: list[RowError] = []
        cells: dict[str, Cell] = {}
        words: list[str] = []
        named = dict(values)
        if isinstance(criteria, dict):
            named |= {CRITERIA + name: value for name, value in criteria.items()}
        elif "eligibility_criteria" in given:
            fields["eligibility_criteria"] = criteria
        for name, value in named.items():
            target = name.removeprefix(CRITERIA)
            if not isinstance(value, str) or target not in READ_AS_TEXT or field_of(target) != name:
                fields[name] = value
                continue
            try:
                reading = read_cell(target, value.strip(), self._settings)
            except UnreadableValueError as error:
                cells[name] = Cell(name, value)
                errors.append(row_error(Record(record.line, {}, cells=cells), name, str(error)))
                continue
            fields |= {
                field: read
                for field, read in reading.fields.items()
                if field == name or field not in named
            }
            if reading.words:
                words.append(f"{name}: {reading.words}")
        settle_coverage(fields)
        if words:
            described = fields.get("description")
            lines = [described] if isinstance(described, str) and described else []
            fields["description"] = "\n".join([*lines, *words])
        return Record(record.line, nested(fields), tuple(errors), cells)


def _has_text_to_read(row: dict[str, Any]) -> bool:
    """Whether reading a row again can make a difference: only texts and dotted names are read."""
    criteria = row.get("eligibility_criteria")
    values = [*row.values(), *(criteria.values() if isinstance(criteria, dict) else ())]
    return any(isinstance(value, str) for value in values) or any("." in name for name in row)
