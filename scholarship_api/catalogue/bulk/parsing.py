"""Reads the bytes of an import file as one mapping for each row.

The file is streamed. Memory holds a chunk and a line of at most MAX_LINE_BYTES, or the lines of one
CSV record.
"""

import csv
import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from pydantic_core import from_json

from scholarship_api.catalogue.bulk.errors_in_words import printable
from scholarship_api.catalogue.bulk.formats import (
    CSV_COLUMNS,
    LIST_SEPARATOR,
    FileFormat,
    restore,
)
from scholarship_api.catalogue.bulk.records import Record, RecordReader, UnreadableFile
from scholarship_api.catalogue.columns import (
    BOOLEAN_FIELDS,
    CRITERIA_FIELDS,
    LIST_FIELDS,
    PART_FIELDS,
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    InvalidAward,
    drop_read_only,
)

MAX_LINE_BYTES: Final = 1_048_576
"""Bytes of a line or a CSV record. The longest valid row, all of it escaped, has less than half."""

MAX_REREADS: Final = 1_000
"""How often the lines after an unclosed quote are read again in one CSV file.

Each time can cost 128 KiB, and a hostile file would have an unclosed quote on every line.
"""

_ACCEPTED: Final = frozenset({*CSV_COLUMNS, *READ_ONLY_FIELDS, "amount"})
_CRITERIA: Final = frozenset(CRITERIA_FIELDS)

_LISTS_OF_TEXT: Final = frozenset({"flags", "other_requirements"})
"""Parts that people may write like other lists in a cell, instead of JSON."""

_MAGIC_NUMBERS: Final = {
    b"\x1f\x8b": "gzip (unpack it: `gunzip -c FILE | scholarship-api import -`)",
    b"BZh": "bzip2 (unpack it first)",
    b"\xfd7zXZ": "xz (unpack it first)",
    b"\x28\xb5\x2f\xfd": "zstd (unpack it first)",
    b"PK\x03\x04": "zip, as Excel workbooks are (unpack it, or save the sheet as CSV in UTF-8)",
    b"%PDF": "PDF",
    b"\xff\xfe": "UTF-16 (save it as UTF-8)",
    b"\xfe\xff": "UTF-16 (save it as UTF-8)",
}
_BOM: Final = b"\xef\xbb\xbf"
_KEY_END: Final = re.compile(rb'"\s*:')
_POSITION: Final = re.compile(r" at line 1 column (\d+)$")


class _Line(NamedTuple):
    number: int
    content: bytes | None
    """Without the newline; None if it is longer than MAX_LINE_BYTES."""


