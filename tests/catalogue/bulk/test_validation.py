"""Reading and checking import files, without a database."""

import bz2
import csv
import datetime as dt
import gzip
import io
import json
import lzma
import zoneinfo
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk import parsing, validation
from scholarship_api.catalogue.bulk.formats import (
    COLUMNS,
    CSV_COLUMNS,
    FileFormat,
    neutralise,
    restore,
)
from scholarship_api.catalogue.bulk.parsing import LINE_LIMIT, FileFault
from scholarship_api.catalogue.bulk.validation import Batch, validate_rows
from scholarship_api.catalogue.models import Scholarship
from tests.catalogue.awards import award, ndjson

NOW = dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC)


def read(
    content: bytes | Iterable[bytes],
    file_format: FileFormat = FileFormat.NDJSON,
    now: dt.datetime = NOW,
) -> Batch:
    """All of a file's batches in one."""
    chunks = [content] if isinstance(content, bytes) else content
    whole = Batch()
    for batch in validate_rows(chunks, file_format=file_format, now=now):
        whole.rows += batch.rows
        whole.errors += batch.errors
        whole.bad += batch.bad
        whole.bytes_read = batch.bytes_read
    return whole


def read_csv(content: bytes | Iterable[bytes]) -> Batch:
    return read(content, FileFormat.CSV)


def columns(batch: Batch, position: int = 0) -> dict[str, Any]:
    return dict(zip(COLUMNS, batch.rows[position].values, strict=True))


def test_the_columns_are_those_of_the_table() -> None:
    set_by_the_database = {"version", "created_at", "updated_at"}
    stored = {column.name for column in Scholarship.__table__.columns if not column.computed}
    assert set(COLUMNS) == stored - set_by_the_database
    assert len(COLUMNS) == len(set(COLUMNS))


# --- NDJSON --------------------------------------------------------------------------------------


def test_json_rows_become_columns() -> None:
    given_row = award(
        amount=1234.5,
        currency="usd",
        application_deadline="2027-01-31",
        deadline_timezone="America/New_York",
        eligibility_criteria={"min_gpa": 3.5, "fields_of_study": ["computer_science", "law"]},
    )
    batch = read(ndjson(given_row))
    found = columns(batch)
    assert not batch.errors
    assert (str(found["amount_min"]), str(found["amount_max"])) == ("1234.5", "1234.5")
    assert found["currency"] == "USD"
    assert found["application_deadline"] == dt.datetime(2027, 2, 1, 4, 59, 59, tzinfo=dt.UTC)
    assert found["deadline_date"] == dt.date(2027, 1, 31)
    assert found["fields_of_study"] == ["technology", "law"]
    assert found["deadline_kind"] == "fixed"


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u2009", "\u202f", "\u3000"])
def test_spaces_between_words_are_plain_ones(space: str) -> None:
    """Others would join the words, so that a search finds neither."""
    text = f"{space}Fund{space}für Kunst{space}"
    found = columns(read(ndjson(award(name=text, organization=text, description=text))))
    assert [found[name] for name in ("name", "organization", "description")] == [
        "Fund für Kunst"
    ] * 3


GOOD = ndjson(award(id="good"))

