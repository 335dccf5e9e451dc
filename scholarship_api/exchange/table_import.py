"""Reads a table as records for the import, and shows what it would become."""

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import BinaryIO, Final

from scholarship_api.catalogue.bulk.records import Record, UnreadableFile
from scholarship_api.exchange.date_orders import ColumnOrder, order_of_column
from scholarship_api.exchange.grids import Grid, GridRow
from scholarship_api.exchange.options import ImportOptions
from scholarship_api.exchange.own_format import award_of, is_own_header
from scholarship_api.exchange.rows import ReadRow, RowReader
from scholarship_api.exchange.tables import PassedOver, Table, find_table
from scholarship_api.exchange.values.dates import DateOrder

MAX_NOTES: Final = 200
"""Remarks of a report."""

_REMEDIES: Final = {
    "name": "no column gives the names of the awards: name it with a mapping such as 'Header=name'",
    "organization": "no column gives the organization of the awards: name it with a mapping such"
    " as 'Header=organization', or set it for all rows with 'organization=NAME'",
}


class TableImport:
    """A table that is about to be imported."""

    def __init__(
        self,
        grid: Grid,
        options: ImportOptions,
        *,
        file: BinaryIO,
        today: dt.date,
        passed_over: Sequence[PassedOver] = (),
    ) -> None:
        """`passed_over` names other parts of the file. Raises UnreadableFile."""
        self.table: Table = find_table(
            grid, mapping=options.columns, header_line=options.header_line
        )
        for part in passed_over:
            self.table.mention(part.line, part.kind, part.text)
        self._options = options
        self._file = file
        self._rows = RowReader(
            self.table.columns,
            today=today,
            date_order=options.date_order,
            order_of_column=self._order_of,
            defaults=options.defaults,
            serial_days=grid.serial_days,
        )
        self._position = 0
        self._date_orders: dict[int, ColumnOrder] = {}
        """The orders that were derived from the dates of a column, by its position."""
        names = [column.header for column in self.table.columns]
        self._own_header = names if is_own_header(names) and not options.columns else None

    @property
    def problems(self) -> list[str]:
        """Why no row can be imported, and what to do."""
        targets = {column.target for column in self.table.columns if not column.hidden}
        known = targets | self._options.defaults.keys()
        return [remedy for name, remedy in _REMEDIES.items() if name not in known]

    def check(self) -> None:
        """Raises UnreadableFile when no row can be imported."""
        problems = self.problems
        if self._options.lenient:
            problems = [problem for problem in problems if problem == _REMEDIES["name"]]
        if problems:
            shown = ", ".join(column.header for column in self.table.columns[:30])
            text = "; ".join(problems)
            raise UnreadableFile(f"The table cannot be imported: {text}. Its columns are {shown}.")

    def close(self) -> None:
        """Close the table and the file that it was read from."""
        self.table.grid.close()
        self._file.close()

    def position(self) -> int:
        """Characters of the rows that have been read."""
        return self._position

    def records(self) -> Iterator[Record]:
        """Yield the rows of the table. Raises UnreadableFile, as `check` does."""
        self.check()
        for row in self.table.rows():
            self._position += sum(map(len, row.cells))
            yield self._record(row)

    def preview(self, rows: int) -> list[ReadRow]:
        """The first rows, with what each cell became."""
        return [self._read(row) for row in islice(self.table.rows(), rows)]

    def limit_rows(self, most: int) -> None:
        """Raises UnreadableFile for more rows, unless all columns are the service's own."""
        if self._own_header is not None:
            return
        if sum(1 for _ in islice(self.table.grid.rows(), most + 1)) > most:
            raise UnreadableFile(
                f"A table in a request has at most {most:,} rows: send it in parts, or use the"
                " command line."
            )

    def mapping(self) -> dict[str, str]:
        """The field of each column that has one, by header."""
        return {
            column.header: column.target
            for column in self.table.columns
            if column.target is not None and not column.hidden
        }

    def notes(self) -> list[str]:
        """Say what was assumed, kept as text and passed over; complete after the last row."""
        table = self.table
        notes = [*table.grid.notes]
        if table.grid.name:
            notes.append(f"read the sheet {table.grid.name!r}")
        unknown = [
            column.header for column in table.columns if column.target is None and not column.hidden
        ]
        if unknown:
            notes.append(f"columns without a field, kept as text: {', '.join(unknown)}")
        notes += self._date_order_notes()
        notes += [_counted(text, rows) for text, rows in self._rows.assumed.items()]
        notes += [
            f"{'line ' + str(part.line) + ': ' if part.line else ''}{part.kind} passed over:"
            f" {part.text}"
            for part in table.passed_over
        ]
        hidden = table.passed_over_count - len(table.passed_over)
        if hidden:
            notes.append(f"{hidden:,} further rows passed over")
        return notes[:MAX_NOTES]

    def _record(self, row: GridRow) -> Record:
        if row.problem is not None:
            return Record(row.line, row.problem)
        header = self._own_header
        if header is not None and len(row.cells) <= len(header):
            # A workbook leaves out the empty cells at the end of a row.
            left_out = [""] * (len(header) - len(row.cells))
            content = award_of(header, [*row.cells, *left_out])
            if content is not None:
                return Record(row.line, content, read_again=partial(self._read_again, row))
        return self._rows.read(row).record

    def _read_again(self, row: GridRow) -> Record:
        return self._rows.read(row).record

    def _read(self, row: GridRow) -> ReadRow:
        if row.problem is not None:
            return ReadRow(Record(row.line, row.problem), [])
        return self._rows.read(row)

    def _order_of(self, position: int) -> DateOrder | None:
        found = order_of_column(self.table.texts(position))
        if found is None:
            return None
        self._date_orders[position] = found
        return found.order

    def _date_order_notes(self) -> Iterator[str]:
        headers = {column.position: column.header for column in self.table.columns}
        for position, found in sorted(self._date_orders.items()):
            if found.unsettled:
                yield found.note(headers[position])


def _counted(text: str, rows: int) -> str:
    return f"{text} ({rows:,} {'row' if rows == 1 else 'rows'})"
