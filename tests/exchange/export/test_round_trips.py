"""Exports hold every field, and importing one changes nothing."""

import asyncio
import csv
import datetime as dt
import io
import json
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import aclosing, closing
from typing import Any
from xml.etree import ElementTree

import openpyxl
import psycopg
import pytest
from common_grants_sdk.schemas.pydantic.responses.opportunity import OpportunitiesListResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS, FileFormat, neutralise
from scholarship_api.catalogue.bulk.importer import ImportReport, import_stream
from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.records import Record, RecordReader
from scholarship_api.catalogue.columns import PART_FIELDS
from scholarship_api.catalogue.criteria_set import EligibilityCriteria
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.exchange.export import service
from scholarship_api.exchange.export.formats import ExportFormat
from scholarship_api.exchange.export.selection import ByIds, ByStatus
from scholarship_api.exchange.export.service import export
from scholarship_api.exchange.options import ImportOptions
from scholarship_api.exchange.readers import open_xlsx, read_csv
from scholarship_api.exchange.sources import spooled
from scholarship_api.vocabulary import Status
from tests.catalogue.awards import Row, award, ndjson
from tests.exchange.awards import CRITERIA, PARTS, awards, plain_awards

Catalogue = psycopg.Connection[dict[str, Any]]
BOTH = pytest.mark.parametrize("file_format", list(FileFormat))

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def read_workbook(chunks: Iterable[bytes], /) -> Iterator[Record]:
    with closing(open_xlsx(spooled(chunks), ImportOptions(), today=NOW.date())) as table:
        yield from table.records()


READERS: dict[str, RecordReader] = {
    FileFormat.NDJSON: read_ndjson,
    FileFormat.CSV: read_csv,
    ExportFormat.XLSX: read_workbook,
}


def import_all(conninfo: str, content: bytes, file_format: str = FileFormat.NDJSON) -> ImportReport:
    async def run() -> ImportReport:
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            source = io.BytesIO(content)
            return await import_stream(
                source, connection, reader=READERS[file_format], now=NOW, refresh=False
            )

    return asyncio.run(run())


def export_all(
    conninfo: str, file_format: FileFormat = FileFormat.NDJSON, status: Status | None = None
) -> bytes:
    return export_as(conninfo, ExportFormat(file_format), status)


def export_as(
    conninfo: str, export_format: ExportFormat, status: Status | None = None, **options: bool
) -> bytes:
    async def run() -> bytes:
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            parts = export(
                connection,
                export_format=export_format,
                selection=ByStatus(status),
                now=NOW,
                **options,
            )
            async with aclosing(parts) as blocks:
                return b"".join([block.content async for block in blocks])

    return asyncio.run(run())


def test_a_line_holds_every_field_that_an_import_can_set(
    catalogue: Catalogue, conninfo: str
) -> None:
    import_all(
        conninfo,
        ndjson(
            award(
                name='Ångström "A" \\ B',
                amount=1234.5,
                currency="SEK",
                description="two\nlines\ttab",
                application_deadline="2027-01-31",
                deadline_timezone="Europe/Stockholm",
                eligibility_criteria={"min_gpa": 3.5, "fields_of_study": ["science", "other"]},
            )
        ),
    )
    (line,) = export_all(conninfo).splitlines()
    assert json.loads(line) == {
        "id": "award",
        "name": 'Ångström "A" \\ B',
        "organization": "Organization",
        "description": "two\nlines\ttab",
        "amount_min": 1234.5,
        "amount_max": 1234.5,
        "currency": "SEK",
        "max_awards": None,
        "application_deadline": "2027-01-31T22:59:59Z",
        "deadline_kind": "fixed",
        "deadline_timezone": "Europe/Stockholm",
        "deadline_estimated": False,
        "recurs": "none",
        "notification_date": None,
        "scholarship_type": "merit_based",
        "renewable": False,
        "essay_required": False,
        "recommendation_letters": 0,
        "eligibility_criteria": {
            "min_gpa": 3.5,
            "max_gpa": None,
            "grade_levels": [],
            "citizenship_required": None,
            "residency_states": [],
            "fields_of_study": ["science", "other"],
            "min_age": None,
            "max_age": None,
            "financial_need": False,
        },
        "application_url": None,
        "website_url": None,
        "contact_email": None,
        "source_url": None,
        "last_verified_on": None,
        "status": "published",
        "criteria_complete": False,
        "last_verified_by": None,
        **dict.fromkeys(PART_FIELDS),
    }
    assert "Ångström".encode() in line