BAD_JSON = {
    "not JSON": (b"hello", "", "not valid JSON"),
    "truncated": (GOOD[:-5], "", "not valid JSON"),
    "two objects": (GOOD.strip() + GOOD, "", "not valid JSON"),
    "no object": (b'"text"', "", "must be a JSON object"),
    "null": (b"null", "", "must be a JSON object"),
    "NaN": (b'{"amount": NaN}', "", "not valid JSON"),
    "Infinity": (b'{"amount": -Infinity}', "", "not valid JSON"),
    "an infinite number": (ndjson(award(currency="USD"))[:-2] + b',"amount":1e999}', "amount", ""),
    "a huge integer": (ndjson(award(max_awards=10**400)), "max_awards", "2147483647"),
    "a longer integer": (b'{"max_awards": ' + b"9" * 5000 + b"}", "", "out of range"),
    "deep lists": (b"[" * 100_000, "", "recursion limit"),
    "deep objects": (b'{"a":' * 100_000, "", "recursion limit"),
    "deep and valid": (ndjson(award(x=json.loads("[" * 150 + "]" * 150))), "x", "not a known"),
    "invalid UTF-8": (b'{"id": "\xff"}', "", "not UTF-8 text (byte 9"),
    "overlong UTF-8": (b'{"id": "\xc0\xaf"}', "", "not UTF-8 text"),
    "a lone surrogate": (b'{"id": "\\ud800"}', "", "not valid JSON"),
    "a NUL": (b'{"id": "\0"}', "", "not valid JSON"),
    "an escaped NUL": (ndjson(award(name="a\0b")), "name", "control characters"),
    "a repeated key": (b'{"id": "a", "name": "x", "name": "y"}', "name", "more than once"),
    "a repeated key, written otherwise": (
        b'{"id": "a", "name" : "x", "n\\u0061me": "y"}',
        "name",
        "more than once",
    ),
    "a repeated criterion": (
        b'{"id": "a", "eligibility_criteria": {"min_age": 1, "min_age": 2}}',
        "min_age",
        "more than once",
    ),
    "a repeated key, by the number of keys hidden": (
        b'{"id": "a", "name": "x", "name": "y", "description": "\\"z\\""}',
        "name",
        "more than once",
    ),
    "an unknown key": (ndjson(award(colour="red")), "colour", "not a known field"),
    "an unknown criterion": (
        ndjson(award(eligibility_criteria={"height": 1})),
        "eligibility_criteria.height",
        "not a known field",
    ),
    "terminal control in a key": (b'{"\\u001b[2J": 1}', "?[2J", "not a known field"),
    "a missing field": (b'{"id": "a"}', "name", "is required"),
    "a long description": (ndjson(award(description="x" * 20_001)), "description", "20000"),
    "a wrong type": (ndjson(award(name=5)), "name", "string"),
    "a wrong list": (
        ndjson(award(eligibility_criteria={"fields_of_study": ["law", "alchemy"]})),
        "eligibility_criteria.fields_of_study.1",
        "unknown field of study; allowed: engineering",
    ),
    "a wrong day": (ndjson(award(application_deadline="2027-02-30")), "application_deadline", ""),
    "an id with spaces": (ndjson(award(id="a b")), "id", "letters, digits"),
    "a script address": (ndjson(award(website_url="javascript:x")), "website_url", "http"),
    "a long address": (ndjson(award(website_url=f"https://{'x' * 2041}")), "website_url", "2048"),
    "an amount without currency": (ndjson(award(amount=5)), "", "currency"),
    "a half cent": (ndjson(award(amount=5.005, currency="USD")), "amount", "decimal"),
    "a day that no calendar has": (
        ndjson(award(application_deadline="9999-12-31T23:00:00Z", deadline_timezone="Asia/Tokyo")),
        "application_deadline",
        "years 1 to 9999",
    ),
    "a long line": (b'{"id": "' + b"x" * LINE_LIMIT + b'"}', "", "longer than 1,048,576 bytes"),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_a_bad_row_is_reported_and_the_others_are_kept(name: str) -> None:
    content, field, reason = BAD_JSON[name]
    batch = read(GOOD + content.strip(b"\n") + b"\n" + ndjson(award(id="after")))
    assert [(row.line, row.values[0]) for row in batch.rows] == [(1, "good"), (3, "after")]
    assert batch.bad == 1
    assert {error.line for error in batch.errors} == {2}
    assert reason in {error.field: error.reason for error in batch.errors}[field]


def test_all_faults_of_a_row_are_reported_up_to_a_bound() -> None:
    batch = read(ndjson(award(name="", scholarship_type="x", status="y")))
    assert [error.field for error in batch.errors] == ["name", "scholarship_type", "status"]
    batch = read(ndjson({f"unknown_{number}": 1 for number in range(1000)}))
    assert (batch.bad, len(batch.errors)) == (1, validation.ERRORS_PER_ROW)


def test_quoted_text_that_looks_like_a_key_is_no_repeated_key() -> None:
    batch = read(ndjson(award(description='"name": "id": \\"name\\":')))
    assert columns(batch)["description"] == '"name": "id": \\"name\\":'


def test_blank_lines_and_crlf_and_byte_order_mark() -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n  \n\n"
    batch = read(content + ndjson(award(id="last")).strip())
    assert [(row.line, row.values[0]) for row in batch.rows] == [(1, "good"), (5, "last")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_rows(content: bytes) -> None:
    batch = read(content)
    assert (batch.rows, batch.errors, batch.bytes_read) == ([], [], len(content))


@settings(deadline=None)
@given(st.integers(1, 300), st.binary(max_size=40))
def test_pieces_of_any_size_read_the_same(size: int, noise: bytes) -> None:
    content = GOOD + noise + b"\n" + ndjson(award(id="é", name="Ångström"), award(id="b"))
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    assert read(iter(pieces)).rows == read(content).rows


def test_a_line_is_never_held_beyond_the_limit() -> None:
    held = []

    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            yield bytes(LINE_LIMIT // 2)
            held.append(sum(map(len, parts_of(lines))))
        yield b"\n" + GOOD

    def parts_of(generator: Any) -> list[bytes]:  # noqa: ANN401
        frame = generator.gi_frame
        found: list[bytes] = frame.f_locals["parts"]
        return found

    lines = parsing._lines(chunks())
    found = list(lines)
    assert [(line.number, line.content) for line in found] == [(1, None), (2, GOOD.strip())]
    assert max(held) <= LINE_LIMIT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(GOOD, mtime=0), "gunzip"),
        (bz2.compress(GOOD), "bzip2"),
        (lzma.compress(GOOD), "xz"),
        (b"PK\x03\x04...", "zip"),
        (GOOD.decode().encode("utf-16"), "UTF-16"),
        (b"[" + GOOD + b"]", "JSON array"),
        (b" \n [\n" + GOOD, "JSON array"),
        (b"id,name,organization,scholarship_type\n1,2,3,4\n", "--format csv"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole(content: bytes, message: str) -> None:
    with pytest.raises(FileFault, match=message):
        read([content[:1], content[1:3], content[3:]])


def test_what_the_api_derives_is_ignored() -> None:
    derived = {
        "version": 7,
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "nonsense",
        "availability": "open",
        "days_left": 3,
    }
    plain = award(amount_min=10, currency="USD")
    assert read(ndjson({**plain, **derived, "amount": 10.0})).rows == read(ndjson(plain)).rows
    assert columns(read(ndjson({**plain, "amount": 10})))["amount_max"] is None


def test_an_amount_that_contradicts_is_an_error() -> None:
    batch = read(ndjson(award(amount=5, amount_min=1, amount_max=10, currency="USD")))
    assert "amount must equal amount_max" in batch.errors[0].reason


def test_a_caller_may_be_refused() -> None:
    batches = validate_rows(
        [ndjson(award(id="mine"), award(id="theirs", organization="Other"))],
        file_format=FileFormat.NDJSON,
        now=NOW,
        allow=lambda given: "is not yours" if given.organization == "Other" else None,
    )
    (batch,) = batches
    assert [row.values[0] for row in batch.rows] == ["mine"]
    assert batch.errors == [validation.RowError(2, "", "is not yours")]


def test_batches_are_bounded_by_rows_and_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def sizes(chunks: list[bytes]) -> list[int]:
        batches = validate_rows(chunks, file_format=FileFormat.NDJSON, now=NOW, batch_rows=10)
        return [len(batch.rows) + batch.bad for batch in batches]

    assert sizes([GOOD * 15 + b"bad\n" * 10]) == [10, 10, 5]
    monkeypatch.setattr(validation, "FIRST_BATCH_ROWS", 3)
    assert sizes([GOOD * 25]) == [3, 6, 10, 6]
    monkeypatch.setattr(validation, "BATCH_BYTES", 3 * len(GOOD))
    assert sizes([GOOD] * 7) == [3, 3, 1]


# --- CSV -----------------------------------------------------------------------------------------

HEADER = "id,name,organization,scholarship_type"


def test_csv_cells_become_columns() -> None:
    header = f"{HEADER},min_gpa,grade_levels,renewable,financial_need,max_awards,description"
    line = 'a,"A, ""B""",Org,merit-based,3.5,graduate; doctoral;,TRUE,false,,"two\r\nlines"'
    batch = read_csv(f"\ufeff{header}\r\n{line}\r\n".encode())
    found = columns(batch)
    assert not batch.errors
    assert found["name"] == 'A, "B"'
    assert str(found["min_gpa"]) == "3.5"
    assert found["grade_levels"] == ["graduate", "doctoral"]
    assert (found["renewable"], found["financial_need"]) == (True, False)
    assert found["max_awards"] is None
    assert found["description"] == "two\r\nlines"


@pytest.mark.parametrize("content", [b"", b"\n \n,,\n"])
def test_a_csv_file_without_any_line_is_refused(content: bytes) -> None:
    with pytest.raises(FileFault, match="empty"):
        read_csv(content)


def test_a_record_of_many_lines_is_never_held_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parsing, "LINE_LIMIT", 10_000)
    cell = b'"' + b"x\n" * 500 + b'",'
    after = b"y,Name,Org,athletic\n"
    batch = read_csv(HEADER.encode() + b"\n" + cell * 12 + b"\n" + after)
    assert batch.errors[0] == validation.RowError(
        2, "", "a quoted cell that begins here is not closed"
    )
    assert batch.rows[-1].values[0] == "y"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,name\n", "missing: organization, scholarship_type"),
        (f"{HEADER},colour\n", "unknown: colour"),
        (f"{HEADER},name\n", "repeated: name"),
        (f"{HEADER},\n", r"unknown: \(no name\)"),
        (f"{HEADER},eligibility_criteria\n", "unknown: eligibility_criteria"),
        ("a,Name,Org,merit_based\n", "must be a CSV header"),
        (f'"{HEADER}\n', "not closed"),
        (f"{HEADER},\x1b[2J\n", r"unknown: \?\[2J"),
        (f"{HEADER},{'x' * 10_000}\n", "unknown: x{60}\\.\\.\\."),
        (f"{HEADER},{',' * 2_000_000}\n", "longer than"),
    ],
)
def test_a_wrong_header_is_refused_before_any_row(header: str, message: str) -> None:
    with pytest.raises(FileFault, match=message):
        read_csv(header.encode() + b"a,Name,Org,merit_based\n")