def read_ndjson(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Read a file with a JSON object on each line."""
    return _json_records(_lines(_without_signature(iter(chunks), FileFormat.NDJSON)))


def read_csv(chunks: Iterable[bytes]) -> Iterator[Record]:
    """Read a file with the columns CSV_COLUMNS, or some of them."""
    return _csv_records(_lines(_without_signature(iter(chunks), FileFormat.CSV)))


READERS: Final[dict[FileFormat, RecordReader]] = {
    FileFormat.NDJSON: read_ndjson,
    FileFormat.CSV: read_csv,
}


def _without_signature(chunks: Iterator[bytes], file_format: FileFormat) -> Iterator[bytes]:
    """Refuse other formats by their first bytes, and drop the byte order mark."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= max(map(len, _MAGIC_NUMBERS)):
            break
    for signature, kind in _MAGIC_NUMBERS.items():
        if start.startswith(signature):
            raise UnreadableFile(f"The file is neither NDJSON nor CSV but {kind}.")
    start = start.removeprefix(_BOM)
    if file_format is FileFormat.NDJSON and start.lstrip().startswith(b"["):
        raise UnreadableFile(
            "The file is a JSON array; NDJSON has one object on each line."
            " Convert it: `jq -c '.[]' FILE | scholarship-api import -`."
        )
    if file_format is FileFormat.NDJSON and _is_csv_header(start):
        raise UnreadableFile("The file is CSV, not NDJSON: give it with `--format csv`.")
    yield start
    yield from chunks


def _is_csv_header(start: bytes) -> bool:
    first_line = start[:MAX_LINE_BYTES].split(b"\n", 1)[0].decode(errors="replace")
    return set(REQUIRED_FIELDS) <= {name.strip(' "\r') for name in first_line.split(",")}


def _lines(chunks: Iterator[bytes]) -> Iterator[_Line]:
    number = 1
    parts: list[bytes] = []
    length = 0
    for chunk in chunks:
        pieces = chunk.split(b"\n")
        for piece in pieces[:-1]:
            length += len(piece)
            content = (b"".join((*parts, piece)) if parts else piece) if _fits(length) else None
            yield _Line(number, content)
            number, length = number + 1, 0
            parts.clear()
        length += len(pieces[-1])
        if _fits(length):
            parts.append(pieces[-1])
        else:
            parts.clear()
    if length:
        yield _Line(number, b"".join(parts) if _fits(length) else None)


def _fits(length: int) -> bool:
    return length <= MAX_LINE_BYTES


def _too_long() -> InvalidAward:
    return InvalidAward(f"the line is longer than {MAX_LINE_BYTES:,} bytes")


# --- NDJSON --------------------------------------------------------------------------------------


def _json_records(lines: Iterator[_Line]) -> Iterator[Record]:
    for number, line in lines:
        if line is None:
            yield Record(number, _too_long())
            continue
        if not line or line.isspace():
            continue
        try:
            yield Record(number, _json_object(line))
        except InvalidAward as problem:
            yield Record(number, problem)


def _json_object(line: bytes) -> dict[str, object]:
    try:
        content = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise _invalid_json(line, str(error)) from None
    if not isinstance(content, dict):
        raise InvalidAward("the row must be a JSON object")
    criteria = content.get("eligibility_criteria")
    keys = len(content) + (len(criteria) if isinstance(criteria, dict) else 0)
    # Every key ends like this, and text inside a string may: a surplus needs the exact look.
    if len(_KEY_END.findall(line)) != keys:
        _refuse_repeated_keys(line)
    drop_read_only(content)
    return content


def _invalid_json(line: bytes, message: str) -> InvalidAward:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return _not_utf8(error)
    message = _POSITION.sub(r" at column \1", message)
    return InvalidAward(f"the row is not valid JSON: {message}")


def _not_utf8(error: UnicodeDecodeError) -> InvalidAward:
    return InvalidAward(f"the row is not UTF-8 text (byte {error.start + 1} of the line)")


def _refuse_repeated_keys(line: bytes) -> None:
    def without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in pairs:
            if name in found:
                raise InvalidAward("is given more than once", name)
            found[name] = value
        return found

    json.loads(line, object_pairs_hook=without_repetition)


# --- CSV -----------------------------------------------------------------------------------------


class _RewindableLines:
    """Lines for csv.reader. Remembers those of the current record, and can return them again."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._returned: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._size = 0
        self._rereads = 0
        self.problem: InvalidAward | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self._taken.append(line)
        self._size += len(line.content or b"") + 1
        if self._size > MAX_LINE_BYTES:
            raise csv.Error("record too long")
        if line.content is None:
            self.problem = _too_long()
            return "\n"
        try:
            return line.content.decode() + "\n"
        except UnicodeDecodeError as error:
            self.problem = _not_utf8(error)
            return line.content.decode(errors="replace") + "\n"

    def start_record(self) -> None:
        self._taken.clear()
        self._size = 0
        self.problem = None

    @property
    def first_line(self) -> int:
        return self._taken[0].number if self._taken else 1

    def return_all_but_first(self) -> None:
        if len(self._taken) > 1 and self._rereads < MAX_REREADS:
            self._rereads += 1
            self._returned.extendleft(reversed(self._taken[1:]))


def _csv_records(lines: Iterator[_Line]) -> Iterator[Record]:
    source = _RewindableLines(lines)
    # In strict mode, text after a closing quote shows at once that an earlier one was left open.
    reader = csv.reader(source, strict=True)
    header = _csv_header(reader, source)
    while True:
        source.start_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = source.problem or _invalid_csv(error)
            yield Record(source.first_line, problem)
            source.return_all_but_first()
            continue
        if source.problem is not None:
            yield Record(source.first_line, source.problem)
        elif any(cell and not cell.isspace() for cell in cells):
            try:
                yield Record(source.first_line, _csv_object(header, cells))
            except InvalidAward as problem:
                yield Record(source.first_line, problem)


def _invalid_csv(error: csv.Error) -> InvalidAward:
    text = str(error)
    if "end of data" in text or "field limit" in text or "too long" in text:
        return InvalidAward("a quoted cell that begins here is not closed")
    if "expected after" in text:
        return InvalidAward("text follows a closing quote; inside a quoted cell quotes are doubled")
    if "new-line" in text:
        return InvalidAward("a carriage return stands alone; lines end in LF or CR LF")
    return InvalidAward(f"the row is not valid CSV: {text}")


def _csv_header(reader: Iterator[list[str]], source: _RewindableLines) -> list[str]:
    example = ",".join((*REQUIRED_FIELDS, "..."))
    cells: list[str] = []
    try:
        while not any(cells) and source.problem is None:
            source.start_record()
            cells = [cell.strip() for cell in next(reader)]
    except StopIteration:
        raise UnreadableFile(
            f"The file is empty; CSV begins with a header line: {example}"
        ) from None
    except csv.Error as error:
        raise UnreadableFile(
            f"The CSV header cannot be read: {_invalid_csv(error).reason}."
        ) from None
    if source.problem is not None:
        raise UnreadableFile(f"The CSV header cannot be read: {source.problem.reason}.")
    problems = []
    if repeated := [name for name, times in Counter(cells).items() if times > 1]:
        problems.append(f"repeated: {_names(repeated)}")
    if unknown := [name for name in cells if name not in _ACCEPTED]:
        problems.append(f"unknown: {_names(unknown)}")
    if missing := [name for name in REQUIRED_FIELDS if name not in cells]:
        problems.append(f"missing: {_names(missing)}")
    if problems:
        raise UnreadableFile(
            f"The first line must be a CSV header of known columns, such as {example};"
            f" {'; '.join(problems)}. Known are {', '.join(CSV_COLUMNS)}."
        )
    return cells


def _names(names: list[str]) -> str:
    shown = ", ".join(printable(name) or "(no name)" for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"  # noqa: PLR2004


def _csv_object(header: list[str], cells: list[str]) -> dict[str, object]:
    if len(cells) != len(header):
        raise InvalidAward(f"the row has {len(cells)} cells and the header {len(header)}")
    content: dict[str, object] = {}
    criteria: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        text = restore(cell).strip()
        if not text:
            continue
        value: object = text
        if name in LIST_FIELDS or (name in _LISTS_OF_TEXT and not text.startswith("[")):
            value = [part for item in text.split(LIST_SEPARATOR) if (part := item.strip())]
        elif name in PART_FIELDS:
            value = _json_cell(name, text)
        elif name in BOOLEAN_FIELDS:
            value = text.lower() == "true"
            if not value and text.lower() != "false":
                raise InvalidAward("must be true or false", name)
        (criteria if name in _CRITERIA else content)[name] = value
    if criteria:
        content["eligibility_criteria"] = criteria
    drop_read_only(content)
    return content


def _json_cell(name: str, text: str) -> object:
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        message = _POSITION.sub(r" at character \1", str(error))
        raise InvalidAward(f"is not valid JSON: {message}", name) from None
