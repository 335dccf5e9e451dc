"""Reads CSV files as people make them: any delimiter, any encoding, short rows, broken quotes."""

import csv
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final

from scholarship_api.catalogue.bulk.lines import MAX_LINE_BYTES, Line, lines_of
from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.catalogue.columns import InvalidAward
from scholarship_api.exchange.encodings import as_lines_of_bytes, encoding_of
from scholarship_api.exchange.grids import GridRow

CHUNK_BYTES: Final = 262_144
"""Bytes that are read from the file at a time."""

MAX_REREAD_BYTES: Final = 4_194_304
"""Bytes after unclosed quotes that are read again in one CSV file.

Each quote can cost 128 KiB, and a hostile file would have an unclosed quote on every line.
"""

MAX_COLUMNS: Final = 702
"""Columns of a table: A to ZZ of a spreadsheet. The longest table of the service has about 50."""

DELIMITERS: Final = (",", ";", "\t", "|")
_UTF8_MARK: Final = b"\xef\xbb\xbf"


class DelimitedGrid:
    """The rows of a delimited file."""

    name = ""
    hidden_columns: frozenset[int] = frozenset()
    serial_days: int | None = None

    def __init__(
        self, file: BinaryIO, *, delimiter: str = ",", encoding: str | None = None
    ) -> None:
        """`file` can be read from any position. Raises UnreadableFile."""
        self._given = file
        found = encoding_of(file, encoding)
        self._file, self._encoding = as_lines_of_bytes(file, found)
        self.delimiter = delimiter
        self.notes = [found.note] if found.note else []
        self._ends_in_carriage_returns = self._has_only_carriage_returns()
        self._stated = self._stated_delimiter()

    @property
    def has_stated_delimiter(self) -> bool:
        """Whether the first line is `sep=;`, as Excel writes it."""
        return self._stated is not None

    def rows(self) -> Iterator[GridRow]:
        return self.divided_at(self._stated or self.delimiter)

    def close(self) -> None:
        if self._file is not self._given:
            self._file.close()

    def divided_at(self, delimiter: str) -> Iterator[GridRow]:
        """Yield the rows for a delimiter."""
        lines = lines_of(self._chunks())
        if self._stated is not None:
            next(lines, None)
        return _rows(lines, delimiter, self._encoding)

    def _chunks(self) -> Iterator[bytes]:
        self._file.seek(0)
        position = 0
        is_first = True
        while chunk := self._file.read(CHUNK_BYTES):
            position += len(chunk)
            if is_first:
                chunk = chunk.removeprefix(_UTF8_MARK)
                is_first = False
            if self._ends_in_carriage_returns:
                chunk = chunk.replace(b"\r", b"\n")
            yield chunk
            if self._file.tell() != position:
                self._file.seek(position)  # the rows are read twice at the same time

    def _has_only_carriage_returns(self) -> bool:
        self._file.seek(0)
        head = self._file.read(CHUNK_BYTES)
        return b"\r" in head and b"\n" not in head

    def _stated_delimiter(self) -> str | None:
        first = next(lines_of(self._chunks()), None)
        text = (first.content or b"").decode(self._encoding, errors="replace") if first else ""
        text = text.strip('\r\ufeff" ')
        if text[:4].casefold() != "sep=" or len(text) > len("sep=;"):
            return None
        return text[4:] or ","


class _RewindableLines:
    """Lines for csv.reader. Remembers those of the current record, and can return them again."""

    def __init__(self, lines: Iterator[Line], encoding: str) -> None:
        self._lines = lines
        self._encoding = encoding
        self._returned: deque[Line] = deque()
        self._taken: list[Line] = []
        self._size = 0
        self._reread_bytes = 0
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
            self.problem = InvalidAward(f"the line is longer than {MAX_LINE_BYTES:,} bytes")
            return "\n"
        try:
            return line.content.decode(self._encoding) + "\n"
        except UnicodeDecodeError as error:
            name = "UTF-8" if self._encoding == "utf-8" else self._encoding
            self.problem = InvalidAward(
                f"the row is not {name} text (byte {error.start + 1} of the line)"
            )
            return line.content.decode(self._encoding, errors="replace") + "\n"

    def start_record(self) -> None:
        self._taken.clear()
        self._size = 0
        self.problem = None

    @property
    def first_line(self) -> int:
        return self._taken[0].number if self._taken else 1

    def return_all_but_first(self) -> None:
        if len(self._taken) > 1 and self._reread_bytes < MAX_REREAD_BYTES:
            self._reread_bytes += self._size
            self._returned.extendleft(reversed(self._taken[1:]))


def _rows(lines: Iterator[Line], delimiter: str, encoding: str) -> Iterator[GridRow]:
    source = _RewindableLines(lines, encoding)
    # In strict mode, text after a closing quote shows at once that an earlier one was left open.
    reader = csv.reader(source, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        source.start_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield GridRow(source.first_line, [], source.problem or _invalid_csv(error))
            source.return_all_but_first()
            continue
        if len(cells) > MAX_COLUMNS:
            raise UnreadableFile(
                f"Line {source.first_line} has {len(cells):,} columns; at most {MAX_COLUMNS} are"
                " allowed."
            )
        yield GridRow(source.first_line, cells, source.problem)


def _invalid_csv(error: csv.Error) -> InvalidAward:
    text = str(error)
    if "end of data" in text or "field limit" in text or "too long" in text:
        return InvalidAward("a quoted cell that begins here is not closed")
    if "expected after" in text:
        return InvalidAward("text follows a closing quote; inside a quoted cell quotes are doubled")
    if "new-line" in text:
        return InvalidAward("a carriage return stands alone; lines end in LF or CR LF")
    return InvalidAward(f"the row is not valid CSV: {text}")
