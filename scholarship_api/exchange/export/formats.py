"""The formats of an export, and a writer for each.

A writer turns blocks of rows into parts of a file, so that a file of any size needs the memory of
one block.
"""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Final, Protocol

from psycopg.sql import Composable, Composed

from scholarship_api.catalogue.bulk import exporter
from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS
from scholarship_api.catalogue.schemas import Scholarship
from scholarship_api.catalogue.service import to_response
from scholarship_api.catalogue.stored_awards import from_row
from scholarship_api.exchange.common_grants.opportunities import to_opportunity
from scholarship_api.exchange.export.deadlines import CalendarWriter, FeedWriter
from scholarship_api.exchange.export.workbook import WorkbookWriter
from scholarship_api.exchange.nspa.writer import records_of
from scholarship_api.feeds import readers
from scholarship_api.feeds.responses import CALENDAR

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""Excel reads a CSV file as UTF-8 when it begins with this, and else in the code page of its
system."""


class ExportFormat(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"
    XLSX = "xlsx"
    NSPA = "nspa"
    COMMON_GRANTS = "common-grants"
    ICS = "ics"
    ATOM = "atom"


@dataclass(frozen=True, slots=True)
class Options:
    now: dt.datetime
    """The instant that decides which awards are open."""
    excel: bool = False
    """For CSV: whether the file begins with a byte order mark."""


class Writer(Protocol):
    published_only: bool
    """Whether the format has no place for drafts and archived awards."""

    def select(self, condition: Composable, /) -> Composed:
        """A COPY of the awards that meet a condition, one row each."""

    def begin(self) -> bytes: ...

    def write(self, rows: Sequence[bytes], /) -> bytes:
        """The part of the file for some rows of COPY."""

    def end(self) -> bytes: ...


class _NdjsonWriter:
    published_only = False
    select = staticmethod(exporter.copy_json)

    def __init__(self, _: Options) -> None: ...

    def begin(self) -> bytes:
        return b""

    def write(self, rows: Sequence[bytes]) -> bytes:
        return exporter.without_escapes(b"".join(rows))

    def end(self) -> bytes:
        return b""


class _CsvWriter:
    published_only = False

    def __init__(self, options: Options) -> None:
        self._excel = options.excel

    def select(self, condition: Composable) -> Composed:
        return exporter.copy_csv(condition, header=False)

    def begin(self) -> bytes:
        header = ",".join(CSV_COLUMNS).encode() + b"\n"
        return BYTE_ORDER_MARK + header if self._excel else header

    def write(self, rows: Sequence[bytes]) -> bytes:
        return b"".join(rows)

    def end(self) -> bytes:
        return b""


class JsonListWriter(ABC):
    """A JSON document around a list with one or more items for each award."""

    published_only = True
    select = staticmethod(exporter.copy_stored)

    def __init__(self, options: Options) -> None:
        self._now = options.now
        self._items = 0

    @abstractmethod
    def begin(self) -> bytes: ...

    @abstractmethod
    def items_of(self, award: Scholarship) -> list[bytes]:
        """The JSON of the items."""

    def write(self, rows: Sequence[bytes]) -> bytes:
        items: list[bytes] = []
        for row in rows:
            award = from_row(exporter.without_escapes(row))
            items += self.items_of(to_response(award, now=self._now))
        separator = b",\n" if self._items and items else b""
        self._items += len(items)
        return separator + b",\n".join(items)

    @abstractmethod
    def end(self) -> bytes: ...


class _CommonGrantsWriter(JsonListWriter):
    """The answer of a server to a request for one page that holds everything."""

    def begin(self) -> bytes:
        return b'{"status":200,"message":"Success","items":[\n'

    def items_of(self, award: Scholarship) -> list[bytes]:
        opportunity = to_opportunity(award)
        return [opportunity.model_dump_json(by_alias=True, exclude_none=True).encode()]

    def end(self) -> bytes:
        pages = min(self._items, 1)
        return (
            b'\n],"paginationInfo":{"page":1,"pageSize":%d,"totalItems":%d,"totalPages":%d}}\n'
            % (max(self._items, 1), self._items, pages)
        )


class _NspaWriter(JsonListWriter):
    def begin(self) -> bytes:
        return b'{"ScholarshipProgramCollection":{"ScholarshipProgramInfo":[\n'

    def items_of(self, award: Scholarship) -> list[bytes]:
        return records_of(award)

    def end(self) -> bytes:
        return b"\n]}}\n"


@dataclass(frozen=True, slots=True)
class _Format:
    writer: Callable[[Options], Writer]
    media_type: str
    extension: str


FORMATS: Final[Mapping[ExportFormat, _Format]] = {
    ExportFormat.NDJSON: _Format(_NdjsonWriter, "application/x-ndjson", "ndjson"),
    ExportFormat.CSV: _Format(_CsvWriter, "text/csv; charset=utf-8", "csv"),
    ExportFormat.XLSX: _Format(
        WorkbookWriter,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ExportFormat.NSPA: _Format(_NspaWriter, "application/json", "nspa.json"),
    ExportFormat.COMMON_GRANTS: _Format(_CommonGrantsWriter, "application/json", "json"),
    ExportFormat.ICS: _Format(lambda options: CalendarWriter(now=options.now), CALENDAR, "ics"),
    ExportFormat.ATOM: _Format(lambda options: FeedWriter(now=options.now), readers.ATOM, "atom"),
}


def format_of(name: str) -> ExportFormat:
    """The format by the file name's extension: NDJSON unless it is that of a spreadsheet."""
    extension = PurePath(name).suffix.lower().removeprefix(".")
    return ExportFormat(extension) if extension in ("csv", "xlsx") else ExportFormat.NDJSON
