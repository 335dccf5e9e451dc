"""Imports write files into the catalogue."""

import datetime as dt
import io
import random
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from scholarship_api.catalogue.bulk import importer
from scholarship_api.catalogue.bulk.importer import ImportReport, Source, import_stream
from scholarship_api.catalogue.bulk.records import RowError, UnreadableFile
from scholarship_api.catalogue.bulk.upsert import encode_batch, write_batch
from scholarship_api.catalogue.bulk.validation import Row
from scholarship_api.catalogue.columns import BOOLEAN_FIELDS, LIST_FIELDS, WRITTEN_COLUMNS
from scholarship_api.sample_data.synthetic import generate
from tests.catalogue.awards import award, ndjson

pytestmark = pytest.mark.anyio

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)
Catalogue = psycopg.Connection[dict[str, Any]]


@asynccontextmanager
async def connected(conninfo: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        yield connection


async def run(conninfo: str, content: bytes | Source, **options: Any) -> ImportReport:  # noqa: ANN401
    source = io.BytesIO(content) if isinstance(content, bytes) else content
    async with connected(conninfo) as connection:
        return await import_stream(source, connection, **{"now": NOW, **options})


def outcome(report: ImportReport) -> tuple[int, int, int, int, int]:
    assert report.rows == report.accepted + report.repeated + report.bad
    return report.created, report.updated, report.unchanged, report.repeated, report.bad


def stored(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    rows = catalogue.execute(
        SQL("SELECT {}, version, created_at, updated_at FROM scholarships ORDER BY id").format(
            SQL(", ").join(map(Identifier, WRITTEN_COLUMNS))
        )
    )
    return {row["id"]: row for row in rows}


PARTS: dict[str, Any] = {
    "eligibility_sets": [
        {"genders": ["woman"], "tests": [{"test": "sat", "section": "total", "min": 1200}]},
        {"conditions": [{"condition": "cancer", "relation": "parent"}], "max_sai": -1500},
    ],
    "other_requirements": ['Lives \\ in\ta {tent}, or "yurt"', "Plays the ukulele"],
    "preferences": [{"criteria": {"first_generation": True}, "weight": 2, "text": "First"}],
    "requirements": [
        {"key": "essay", "kind": "essay", "count": 1, "from": "applicant", "required": True},
        {
            "key": "letters",
            "kind": "recommendation",
            "count": 10,
            "from": "recommender",
            "required": True,
        },
    ],
    "application": {"method": "email", "fee": 0, "minutes": 90},
    "coverage": {"kind": "percent", "percent": 62.5, "components": ["tuition"], "per": "year"},
    "flags": ["requires_fee"],
    "sources": [{"name": "Önly ☃", "retrieved_on": "2026-05-01"}],
    "rounds": [
        {
            "key": "autumn",
            "academic_year": "2027-28",
            "closes_at": "2027-03-01T06:30:00.250000Z",
            "kind": "fixed",
            "timezone": "Asia/Kolkata",
            "estimated": True,
            "notification_on": "2027-05-01",
        }
    ],
}
"""A value for every column of JSON, as it is stored."""


CRITERIA: dict[str, Any] = {
    "min_gpa": 2.75,
    "max_gpa": 4,
    "grade_levels": ["doctoral", "graduate"],
    "citizenship_required": "permanent_resident",
    "residency_states": ["CA", "PR"],
    "fields_of_study": ["law", "other"],
    "min_age": 0,
    "max_age": 130,
    "financial_need": True,
}


async def test_every_field_is_stored(catalogue: Catalogue, conninfo: str) -> None:
    full: dict[str, Any] = {
        "id": "full",
        "name": "Prix d'été \\ 50 %",
        "organization": 'Tab\there, "quoted"',
        "description": "Line one\nline two\r\nüñí 🎓 \\N \\. {a,b}",
        "amount_min": 99.99,
        "amount_max": 9999999999.99,
        "currency": "CHF",
        "max_awards": 2147483647,
        "application_deadline": "2027-03-01T12:00:00.25+05:30",
        "deadline_kind": "fixed",
        "deadline_timezone": "Asia/Kolkata",
        "deadline_estimated": True,
        "recurs": "yearly",
        "notification_date": "2027-05-01",
        "scholarship_type": "need_based",
        "renewable": True,
        "essay_required": True,
        "recommendation_letters": 10,
        "eligibility_criteria": CRITERIA,
        "application_url": "https://example.org/?q=%41&b=\\",
        "website_url": "http://example.org",
        "contact_email": "a@example.org",
        "source_url": "https://example.org/s",
        "last_verified_on": "2026-01-02",
        "status": "draft",
        "criteria_complete": True,
        "last_verified_by": "Office of Financial Aid",
        **PARTS,
    }
    full["eligibility_sets"] = [{**CRITERIA, "genders": ["woman"]}]
    report = await run(conninfo, ndjson(full))
    assert outcome(report) == (1, 0, 0, 0, 0), report.errors
    row = stored(catalogue)["full"]
    expected = {**full, **CRITERIA}
    instant = dt.datetime(2027, 3, 1, 6, 30, 0, 250_000, tzinfo=dt.UTC)
    for name in WRITTEN_COLUMNS:
        match name:
            case "application_deadline":
                assert row[name] == instant
            case "deadline_date" | "notification_date" | "last_verified_on":
                dates = {**expected, "deadline_date": "2027-03-01"}
                assert row[name].isoformat() == dates[name]
            case "amount_min" | "amount_max" | "min_gpa" | "max_gpa":
                assert float(row[name]) == expected[name]
            case "opens_at" | "turns_at":
                assert row[name] is None
            case _:
                assert row[name] == expected[name], name
    assert (row["version"], row["created_at"]) == (1, row["updated_at"])


async def test_unchanged_rows_are_not_written_and_changed_ones_get_a_version(
    catalogue: Catalogue, conninfo: str
) -> None:
    content = ndjson(award(id="a"), award(id="b"), award(id="c", description="old"))
    assert outcome(await run(conninfo, content)) == (3, 0, 0, 0, 0)
    first = stored(catalogue)
    assert outcome(await run(conninfo, content)) == (0, 0, 3, 0, 0)
    assert stored(catalogue) == first
    changed = ndjson(award(id="b"), award(id="c"), award(id="d"))
    assert outcome(await run(conninfo, changed)) == (1, 1, 1, 0, 0)
    second = stored(catalogue)
    assert {name: row["version"] for name, row in second.items()} == {
        "a": 1,
        "b": 1,
        "c": 2,
        "d": 1,
    }
    assert second["c"]["description"] == ""
    assert second["c"]["created_at"] == first["c"]["created_at"]
    assert second["c"]["updated_at"] > first["c"]["updated_at"]
    assert second["a"] == first["a"]


CHANGES = {
    "name": "other", "organization": "other", "description": "other", "amount_min": 1,
    "amount_max": 3, "currency": "EUR", "max_awards": 3, "deadline_kind": "unknown",
    "deadline_timezone": "Asia/Tokyo", "deadline_estimated": True, "recurs": "yearly",
    "notification_date": "2030-01-01", "scholarship_type": "athletic", "renewable": True,
    "essay_required": True, "recommendation_letters": 1, "application_url": "https://b.cc",
    "website_url": "https://b.cc", "contact_email": "b@b.cc", "source_url": "https://b.cc",
    "last_verified_on": "2020-01-01", "status": "archived", "criteria_complete": True,
    "last_verified_by": "other",
}  # fmt: skip
CRITERIA_CHANGES = {
    "min_gpa": 1, "max_gpa": 3, "grade_levels": ["graduate"], "citizenship_required": "US",
    "residency_states": ["CA"], "fields_of_study": ["law"], "min_age": 1, "max_age": 2,
    "financial_need": True,
}  # fmt: skip


async def test_a_change_of_any_field_alone_is_an_update(
    catalogue: Catalogue, conninfo: str
) -> None:
    base = {"amount_min": 2, "amount_max": 2, "currency": "USD", "deadline_kind": "rolling"}
    changes = [{name: value} for name, value in CHANGES.items()]
    changes += [{"eligibility_criteria": {name: v}} for name, v in CRITERIA_CHANGES.items()]
    changes += [{name: value} for name, value in PARTS.items()]
    changes.append({"application_deadline": "2030-01-01", "deadline_kind": "fixed"})
    names = {name for change in changes for name in change} | set(CRITERIA_CHANGES)
    names |= set(PARTS)
    assert names >= set(WRITTEN_COLUMNS) - {"id", "deadline_date", "opens_at", "turns_at"}
    before = [award(id=f"{number:02d}", **base) for number in range(len(changes))]
    after = [row | change for row, change in zip(before, changes, strict=True)]
    await run(conninfo, ndjson(*before))
    report = await run(conninfo, ndjson(*after))
    assert outcome(report) == (0, len(changes), 0, 0, 0), report.errors
    assert {row["version"] for row in stored(catalogue).values()} == {2}


async def test_the_last_row_with_an_id_wins(catalogue: Catalogue, conninfo: str) -> None:
    content = ndjson(award(name="first"), award(id="b"), award(name="last"))
    assert outcome(await run(conninfo, content)) == (2, 0, 0, 1, 0)
    assert stored(catalogue)["award"]["name"] == "last"


async def test_bad_rows_are_reported_and_good_ones_kept(
    catalogue: Catalogue, conninfo: str
) -> None:
    content = ndjson(award(id="a"), award(id="b", status="lost")) + b"{\n" + ndjson(award(id="c"))
    report = await run(conninfo, content)
    assert outcome(report) == (2, 0, 0, 0, 2)
    assert [error.line for error in report.errors] == [2, 3]
    assert list(stored(catalogue)) == ["a", "c"]


def row(line: int, **values: object) -> Row:
    fields = dict.fromkeys(WRITTEN_COLUMNS) | {
        "id": f"row{line}",
        "name": "N",
        "organization": "O",
        "description": "",
        "deadline_kind": "rolling",
        "deadline_timezone": "UTC",
        "recurs": "none",
        "scholarship_type": "athletic",
        "status": "published",
        "recommendation_letters": 0,
    }
    fields |= dict.fromkeys(BOOLEAN_FIELDS, False) | {name: [] for name in LIST_FIELDS} | values
    return Row(line, tuple(fields[name] for name in WRITTEN_COLUMNS))


async def test_a_row_that_the_database_refuses_does_not_affect_the_others(
    catalogue: Catalogue, conninfo: str
) -> None:
    rows = [row(line) for line in range(100)]
    rows[7] = row(7, recommendation_letters=11)
    rows[8] = row(8, name="a\0b")
    rows[99] = row(99, deadline_kind="fixed")
    async with connected(conninfo) as connection:
        written = await write_batch(connection, encode_batch(rows))
    assert (written.created, written.updated, written.unchanged) == (97, 0, 0)
    assert written.errors == (
        RowError(7, "", "breaks the catalogue's rule: recommendation letters range"),
        RowError(8, "", "holds a value that the database cannot store"),
        RowError(99, "", "breaks the catalogue's rule: deadline matches kind"),
    )
    assert len(stored(catalogue)) == 97


async def test_each_batch_is_committed_before_the_next_one_is_written(
    catalogue: Catalogue, conninfo: str
) -> None:
    seen = []

    def progress(report: ImportReport) -> None:
        seen.append((report.rows, len(stored(catalogue)), report.bytes_read))
        if report.rows > 1_000:
            raise RuntimeError("stop")

    lines = ndjson(*(award(id=f"{number:05d}") for number in range(7_500)))
    with pytest.raises(RuntimeError, match="stop"):
        await run(conninfo, lines, progress=progress)
    assert [(rows, kept) for rows, kept, _ in seen] == [(1_000, 1_000), (3_000, 3_000)]
    assert seen[0][2] < seen[1][2] <= len(lines)
    # Running the same import again completes it.
    assert outcome(await run(conninfo, lines)) == (4_500, 0, 3_000, 0, 0)


async def test_the_report_lists_the_first_errors_and_on_error_gets_all(
    catalogue: Catalogue, conninfo: str
) -> None:
    reported: list[RowError] = []
    report = await run(conninfo, b"{\n" * 6_000, on_error=reported.append)
    assert outcome(report) == (0, 0, 0, 0, 6_000)
    assert len(report.errors) == importer.MAX_REPORTED_ERRORS
    assert report.error_count == len(reported) == 6_000
    assert reported[-1].line == 6_000


async def test_many_empty_objects_are_counted_and_few_are_reported() -> None:
    report = await import_stream(io.BytesIO(b"{}\n" * 20_000), None)
    assert (report.rows, report.bad, report.error_count) == (20_000, 20_000, 80_000)
    assert len(report.errors) == importer.MAX_REPORTED_ERRORS


async def test_a_dry_run_only_validates() -> None:
    report = await import_stream(io.BytesIO(ndjson(award()) + b"{\n"), None)
    assert (report.rows, report.bad, report.accepted) == (2, 1, 0)


async def test_chunks_that_arrive_in_the_event_loop_are_imported(
    catalogue: Catalogue, conninfo: str
) -> None:
    content = ndjson(*(award(id=f"{number}") for number in range(50)))
    loop_thread = threading.current_thread()

    async def arrive() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 1_000):
            await anyio.lowlevel.checkpoint()
            assert threading.current_thread() is loop_thread
            yield content[at : at + 1_000]

    assert outcome(await run(conninfo, arrive())) == (50, 0, 0, 0, 0)


@pytest.mark.slow
async def test_rows_are_validated_outside_of_the_event_loop(
    catalogue: Catalogue, conninfo: str
) -> None:
    """Measured in CPU time, so that a busy machine makes no difference."""
    content = ndjson(*generate(count=9_000, seed=3))
    process_seconds, loop_seconds = time.process_time(), time.thread_time()
    await run(conninfo, content)
    process_seconds = time.process_time() - process_seconds
    loop_seconds = time.thread_time() - loop_seconds
    assert loop_seconds < 0.5 * process_seconds


async def test_errors_of_the_source_and_of_the_format_are_raised(
    catalogue: Catalogue, conninfo: str
) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        await run(conninfo, Broken())
    with pytest.raises(UnreadableFile, match="a table"):
        await run(conninfo, b"a,b,c\n1,2,3\n")


async def test_a_cancelled_import_ends_while_its_source_sends_nothing() -> None:
    released = threading.Event()

    class Silent(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            released.wait(60)
            return b""

    with anyio.move_on_after(0.2) as scope:
        await import_stream(Silent(), None)
    released.set()
    assert scope.cancelled_caught


async def test_concurrent_imports_do_not_deadlock(catalogue: Catalogue, conninfo: str) -> None:
    rows = [award(id=f"{number:04d}") for number in range(1_000)]
    reports = []

    async def import_shuffled(seed: int) -> None:
        shuffled = [{**row, "description": f"by {seed}"} for row in rows]
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - test data
        reports.append(await run(conninfo, ndjson(*shuffled)))

    async with anyio.create_task_group() as tasks:
        for seed in range(4):
            tasks.start_soon(import_shuffled, seed)
    assert sum(report.created for report in reports) == 1_000
    assert sum(report.updated for report in reports) == 3_000
    assert len({row["description"] for row in stored(catalogue).values()}) == 1


@pytest.mark.slow
async def test_memory_does_not_grow_with_the_import(catalogue: Catalogue, conninfo: str) -> None:
    """Reading is at most two batches ahead of writing."""
    read = 0
    ahead: list[int] = []

    class Counted(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            nonlocal read
            read += 1_000
            rows = range(read - 1_000, read) if read <= 40_000 else ()
            return ndjson(*(award(id=f"{number:05d}") for number in rows))

    report = await run(
        conninfo, Counted(), progress=lambda report: ahead.append(read - report.rows)
    )
    assert outcome(report) == (40_000, 0, 0, 0, 0)
    assert 0 < max(ahead) <= 11_000