BAD_CSV = {
    "too few cells": (b"x,Name,Org", "", "3 cells"),
    "too many cells": (b"x,Name,Org,athletic,", "", "5 cells"),
    "a wrong type": (b"x,Name,Org,none", "scholarship_type", "allowed: merit_based"),
    "an empty field": (b"x,,Org,athletic", "name", "is required"),
    "invalid UTF-8": (b"x,\xff,Org,athletic", "", "not UTF-8 text (byte 3"),
    "a NUL": (b"x,a\0b,Org,athletic", "name", "control characters"),
    "text after a quote": (b'x,"Na"me,Org,athletic', "", "closing quote"),
    "a lone carriage return": (b"x,Na\rme,Org,athletic", "", "carriage return"),
    "a long line": (b"x," + b"n" * LINE_LIMIT, "", "longer than"),
    "a long cell": (b"x," + b"n" * 200_000 + b",Org,athletic", "", "not closed"),
    "an open quote": (b'x,"Name,Org,athletic', "", "closing quote"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_csv_row_is_reported_and_the_others_are_kept(name: str) -> None:
    content, field, reason = BAD_CSV[name]
    good = b'%s,"Name",Org,athletic\n'
    batch = read_csv(
        HEADER.encode() + b"\n" + good % b"good" + content + b"\n" + good % b"after" + good % b"end"
    )
    assert [(row.line, row.values[0]) for row in batch.rows] == [
        (2, "good"),
        (4, "after"),
        (5, "end"),
    ]
    assert [(error.line, error.field) for error in batch.errors] == [(3, field)]
    assert reason in batch.errors[0].reason


def test_an_open_quote_swallows_nothing_but_its_own_row() -> None:
    lines = [HEADER, 'x,"Name,Org,athletic', *(f"r{n},Name,Org,athletic" for n in range(20_000))]
    batch = read_csv("\n".join(lines).encode())
    assert [row.line for row in batch.rows] == list(range(3, 20_003))
    assert [(error.line, error.reason) for error in batch.errors] == [
        (2, "a quoted cell that begins here is not closed")
    ]


def test_a_file_of_open_quotes_is_read_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "REPLAYS", 3)
    read_lines = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read_lines
        yield HEADER.encode() + b"\n"
        for _ in range(60):
            read_lines += 10_000
            yield b'a","\n' * 10_000

    batch = read_csv(chunks())
    assert read_lines == 600_000
    # Each of the first three gives its lines back; the later ones take about 26 000 lines each.
    assert batch.bad < 40


def test_blank_csv_lines_are_passed_over() -> None:
    batch = read_csv(f"\n{HEADER}\n\n,,,\n  \na,N,O,athletic\n".encode())
    assert [(row.line, row.values[0]) for row in batch.rows] == [(6, "a")]
    assert not batch.errors


def test_csv_and_json_say_the_same() -> None:
    full = award(
        amount_min=1, amount_max=2, currency="EUR", renewable=True, deadline_kind="rolling",
        recommendation_letters=2, contact_email="a@b.cc",
        eligibility_criteria={"min_age": 17, "residency_states": ["CA", "NY"], "max_gpa": 3.25},
    )  # fmt: skip
    cells = {
        **full,
        **full["eligibility_criteria"],
        "residency_states": "CA;NY",
        "renewable": "true",
    }
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, extrasaction="ignore")
    writer.writeheader()
    writer.writerow(cells)
    batch = read_csv(text.getvalue().encode())
    assert not batch.errors
    assert batch.rows[0].values == read(ndjson(full)).rows[0].values


