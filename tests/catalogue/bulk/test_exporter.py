"""Exports hold every field, and importing one changes nothing."""

import asyncio
import csv
import datetime as dt
import io
import json
import tracemalloc
from contextlib import aclosing
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk import exporter
from scholarship_api.catalogue.bulk.exporter import export_rows
from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS, FileFormat
from scholarship_api.catalogue.bulk.importer import ImportReport, import_stream
from scholarship_api.catalogue.bulk.parsing import READERS
from scholarship_api.catalogue.columns import PART_FIELDS
from scholarship_api.visible_text import require_visible_characters
from scholarship_api.vocabulary import (
    COUNTRIES,
    STATES,
    FieldOfStudy,
    GradeLevel,
    Recurrence,
    ScholarshipType,
    Status,
)
from tests.catalogue.awards import Row, award, ndjson

Catalogue = psycopg.Connection[dict[str, Any]]
BOTH = pytest.mark.parametrize("file_format", list(FileFormat))

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def import_all(
    conninfo: str, content: bytes, file_format: FileFormat = FileFormat.NDJSON
) -> ImportReport:
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
    async def run() -> bytes:
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            rows = export_rows(connection, file_format=file_format, status=status)
            async with aclosing(rows) as blocks:
                contents = [block async for block in blocks]
        lines = b"".join(block.content for block in contents)
        header = 1 if file_format is FileFormat.CSV else 0
        reader = csv.reader(io.StringIO(lines.decode(), newline=""))
        counted = len(list(reader)) if header else lines.count(b"\n")
        assert contents[-1].rows == counted - header
        return lines

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

CHARACTERS = st.characters(categories=("L", "N", "P", "S")) | st.sampled_from(
    "'\"=+-@,;|\\{}\n\t\r \u00a0\uff1d"
)


def is_visible(text: str) -> bool:
    try:
        return require_visible_characters(text) == text
    except ValueError:
        return False


TEXT = st.text(CHARACTERS, max_size=40).filter(is_visible)
LINE = TEXT.map(lambda text: f"{text}x")
ADDRESS = st.sampled_from([None, "https://example.org/=1?a;b,'c'\\", "http://example.org/ü"])
INSTANTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2200, 1, 1))  # noqa: DTZ001
DAYS = st.none() | st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)).map(str)


def several(values: Any) -> st.SearchStrategy[list[str]]:  # noqa: ANN401
    return st.lists(st.sampled_from(sorted(values)), max_size=3, unique=True)


SETS = st.fixed_dictionaries(
    {},
    optional={
        "min_gpa": st.sampled_from([0, 2.75, 4]),
        "genders": several(["woman", "man"]),
        "citizenships": several(["US", "permanent_resident", "CA"]),
        "max_sai": st.integers(-1500, 10),
        "high_schools": st.lists(st.fixed_dictionaries({"name": LINE}), max_size=2),
        "tests": st.just([{"test": "ielts", "min": 6.5}]),
        "lgbtq": st.booleans(),
    },
)
ROUNDS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["rolling", "unknown"])},
    optional={
        "opens_at": st.dates(dt.date(1990, 1, 1), dt.date(2026, 1, 1)).map(str),
        "closes_at": st.dates(dt.date(2026, 1, 2), dt.date(2200, 1, 1)).map(str),
        "timezone": st.sampled_from(["UTC", "Asia/Kathmandu"]),
        "estimated": st.booleans(),
        "notification_on": DAYS,
    },
)
REQUIREMENTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["essay", "recommendation"])},
    optional={
        "title": LINE,
        "prompt": LINE,
        "count": st.integers(1, 10),
        "required": st.booleans(),
    },
)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "eligibility_sets": st.lists(SETS, min_size=1, max_size=3),
        "criteria_complete": st.booleans(),
        "other_requirements": st.lists(LINE, max_size=3),
        "preferences": st.lists(
            st.fixed_dictionaries({"criteria": SETS, "text": LINE}), max_size=2
        ),
        "rounds": st.lists(ROUNDS, max_size=3),
        "requirements": st.lists(REQUIREMENTS, max_size=3),
        "application": st.fixed_dictionaries({}, optional={"fee": st.sampled_from([0, 9.99])}),
        "coverage": st.fixed_dictionaries({"kind": st.just("varies")}, optional={"text": LINE}),
        "flags": several(["requires_fee", "sweepstakes"]),
        "sources": st.lists(st.fixed_dictionaries({"name": LINE}), max_size=2),
        "last_verified_by": LINE,
    },
)


