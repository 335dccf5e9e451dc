"""Finds the table in a grid: its header, its rows, and everything around it.

Titles above the header, headings of sections, totals and notes below the table are passed over, and
mentioned in the report.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from scholarship_api.catalogue.bulk.errors_in_words import shown_value
from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.exchange import headers
from scholarship_api.exchange.grids import Grid, GridRow
from scholarship_api.exchange.headers import HeaderMatch, match_headers
from scholarship_api.exchange.rows import Column

HEADER_ROWS: Final = 60
"""Rows at the top of a grid among which the header is looked for."""

MAX_PASSED_OVER: Final = 50
"""Rows that were passed over that a report lists."""

_ENOUGH_MATCHES: Final = 2
"""Known headers that make a row a header."""

_FEW_COLUMNS: Final = 3
"""In a table with fewer columns, a row with one cell may be an award."""

_TOTAL: Final = re.compile(
    (
        r"(?:grand |sub)?-? ?totals?\b.*|sum\b.*|count\b.*|average\b.*|\d+ "
        r"(?:scholarships?|awards?|rows?|records?)"
    ),
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"[\s$€£]*[\d.,]+\s*%?")


class PassedOver(NamedTuple):
    """A part of a file that holds no award."""

    line: int
    """0 when it is not a row."""
    kind: str
    text: str


@dataclass(slots=True)
class Table:
    """A table in a grid."""

    grid: Grid
    header_line: int
    columns: list[Column]
    width: int
    """Cells of the header, without empty ones at its end."""
    score: int
    """How many headers are known."""
    passed_over: list[PassedOver] = field(default_factory=list)
    """The first MAX_PASSED_OVER."""
    passed_over_count: int = 0
    _header: tuple[str, ...] = ()
    _mapping: Mapping[str, str] = field(default_factory=dict)

    def mention(self, line: int, kind: str, text: str) -> None:
        self.passed_over_count += 1
        if len(self.passed_over) < MAX_PASSED_OVER:
            self.passed_over.append(PassedOver(line, kind, shown_value(text)))

    def rows(self) -> Iterator[GridRow]:
        """Yield the rows of the table; what is no row of it is mentioned once."""
        yield from self._below_header(mention=True)

    def texts(self, position: int) -> Iterator[str]:
        """The texts of one column, read once more from the file."""
        for row in self._below_header(mention=False):
            if row.problem is None and position < len(row.cells):
                yield row.cells[position]

    def _below_header(self, *, mention: bool) -> Iterator[GridRow]:
        for row in self.grid.rows():
            if row.line <= self.header_line:
                continue
            if row.problem is None and (kind := self._kind_of(row)):
                if mention and kind != "blank row":
                    self.mention(row.line, kind, " | ".join(cell for cell in row.cells if cell))
                continue
            row.width = self.width
            yield row

    def _is_plain_award(self, row: GridRow) -> bool:
        """Settles nearly all rows by their first two cells, because the whole look takes longer."""
        if len(row.cells) < _ENOUGH_MATCHES or row.is_hidden or row.is_merged:
            return False
        first, second = row.cells[0].strip(), row.cells[1].strip()
        return bool(first and second and first != self._header[0] and not _TOTAL.match(first))

    def _kind_of(self, row: GridRow) -> str | None:
        """The kind of a row that is no award; None for an award."""
        if self._is_plain_award(row):
            return None
        if row.is_hidden:
            return "hidden row"
        filled = [cell.strip() for cell in row.cells if cell.strip()]
        if not filled and not row.problems:
            return "blank row"
        if tuple(cell.strip() for cell in row.cells[: self.width]) == self._header:
            return "repeated header"
        if len(self.columns) < _FEW_COLUMNS or row.problems:
            return None  # a short row may be an award
        is_total = _TOTAL.fullmatch(filled[0]) and all(map(_NUMBER.fullmatch, filled[1:]))
        is_heading = row.is_merged or len(filled) == 1
        return "total" if is_total else ("heading or note" if is_heading else None)


def find_table(
    grid: Grid, *, mapping: Mapping[str, str] | None = None, header_line: int | None = None
) -> Table:
    """Find the header of a grid: the row with most known headers among the first HEADER_ROWS.

    `mapping` gives fields to headers of the file's own. Raises UnreadableFile when no row looks
    like a header.
    """
    mapping = {headers.normalised(name): target for name, target in (mapping or {}).items()}
    top = list(islice(grid.rows(), HEADER_ROWS))
    best: tuple[int, GridRow, list[HeaderMatch]] | None = None
    for row in top:
        if row.problem is not None:
            continue
        if header_line is not None and row.line != header_line:
            continue
        matches = _matches(row.cells, mapping)
        score = _score(row, matches)
        if best is None or score > best[0]:
            best = (score, row, matches)
    if best is None or not any(cell.strip() for cell in best[1].cells):
        raise UnreadableFile(_no_header(top))
    score, row, matches = best
    if score < _ENOUGH_MATCHES and header_line is None:
        raise UnreadableFile(_no_header(top, row))
    return _table(grid, top, row, matches, mapping)


def _matches(cells: Sequence[str], mapping: Mapping[str, str]) -> list[HeaderMatch]:
    found = match_headers(cells)
    for at, cell in enumerate(cells):
        target = mapping.get(headers.normalised(cell)) if cell.strip() else None
        if target is not None:
            found[at] = HeaderMatch(target, found[at].currency)
    return found


def _score(row: GridRow, matches: Iterable[HeaderMatch]) -> int:
    """How many different fields the cells of a row name; sentences and numbers are no headers."""
    if row.is_merged:
        return 0
    return len({each.target for each in matches if each.target})


def _table(
    grid: Grid,
    top: Sequence[GridRow],
    row: GridRow,
    matches: list[HeaderMatch],
    mapping: Mapping[str, str],
) -> Table:
    score = _score(row, matches)
    names = [cell.strip() for cell in row.cells]
    width = max(at for at, name in enumerate(names) if name) + 1
    below = [each for each in top if each.line > row.line and each.problem is None]
    groups = _group_headers(top, row)
    spanning = _spanning_headers(top, row)
    columns = []
    for at in range(max(width, *(len(each.cells) for each in below), 0) if below else width):
        name = names[at] if at < len(names) else ""
        match = matches[at] if at < len(matches) else HeaderMatch(None)
        if not name and at in groups:
            name = groups[at]
            [match] = _matches([name], mapping)
        elif name and match.target is None and at in spanning:
            match = _match_in_group(name, spanning[at], mapping) or match
        if not name:
            continue
        columns.append(
            Column(at, name, match.target, match.currency, hidden=at in grid.hidden_columns)
        )
    # A column without a header is one of the table when it stands between others.
    known = {column.position for column in columns}
    columns += [
        Column(at, f"column {column_name(at)}", None, hidden=at in grid.hidden_columns)
        for at in range(width)
        if at not in known
    ]
    columns.sort()
    table = Table(grid, row.line, columns, width, score)
    table._header = tuple(names[:width])  # noqa: SLF001 - the table's own maker
    for each in top:
        if each.line < row.line and any(cell.strip() for cell in each.cells):
            table.mention(
                each.line, "title", " | ".join(cell for cell in each.cells if cell.strip())
            )
    for column in columns:
        if column.hidden:
            table.mention(0, "hidden column", column.header)
    return table


def _group_headers(top: Sequence[GridRow], header: GridRow) -> dict[int, str]:
    """Headers of a row above that reach over two rows, for columns without one in the header."""
    above = [row for row in top if row.line == header.line - 1 and row.problem is None]
    if not above or above[0].is_merged:
        return {}
    cells = [cell.strip() for cell in above[0].cells]
    if sum(1 for cell in cells if cell) < _ENOUGH_MATCHES:
        return {}
    return {
        at: cell
        for at, cell in enumerate(cells)
        if cell and (at >= len(header.cells) or not header.cells[at].strip())
    }


def _spanning_headers(top: Sequence[GridRow], header: GridRow) -> dict[int, str]:
    """For each header the one above it, which may reach over several columns."""
    above = [row for row in top if row.line == header.line - 1 and row.problem is None]
    if not above or sum(1 for cell in above[0].cells if cell.strip()) < _ENOUGH_MATCHES:
        return {}
    found: dict[int, str] = {}
    name = ""
    for at in range(len(header.cells)):
        cell = above[0].cells[at].strip() if at < len(above[0].cells) else ""
        name = cell or name
        if name and header.cells[at].strip():
            found[at] = name
    return found


def _match_in_group(name: str, group: str, mapping: Mapping[str, str]) -> HeaderMatch | None:
    """The field of `Minimum` below `Award Amount`."""
    for text in (f"{name} {group}", f"{group} {name}"):
        [match] = _matches([text], mapping)
        if match.target is not None:
            return match
    return None


def column_name(position: int) -> str:
    """The letters of a spreadsheet's column: 0 is A, 26 is AA."""
    letters = ""
    number = position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _no_header(top: Sequence[GridRow], best: GridRow | None = None) -> str:
    filled = [row for row in top if row.problem or any(cell.strip() for cell in row.cells)]
    if filled and filled[0].problem is not None:
        return f"The header cannot be read: {filled[0].problem.reason}."
    if best is None or not filled:
        return (
            "The file is empty; a table begins with a header line such as Name, Organization,"
            " Amount, Deadline."
        )
    shown = ", ".join(shown_value(cell) or "(no name)" for cell in best.cells[:10])
    return (
        "No header was found in the first lines. A header names the columns, such as Name,"
        f" Organization, Amount, Deadline. Line {best.line} has: {shown}. Name the columns with"
        " --map 'Header=field'."
    )