# --- Formulas ------------------------------------------------------------------------------------

FORMULA_TEXT = st.text(st.sampled_from("'\" =+-@\t\r\n\u00a0\uff1da1"), max_size=8) | st.text()


@settings(deadline=None)
@given(FORMULA_TEXT)
@example("'")
@example("'=1")
@example("''=1")
@example("' '\"=1")
def test_neutralised_text_is_restored_exactly(text: str) -> None:
    assert restore(neutralise(text)) == text


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", '"=1', "'=1", "\uff1d1", " \u00a0-2"],
)
def test_formulas_are_neutralised(text: str) -> None:
    assert neutralise(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "'quoted'", "O'Brien", "1-2", " text", "(=1)"])
def test_other_text_is_left_alone(text: str) -> None:
    assert neutralise(text) == text
    assert restore(text) == text


# --- Yearly deadlines ----------------------------------------------------------------------------


def moved(deadline: str, zone: str = "UTC", now: dt.datetime = NOW, **fields: object) -> Any:  # noqa: ANN401
    yearly = {"recurs": "yearly", "deadline_estimated": True}
    row = award(application_deadline=deadline, deadline_timezone=zone, **{**yearly, **fields})
    batch = read(ndjson(row), now=now)
    assert not batch.errors
    return columns(batch)


