"""From the bytes of an import file to one mapping per row, with whatever is wrong on the way.

Streams: at no time is more held than a chunk, a line of at most LINE_LIMIT bytes, or the lines of
one CSV record.
"""

import csv
import json
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from pydantic_core import from_json

from scholarship_api.catalogue.bulk.formats import (
    BOOLEANS,
    CRITERIA,
    CSV_COLUMNS,
    LIST_SEPARATOR,
    LISTS,
    READ_ONLY,
    FileFormat,
    restore,
)

LINE_LIMIT: Final = 1_048_576
"""Bytes of a line or a CSV record. The longest valid row, all of it escaped, has less than half."""

REPLAYS: Final = 1_000
"""How many unclosed quotes of one CSV file may give back the lines that they swallowed: each can
cost reading 128 KiB again, which a hostile file would repeat on every line."""

_REQUIRED: Final = ("id", "name", "organization", "scholarship_type")
_ACCEPTED: Final = frozenset({*CSV_COLUMNS, *READ_ONLY, "amount"})
_CRITERIA: Final = frozenset(CRITERIA)

_SIGNATURES: Final = {
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


class FileFault(Exception):
    """The file as a whole can not be read; the message says why and what to do."""


class RowFault(Exception):
    """A row can not be used: the field (empty: the whole row) and the reason in plain words."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


class Record(NamedTuple):
    line: int
    """Of the file, from 1; where the record begins."""
    content: dict[str, object] | RowFault


class _Line(NamedTuple):
    number: int
    content: bytes | None
    """Without the newline; None: longer than LINE_LIMIT."""


def read_records(chunks: Iterable[bytes], file_format: FileFormat) -> Iterator[Record]:
    """The rows of a file, which is given in pieces of any size; blank lines are passed over.

    Raises FileFault when the file is of another kind, or when a CSV header is missing or wrong.
    """
    lines = _lines(_checked(iter(chunks), file_format))
    return _json_records(lines) if file_format is FileFormat.NDJSON else _csv_records(lines)


def _checked(chunks: Iterator[bytes], file_format: FileFormat) -> Iterator[bytes]:
    """Refuse what is plainly another format, by its first bytes; drop the byte order mark."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= max(map(len, _SIGNATURES)):
            break
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            raise FileFault(f"The file is neither NDJSON nor CSV but {kind}.")
    start = start.removeprefix(_BOM)
    if file_format is FileFormat.NDJSON and start.lstrip().startswith(b"["):
        raise FileFault(
            "The file is a JSON array; NDJSON has one object on each line."
            " Convert it: `jq -c '.[]' FILE | scholarship-api import -`."
        )
    if file_format is FileFormat.NDJSON and _is_csv_header(start):
        raise FileFault("The file is CSV, not NDJSON: give it with `--format csv`.")
    yield start
    yield from chunks


def _is_csv_header(start: bytes) -> bool:
    first_line = start[:LINE_LIMIT].split(b"\n", 1)[0].decode(errors="replace")
    return set(_REQUIRED) <= {name.strip(' "\r') for name in first_line.split(",")}


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
    return length <= LINE_LIMIT


def _too_long() -> RowFault:
    return RowFault(f"the line is longer than {LINE_LIMIT:,} bytes")


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
        except RowFault as fault:
            yield Record(number, fault)


def _json_object(line: bytes) -> dict[str, object]:
    try:
        content = from_json(line, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise _json_fault(line, str(error)) from None
    if not isinstance(content, dict):
        raise RowFault("the row must be a JSON object")
    criteria = content.get("eligibility_criteria")
    keys = len(content) + (len(criteria) if isinstance(criteria, dict) else 0)
    # Every key ends so, and so may text inside a string: only a surplus needs the exact look.
    if len(_KEY_END.findall(line)) != keys:
        _refuse_repeated_keys(line)
    drop_read_only(content)
    return content


def _json_fault(line: bytes, message: str) -> RowFault:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return _not_utf8(error)
    message = _POSITION.sub(r" at column \1", message)
    return RowFault(f"the row is not valid JSON: {message}")


def _not_utf8(error: UnicodeDecodeError) -> RowFault:
    return RowFault(f"the row is not UTF-8 text (byte {error.start + 1} of the line)")


def _refuse_repeated_keys(line: bytes) -> None:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in pairs:
            if name in found:
                raise RowFault("is given more than once", name)
            found[name] = value
        return found

    json.loads(line, object_pairs_hook=unique)


def drop_read_only(content: dict[str, object]) -> None:
    """Remove what the API answers beyond what can be set."""
    for name in READ_ONLY & content.keys():
        del content[name]
    if content.get("amount") is not None:
        highest = content.get("amount_max")
        if highest is None:
            highest = content.get("amount_min")
        if highest is not None and _equal(content["amount"], highest):
            del content["amount"]  # derived; given alone it would set both bounds


def _equal(one: object, other: object) -> bool:
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return False  # the text of a deeply nested one is a RecursionError
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False


# --- CSV -----------------------------------------------------------------------------------------


class _Rewindable:
    """Lines for csv.reader, which remembers those of the current record and can give them back."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._returned: deque[_Line] = deque()
        self._taken: list[_Line] = []
        self._size = 0
        self._replays = 0
        self.fault: RowFault | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self._taken.append(line)
        self._size += len(line.content or b"") + 1
        if self._size > LINE_LIMIT:
            raise csv.Error("record too long")
        if line.content is None:
            self.fault = _too_long()
            return "\n"
        try:
            return line.content.decode() + "\n"
        except UnicodeDecodeError as error:
            self.fault = _not_utf8(error)
            return line.content.decode(errors="replace") + "\n"

    def begin(self) -> None:
        self._taken.clear()
        self._size = 0
        self.fault = None

    @property
    def first_line(self) -> int:
        return self._taken[0].number if self._taken else 1

    def give_back_all_but_first(self) -> None:
        if len(self._taken) > 1 and self._replays < REPLAYS:
            self._replays += 1
            self._returned.extendleft(reversed(self._taken[1:]))


def _csv_records(lines: Iterator[_Line]) -> Iterator[Record]:
    source = _Rewindable(lines)
    # Strict: text after a closing quote shows at once that an earlier one was left open.
    reader = csv.reader(source, strict=True)
    header = _csv_header(reader, source)
    while True:
        source.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = source.fault or _csv_fault(error)
            yield Record(source.first_line, fault)
            source.give_back_all_but_first()
            continue
        if source.fault is not None:
            yield Record(source.first_line, source.fault)
        elif any(cell and not cell.isspace() for cell in cells):
            try:
                yield Record(source.first_line, _csv_object(header, cells))
            except RowFault as fault:
                yield Record(source.first_line, fault)


def _csv_fault(error: csv.Error) -> RowFault:
    text = str(error)
    if "end of data" in text or "field limit" in text or "too long" in text:
        return RowFault("a quoted cell that begins here is not closed")
    if "expected after" in text:
        return RowFault("text follows a closing quote; inside a quoted cell quotes are doubled")
    if "new-line" in text:
        return RowFault("a carriage return stands alone; lines end in LF or CR LF")
    return RowFault(f"the row is not valid CSV: {text}")


def _csv_header(reader: Iterator[list[str]], source: _Rewindable) -> list[str]:
    example = ",".join((*_REQUIRED, "..."))
    cells: list[str] = []
    try:
        while not any(cells) and source.fault is None:
            source.begin()
            cells = [cell.strip() for cell in next(reader)]
    except StopIteration:
        raise FileFault(f"The file is empty; CSV begins with a header line: {example}") from None
    except csv.Error as error:
        raise FileFault(f"The CSV header can not be read: {_csv_fault(error).reason}.") from None
    if source.fault is not None:
        raise FileFault(f"The CSV header can not be read: {source.fault.reason}.")
    faults = []
    if repeated := [name for name, times in Counter(cells).items() if times > 1]:
        faults.append(f"repeated: {_names(repeated)}")
    if unknown := [name for name in cells if name not in _ACCEPTED]:
        faults.append(f"unknown: {_names(unknown)}")
    if missing := [name for name in _REQUIRED if name not in cells]:
        faults.append(f"missing: {_names(missing)}")
    if faults:
        raise FileFault(
            f"The first line must be a CSV header of known columns, such as {example};"
            f" {'; '.join(faults)}. Known are {', '.join(CSV_COLUMNS)}."
        )
    return cells


def _names(names: list[str]) -> str:
    shown = ", ".join(printable(name) or "(no name)" for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10} more"  # noqa: PLR2004


def printable(text: str, limit: int = 60) -> str:
    """Text of a file for a terminal or a log: no control sequences, bounded."""
    clean = "".join(character if character.isprintable() else "?" for character in text[:limit])
    return clean if len(text) <= limit else clean + "..."


def _csv_object(header: list[str], cells: list[str]) -> dict[str, object]:
    if len(cells) != len(header):
        raise RowFault(f"the row has {len(cells)} cells and the header {len(header)}")
    content: dict[str, object] = {}
    criteria: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        text = restore(cell).strip()
        if not text:
            continue
        value: object = text
        if name in LISTS:
            value = [part for item in text.split(LIST_SEPARATOR) if (part := item.strip())]
        elif name in BOOLEANS:
            value = text.lower() == "true"
            if not value and text.lower() != "false":
                raise RowFault("must be true or false", name)
        (criteria if name in _CRITERIA else content)[name] = value
    if criteria:
        content["eligibility_criteria"] = criteria
    drop_read_only(content)
    return content