@st.composite
def awards(draw: st.DrawFn) -> Row:
    row, parts = draw(plain_awards()), draw(st.just({}) | PARTS)
    if "eligibility_sets" in parts:
        del row["eligibility_criteria"]
    return row | parts


@st.composite
def plain_awards(draw: st.DrawFn) -> Row:
    low, high = sorted(draw(st.tuples(st.integers(0, 10**12 - 1), st.integers(0, 10**12 - 1))))
    ages = sorted(draw(st.tuples(st.integers(0, 130), st.integers(0, 130))))
    gpas = sorted(draw(st.tuples(st.integers(0, 400), st.integers(0, 400))))
    deadline = draw(st.none() | INSTANTS)
    kinds = ["fixed"] if deadline else ["rolling", "unknown"]
    return {
        "id": draw(st.text("-abAB09._:~", min_size=3, max_size=6)),
        "name": draw(LINE),
        "organization": draw(LINE),
        "description": draw(TEXT),
        "amount_min": draw(st.sampled_from([None, low / 100])),
        "amount_max": draw(st.sampled_from([None, high / 100])),
        "currency": draw(st.sampled_from(["USD", "JPY"])),
        "max_awards": draw(st.none() | st.integers(1, 2**31 - 1)),
        "application_deadline": deadline and deadline.isoformat(),
        "deadline_kind": draw(st.sampled_from(kinds)),
        "deadline_timezone": draw(st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns"])),
        "deadline_estimated": draw(st.booleans()),
        "recurs": draw(st.sampled_from(list(Recurrence))),
        "notification_date": draw(DAYS),
        "scholarship_type": draw(st.sampled_from(list(ScholarshipType))),
        "renewable": draw(st.booleans()),
        "essay_required": draw(st.booleans()),
        "recommendation_letters": draw(st.integers(0, 10)),
        "eligibility_criteria": {
            "min_gpa": draw(st.sampled_from([None, gpas[0] / 100])),
            "max_gpa": draw(st.sampled_from([None, gpas[1] / 100])),
            "grade_levels": draw(several(GradeLevel)),
            "citizenship_required": draw(
                st.none() | st.sampled_from([*sorted(COUNTRIES), "international"])
            ),
            "residency_states": draw(several(STATES)),
            "fields_of_study": draw(several(FieldOfStudy)),
            "min_age": draw(st.sampled_from([None, ages[0]])),
            "max_age": draw(st.sampled_from([None, ages[1]])),
            "financial_need": draw(st.booleans()),
        },
        "application_url": draw(ADDRESS),
        "website_url": draw(ADDRESS),
        "contact_email": draw(st.sampled_from([None, "=a'b@example.org", "'-a@example.org"])),
        "source_url": draw(ADDRESS),
        "last_verified_on": draw(DAYS),
        "status": draw(st.sampled_from(list(Status))),
    }


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


def test_both_formats_hold_the_same_awards(catalogue: Catalogue, conninfo: str) -> None:
    import_all(conninfo, ndjson(award(amount_min=5, currency="EUR", name="'=x", renewable=True)))
    content = export_all(conninfo, FileFormat.CSV)
    line = export_all(conninfo)
    catalogue.execute("TRUNCATE scholarships")
    import_all(conninfo, content, FileFormat.CSV)
    assert export_all(conninfo) == line


@pytest.mark.slow
def test_memory_does_not_grow_with_the_catalogue(
    catalogue: Catalogue, conninfo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "BLOCK_BYTES", 4_096)
    catalogue.execute(
        "INSERT INTO scholarships (id, name, organization, scholarship_type, deadline_kind,"
        " description) SELECT 'id' || n, 'N', 'O', 'athletic', 'rolling', repeat('1 ', 500)"
        " FROM generate_series(1, 5000) AS n"
    )

    async def run() -> tuple[int, int]:
        async with await psycopg.AsyncConnection.connect(conninfo) as connection:
            size = peak = 0
            async with aclosing(export_rows(connection)) as blocks:
                tracemalloc.start()
                async for block in blocks:
                    size += len(block.content)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            return size, peak

    size, peak = asyncio.run(run())
    assert size > 5_000_000
    assert peak < 1_000_000