def test_csv_cells_with_formulas_are_neutralised(catalogue: Catalogue, conninfo: str) -> None:
    import_all(
        conninfo,
        ndjson(
            award(
                id="-1",
                name='=HYPERLINK("https://evil.example","x")',
                organization=" @SUM(A1)",
                description="'=1;=2\n-3",
                contact_email="+a@example.org",
                amount=0,
                currency="USD",
                renewable=True,
                eligibility_criteria={"residency_states": ["CA", "NY"]},
            )
        ),
    )
    content = export_all(conninfo, FileFormat.CSV).decode()
    (row,) = csv.DictReader(io.StringIO(content))
    assert tuple(row) == CSV_COLUMNS
    assert row["id"] == "'-1"
    assert row["name"] == '\'=HYPERLINK("https://evil.example","x")'
    assert row["organization"] == "'@SUM(A1)"
    assert row["description"] == "''=1;'=2\n'-3"
    assert row["contact_email"] == "'+a@example.org"
    assert (row["amount_min"], row["renewable"], row["essay_required"]) == ("0.00", "true", "false")
    assert row["residency_states"] == "CA;NY"
    assert row["application_deadline"] == ""


@BOTH
def test_awards_of_one_status_are_exported_in_the_order_of_ids(
    catalogue: Catalogue, conninfo: str, file_format: FileFormat
) -> None:
    drafts = [award(id=name, status="draft") for name in "baB"]
    others = [award(id="c", status="archived"), award(id="d")]
    import_all(conninfo, ndjson(*drafts, *others))

    def ids(status: Status | None) -> list[str]:
        text = export_all(conninfo, file_format, status).decode()
        if file_format is FileFormat.CSV:
            return [row["id"] for row in csv.DictReader(io.StringIO(text))]
        return [json.loads(line)["id"] for line in text.splitlines()]

    assert ids(Status.DRAFT) == ["B", "a", "b"]
    assert ids(None) == ["B", "a", "b", "c", "d"]


@BOTH
def test_an_empty_catalogue_is_exported(
    catalogue: Catalogue, conninfo: str, file_format: FileFormat
) -> None:
    expected = "" if file_format is FileFormat.NDJSON else ",".join(CSV_COLUMNS) + "\n"
    assert export_all(conninfo, file_format).decode() == expected


# --- Round trips ---------------------------------------------------------------------------------


def test_the_random_awards_have_every_field_and_every_criterion() -> None:
    names = {name for row in _examples(plain_awards()) for name in row} | {
        name for row in _examples(PARTS) for name in row
    }
    assert names == ScholarshipInput.model_fields.keys() - {"amount"}
    assert CRITERIA.keys() == EligibilityCriteria.model_fields.keys() - {"citizenship_required"}


def _examples(rows: st.SearchStrategy[Row]) -> list[Row]:
    found: list[Row] = []

    @settings(max_examples=60, database=None, derandomize=True)
    @given(row=rows)
    def collect(row: Row) -> None:
        found.append(row)

    collect()
    return found


@pytest.mark.slow
@BOTH
@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(awards(), min_size=1, max_size=8, unique_by=lambda row: row["id"]))
def test_export_import_export_gives_the_same_bytes(
    catalogue: Catalogue, conninfo: str, file_format: FileFormat, rows: list[Row]
) -> None:
    catalogue.execute("TRUNCATE scholarships")
    report = import_all(conninfo, ndjson(*rows))
    assert not report.errors
    exported = export_all(conninfo, file_format)
    again = import_all(conninfo, exported, file_format)
    assert (again.unchanged, again.errors) == (len(rows), [])
    catalogue.execute("TRUNCATE scholarships")
    assert import_all(conninfo, exported, file_format).created == len(rows)
    assert export_all(conninfo, file_format) == exported


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(awards(), min_size=1, max_size=8, unique_by=lambda row: row["id"]))
def test_a_workbook_gives_every_award_back(
    catalogue: Catalogue, conninfo: str, rows: list[Row]
) -> None:
    catalogue.execute("TRUNCATE scholarships")
    assert not import_all(conninfo, ndjson(*rows)).errors
    lines, workbook = export_all(conninfo), export_as(conninfo, ExportFormat.XLSX)
    again = import_all(conninfo, workbook, ExportFormat.XLSX)
    assert (again.unchanged, again.errors) == (len(rows), [])
    catalogue.execute("TRUNCATE scholarships")
    assert import_all(conninfo, workbook, ExportFormat.XLSX).created == len(rows)
    assert export_all(conninfo) == lines


def test_both_formats_hold_the_same_awards(catalogue: Catalogue, conninfo: str) -> None:
    import_all(conninfo, ndjson(award(amount_min=5, currency="EUR", name="'=x", renewable=True)))
    content = export_all(conninfo, FileFormat.CSV)
    line = export_all(conninfo)
    catalogue.execute("TRUNCATE scholarships")
    import_all(conninfo, content, FileFormat.CSV)
    assert export_all(conninfo) == line


@pytest.mark.slow
@pytest.mark.parametrize(
    "export_format",
    [each for each in ExportFormat if each not in (ExportFormat.ICS, ExportFormat.ATOM)],
)
def test_memory_does_not_grow_with_the_catalogue(
    catalogue: Catalogue,
    conninfo: str,
    monkeypatch: pytest.MonkeyPatch,
    export_format: ExportFormat,
) -> None:
    monkeypatch.setattr(service, "ROWS_AT_ONCE", 5)
    catalogue.execute(
        "INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind,"
        " description) SELECT 'id' || n, 'N', 'O', 'athletic', 'rolling', repeat('1 ', 500)"
        " FROM generate_series(1, 5000) AS n"
    )

    async def run() -> tuple[int, int]:
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            size = peak = 0
            parts = export(connection, export_format=export_format, selection=ByStatus(), now=NOW)
            async with aclosing(parts) as blocks:
                tracemalloc.start()
                async for block in blocks:
                    size += len(block.content)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            return size, peak

    size, peak = asyncio.run(run())
    assert size > 50_000
    assert peak < 2_000_000


