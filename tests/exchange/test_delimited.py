"""CSV files are read row by row; a bad row does not affect the others."""

import csv
import io

import pytest

from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS
from scholarship_api.catalogue.bulk.lines import MAX_LINE_BYTES
from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.exchange import delimited
from tests.catalogue.awards import award, ndjson
from tests.catalogue.bulk.files import read
from tests.exchange.tables import read_table

HEADER = "id,name,organization,scholarship_type"


def test_cells_become_columns() -> None:
    header = f"{HEADER},min_gpa,grade_levels,renewable,financial_need,max_awards,description"
    line = 'a,"A, ""B""",Org,merit-based,3.5,graduate; doctoral;,TRUE,false,,"two\r\nlines"'
    file = read_table(f"\ufeff{header}\r\n{line}\r\n".encode())
    found = file.columns()
    assert not file.errors
    assert found["name"] == 'A, "B"'
    assert str(found["min_gpa"]) == "3.5"
    assert found["grade_levels"] == ["graduate", "doctoral"]
    assert (found["renewable"], found["financial_need"]) == (True, False)
    assert found["max_awards"] is None
    assert found["description"] == "two\r\nlines"


@pytest.mark.parametrize("content", [b"", b"\n \n,,\n"])
def test_a_csv_file_without_a_header_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="empty"):
        read_table(content)


def test_memory_never_holds_more_of_a_record_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delimited, "MAX_LINE_BYTES", 10_000)
    cell = b'"' + b"x\n" * 500 + b'",'
    after = b"y,Name,Org,athletic\n"
    file = read_table(HEADER.encode() + b"\n" + cell * 12 + b"\n" + after)
    assert (file.errors[0].line, file.errors[0].field) == (2, "")
    assert file.errors[0].reason == "a quoted cell that begins here is not closed"
    assert file.rows[-1].values[0] == "y"


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("id,name\n", "no column gives the organization"),
        ("id,organization\n", "no column gives the names"),
        ("a,Name of it,Org,merit_based\n", "No header was found"),
        (f'"{HEADER}\n', "not closed"),
        (f"{HEADER},{',' * 5_000}\n", "has 5,005 columns; at most 702"),
        (f"{HEADER},{',' * 1_000_000}\n", "columns; at most 702"),
        (f"{HEADER},{',' * 2_000_000}\n", "longer than"),
    ],
)
def test_a_wrong_header_is_refused_before_any_row(header: str, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        read_table(header.encode() + b"a,x,y,z\n")


BAD_CSV = {
    "too many cells": (b"x,Name,Org,athletic,more", "", "5 cells and the header 4"),
    "a wrong type": (b"x,Name,Org,chess", "scholarship_type", "is not a known type"),
    "an empty field": (b"x,,Org,athletic", "name", "is required"),
    "invalid UTF-8": (b"x,\xff,Org,athletic", "", "not UTF-8 text (byte 3"),
    "a NUL": (b"x,a\0b,Org,athletic", "name", "control characters"),
    "text after a quote": (b'x,"Na"me,Org,athletic', "", "closing quote"),
    "a lone carriage return": (b"x,Na\rme,Org,athletic", "", "carriage return"),
    "a long line": (b"x," + b"n" * MAX_LINE_BYTES, "", "longer than"),
    "a long cell": (b"x," + b"n" * 200_000 + b",Org,athletic", "", "not closed"),
    "an unclosed quote": (b'x,"Name,Org,athletic', "", "closing quote"),
}


@pytest.mark.parametrize("name", BAD_CSV)
def test_a_bad_csv_row_is_reported_and_the_others_are_kept(name: str) -> None:
    content, field, reason = BAD_CSV[name]
    good = b'%s,"N\xc3\xa4me",Org,athletic\n'
    file = read_table(
        HEADER.encode() + b"\n" + good % b"good" + content + b"\n" + good % b"after" + good % b"end"
    )
    assert [(row.line, row.values[0]) for row in file.rows] == [
        (2, "good"),
        (4, "after"),
        (5, "end"),
    ]
    assert [(error.line, error.field) for error in file.errors] == [(3, field)]
    assert reason in file.errors[0].reason


def test_an_unclosed_quote_spoils_only_its_own_row() -> None:
    lines = [HEADER, 'x,"Name,Org,athletic', *(f"r{n},Name,Org,athletic" for n in range(20_000))]
    file = read_table("\n".join(lines).encode())
    assert [row.line for row in file.rows] == list(range(3, 20_003))
    assert [(error.line, error.reason) for error in file.errors] == [
        (2, "a quoted cell that begins here is not closed")
    ]


@pytest.mark.slow
def test_a_file_of_unclosed_quotes_is_read_in_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_REREAD_BYTES", 300_000)
    content = HEADER.encode() + b"\n" + b'a","\n' * 600_000
    # After each of the first three, its lines are read again; the later ones take about 26 000.
    assert len(read_table(content).bad_rows) < 40


def test_short_rows_are_completed() -> None:
    file = read_table(f"{HEADER},website_url\nx,Name,Org,athletic\n".encode())
    assert file.columns()["website_url"] is None
    assert not file.errors


def test_blank_csv_lines_are_skipped() -> None:
    file = read_table(f"\n{HEADER}\n\n,,,\n  \na,N,O,athletic\n".encode())
    assert [(row.line, row.values[0]) for row in file.rows] == [(6, "a")]
    assert not file.errors


def test_csv_and_json_rows_give_the_same_values() -> None:
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
    file = read_table(text.getvalue().encode())
    assert not file.errors
    assert file.rows[0].values == read(ndjson(full)).rows[0].values
