"""Import files are read row by row; a bad row does not affect the others."""

import bz2
import gzip
import json
import lzma
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scholarship_api.catalogue.bulk import lines
from scholarship_api.catalogue.bulk.lines import MAX_LINE_BYTES
from scholarship_api.catalogue.bulk.records import UnreadableFile
from tests.catalogue.awards import award, ndjson
from tests.catalogue.bulk.files import read

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
    "terminal control in a key": (ndjson(award(**{"\x1b[2J": 1})), "?[2J", "not a known field"),
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
    "a long line": (b'{"id": "' + b"x" * MAX_LINE_BYTES + b'"}', "", "longer than 1,048,576 bytes"),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_a_bad_row_is_reported_and_the_others_are_kept(name: str) -> None:
    content, field, reason = BAD_JSON[name]
    file = read(GOOD + content.strip(b"\n") + b"\n" + ndjson(award(id="after")))
    assert [(row.line, row.values[0]) for row in file.rows] == [(1, "good"), (3, "after")]
    assert len(file.bad_rows) == 1
    assert {error.line for error in file.errors} == {2}
    assert reason in {error.field: error.reason for error in file.errors}[field]


def test_text_that_looks_like_a_key_is_not_a_repeated_key() -> None:
    file = read(ndjson(award(description='"name": "id": \\"name\\":')))
    assert file.columns()["description"] == '"name": "id": \\"name\\":'


def test_blank_lines_crlf_and_byte_order_mark_are_skipped() -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n") + b"\r\n  \n\n"
    file = read(content + ndjson(award(id="last")).strip())
    assert [(row.line, row.values[0]) for row in file.rows] == [(1, "good"), (5, "last")]


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_has_no_rows(content: bytes) -> None:
    file = read(content)
    assert (file.rows, file.errors) == ([], [])


@settings(deadline=None)
@given(st.integers(1, 300), st.binary(max_size=40))
def test_chunks_of_any_size_read_the_same(size: int, noise: bytes) -> None:
    content = GOOD + noise + b"\n" + ndjson(award(id="é", name="Ångström"), award(id="b"))
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    assert read(iter(chunks)).rows == read(content).rows


def test_memory_never_holds_more_of_a_line_than_the_limit() -> None:
    held = []

    def chunks() -> Iterator[bytes]:
        for _ in range(200):
            yield bytes(MAX_LINE_BYTES // 2)
            held.append(sum(map(len, parts_of(reading))))
        yield b"\n" + GOOD

    def parts_of(generator: Any) -> list[bytes]:  # noqa: ANN401
        frame = generator.gi_frame
        found: list[bytes] = frame.f_locals["parts"]
        return found

    reading = lines.lines_of(chunks())
    found = list(reading)
    assert [(line.number, line.content) for line in found] == [(1, None), (2, GOOD.strip())]
    assert max(held) <= MAX_LINE_BYTES


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
def test_a_file_in_another_format_is_refused_as_a_whole(content: bytes, message: str) -> None:
    with pytest.raises(UnreadableFile, match=message):
        read([content[:1], content[1:3], content[3:]])