def test_a_workbook_holds_the_cells_of_the_csv_file(catalogue: Catalogue, conninfo: str) -> None:
    strange = "_x000D_ <&> \"' \r\n\t =1+1 ü"
    import_all(
        conninfo,
        ndjson(award(id="a", description=strange), award(id="b", amount=1.5, currency="USD")),
    )
    [header, first, second] = _cells(export_as(conninfo, ExportFormat.XLSX))
    assert tuple(header) == CSV_COLUMNS
    rows = [dict(zip(header, row, strict=True)) for row in (first, second)]
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["description"] == neutralise(strange)
    assert rows[1]["amount_min"] == 1.5
    assert rows[1]["renewable"] is False


def _cells(workbook: bytes) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(io.BytesIO(workbook)).active
    assert sheet is not None
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "b"}
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_a_csv_file_for_excel_begins_with_a_byte_order_mark(
    catalogue: Catalogue, conninfo: str
) -> None:
    import_all(conninfo, ndjson(award(name="Ångström")))
    plain = export_as(conninfo, ExportFormat.CSV)
    assert export_as(conninfo, ExportFormat.CSV, excel=True) == b"\xef\xbb\xbf" + plain


def test_opportunities_are_an_answer_of_commongrants(catalogue: Catalogue, conninfo: str) -> None:
    rows = [award(id=f"a{number}") for number in range(120)]
    import_all(conninfo, ndjson(*rows, award(id="draft", status="draft")))
    content = json.loads(export_as(conninfo, ExportFormat.COMMON_GRANTS))
    answer = OpportunitiesListResponse.model_validate(content)
    assert len(answer.items) == 120
    assert content["paginationInfo"]["totalItems"] == 120


def test_an_empty_catalogue_gives_files_that_can_be_read(
    catalogue: Catalogue, conninfo: str
) -> None:
    content = json.loads(export_as(conninfo, ExportFormat.COMMON_GRANTS))
    OpportunitiesListResponse.model_validate(content)
    assert len(_cells(export_as(conninfo, ExportFormat.XLSX))) == 1


@pytest.mark.parametrize("export_format", [ExportFormat.NDJSON, ExportFormat.COMMON_GRANTS])
def test_all_awards_are_as_they_were_at_the_beginning(
    catalogue: Catalogue,
    conninfo: str,
    monkeypatch: pytest.MonkeyPatch,
    export_format: ExportFormat,
) -> None:
    monkeypatch.setattr(service, "ROWS_AT_ONCE", 1)
    ids = [f"a{number}" for number in range(20)]
    import_all(conninfo, ndjson(*(award(id=each) for each in ids)))
    selection = ByIds()
    for each in ids:
        selection.add([each])

    async def run() -> bytes:
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            parts = export(connection, export_format=export_format, selection=selection, now=NOW)
            async with aclosing(parts) as blocks:
                content = (await anext(blocks)).content + (await anext(blocks)).content
                catalogue.execute("UPDATE scholarships SET name = 'changed'")
                catalogue.execute("DELETE FROM scholarships WHERE id > 'a5'")
                return content + b"".join([block.content async for block in blocks])

    content = asyncio.run(run())
    assert b"changed" not in content
    assert {each for each in ids if f'"{each}"'.encode() in content} == set(ids)


def test_deadlines_are_a_calendar_and_a_feed(catalogue: Catalogue, conninfo: str) -> None:
    dated = [award(id=f"a{n}", application_deadline="2127-03-01") for n in range(70)]
    import_all(conninfo, ndjson(*dated, award(id="open", deadline_kind="rolling")))
    calendar = Calendar.from_ical(export_as(conninfo, ExportFormat.ICS))
    uids = {str(event["UID"]) for event in calendar.walk("VEVENT")}
    assert uids == {f"a{n}@scholarship-api" for n in range(70)}
    feed = ElementTree.fromstring(export_as(conninfo, ExportFormat.ATOM))  # noqa: S314 - ours
    atom = "{http://www.w3.org/2005/Atom}"
    assert len(feed.findall(f"{atom}entry")) == 71
    updated = feed.find(f"{atom}updated")
    assert updated is not None
    assert updated.text == NOW.isoformat()


def test_an_empty_calendar_and_feed_can_be_read(catalogue: Catalogue, conninfo: str) -> None:
    assert not Calendar.from_ical(export_as(conninfo, ExportFormat.ICS)).walk("VEVENT")
    ElementTree.fromstring(export_as(conninfo, ExportFormat.ATOM))  # noqa: S314 - ours