@pytest.mark.parametrize(
    ("deadline", "zone", "day"),
    [
        ("2020-06-15", "UTC", (2026, 6, 15)),  # closes at the end of today
        ("2020-06-14", "UTC", (2027, 6, 14)),
        ("2026-06-14", "UTC", (2027, 6, 14)),
        ("2026-06-16", "UTC", (2026, 6, 16)),
        ("2030-01-01", "UTC", (2030, 1, 1)),
        ("1999-12-31", "UTC", (2026, 12, 31)),
        ("2024-02-29", "UTC", (2027, 2, 28)),
        ("2020-06-15", "Pacific/Kiritimati", (2027, 6, 15)),  # over there it is the 16th
        ("2020-06-15", "Pacific/Pago_Pago", (2026, 6, 15)),
    ],
)
def test_a_passed_yearly_deadline_moves_to_its_next_day(
    deadline: str, zone: str, day: tuple[int, int, int]
) -> None:
    found = moved(deadline, zone)
    assert found["deadline_date"] == dt.date(*day)
    local = found["application_deadline"].astimezone(zoneinfo.ZoneInfo(zone))
    assert (local.date(), local.time()) == (dt.date(*day), dt.time(23, 59, 59))


def test_29_february_comes_back_in_a_leap_year() -> None:
    now = dt.datetime(2028, 1, 1, tzinfo=dt.UTC)
    assert moved("2024-02-29", now=now)["deadline_date"] == dt.date(2028, 2, 29)


def test_the_clock_of_the_zone_stays_across_summer_time() -> None:
    found = moved("2024-03-20T17:00:00", "Europe/Berlin")
    assert found["application_deadline"] == dt.datetime(2027, 3, 20, 16, tzinfo=dt.UTC)
    # 2027 this hour is skipped: still the 28th of March.
    found = moved("2021-03-28T02:30:00", "America/New_York")
    assert found["deadline_date"] == dt.date(2027, 3, 28)


def test_the_notification_moves_by_as_many_years() -> None:
    found = moved("2023-11-30", notification_date="2024-02-29")
    assert found["deadline_date"] == dt.date(2026, 11, 30)
    assert found["notification_date"] == dt.date(2027, 2, 28)


def test_the_instant_of_the_deadline_is_not_yet_passed() -> None:
    assert moved("2026-06-15T12:00:00Z")["deadline_date"] == dt.date(2026, 6, 15)
    later = NOW + dt.timedelta(seconds=1)
    assert moved("2026-06-15T12:00:00Z", now=later)["deadline_date"] == dt.date(2027, 6, 15)


@pytest.mark.parametrize("fields", [{"recurs": "none"}, {"deadline_estimated": False}])
def test_other_deadlines_stay(fields: dict[str, Any]) -> None:
    found = moved("2020-01-31", notification_date="2020-03-01", **fields)
    assert found["deadline_date"] == dt.date(2020, 1, 31)
    assert found["notification_date"] == dt.date(2020, 3, 1)


DATES = st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2035, 1, 1))  # noqa: DTZ001


@settings(deadline=None)
@given(
    deadline=DATES,
    now=DATES.map(lambda day: day.replace(tzinfo=dt.UTC)),
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Apia", "Asia/Kolkata"]),
)
def test_the_next_occurrence_is_the_first_that_has_not_passed(
    deadline: dt.datetime, now: dt.datetime, zone: str
) -> None:
    found = moved(deadline.isoformat(), zone, now)
    instant, day = found["application_deadline"], found["deadline_date"]
    assert instant >= now
    assert instant - now <= dt.timedelta(days=367) or day == deadline.date()
    assert (day.month, min(day.day, 28)) == (deadline.month, min(deadline.day, 28))
    again = moved(instant.isoformat(), zone, now)
    assert again["application_deadline"] == instant
