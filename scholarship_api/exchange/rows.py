"""Turns a row of a table into an award, and says what became of every cell."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from scholarship_api.catalogue.bulk.errors_in_words import row_error
from scholarship_api.catalogue.bulk.formats import restore
from scholarship_api.catalogue.bulk.records import Cell, Record
from scholarship_api.catalogue.bulk.unknown_codes import MAX_TEXT
from scholarship_api.catalogue.columns import READ_ONLY_FIELDS, drop_read_only
from scholarship_api.exchange.date_orders import order_in_header
from scholarship_api.exchange.drafts import (
    Draft,
    Outcome,
    merge_deadline,
    nested,
    settle_coverage,
    settle_deadline,
    settle_requirements,
    settle_words,
)
from scholarship_api.exchange.fields import CRITERIA, field_of, read_cell
from scholarship_api.exchange.grids import GridRow
from scholarship_api.exchange.targets import APPLY, CONTACT, IGNORE, OPENS_AT, ROUND
from scholarship_api.exchange.values.dates import DateOrder, of_serial
from scholarship_api.exchange.values.deadlines import numeric_readings
from scholarship_api.exchange.values.reading import Reading, UnreadableValueError, says_nothing
from scholarship_api.exchange.values.settings import ReadingSettings
from scholarship_api.exchange.values.words import type_in_words

DERIVED_ID: Final = "row_"
"""The prefix of ids that are derived from the words of a row."""

ASSUMED_TYPE: Final = "merit_based"
"""The type of awards that name none: the most general one."""

ASSUMED_CURRENCY: Final = "USD"

_DATE_TARGETS: Final = frozenset(
    {"application_deadline", "notification_date", "last_verified_on", OPENS_AT, "rounds"}
)
_AMOUNTS: Final = ("amount", "amount_min", "amount_max")
_DAYS: Final = frozenset({"notification_date", "last_verified_on"})
"""Fields of days without a time."""
_SERIAL: Final = re.compile(r"\d{5}(?:\.\d+)?")
_SPACES: Final = re.compile(r"\s+")


class Column(NamedTuple):
    """A column of a table, and the field that its cells are read as."""

    position: int
    header: str
    """As the file has it; made from the position when it has none."""
    target: str | None
    """A name of `targets.TARGETS`; None: the cells are kept as text."""
    currency: str | None = None
    """The currency that the header names."""
    hidden: bool = False
    """Whether the spreadsheet hides the column, so that it is passed over."""


@dataclass(slots=True)
class ReadRow:
    """A row, its award, and the outcomes of its cells."""

    record: Record
    outcomes: list[Outcome]


class RowReader:
    """Reads the rows of one table, whose columns are known."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        today: dt.date,
        date_order: DateOrder | None = None,
        order_of_column: Callable[[int], DateOrder | None] | None = None,
        defaults: Mapping[str, str] | None = None,
        serial_days: int | None = None,
    ) -> None:
        """`order_of_column` finds the order of dates of a column from all of its cells.
        `serial_days` is that of the grid."""
        self._columns = [column for column in columns if not column.hidden]
        self._today = today
        self._date_order = date_order
        self._order_of_column = order_of_column
        self._defaults = dict(defaults or {})
        self._serial_days = serial_days
        targets = {column.target for column in self._columns}
        self._has_type = "scholarship_type" in targets or "scholarship_type" in self._defaults
        self._has_currency_column = "currency" in targets
        self._has_currency = "currency" in targets or "currency" in self._defaults
        self._has_bounds = bool(targets & {"amount_min", "amount_max"})
        self._orders: dict[int, DateOrder | None] = {}
        self._ids: set[int] = set()
        self.assumed: dict[str, int] = {}
        """Assumptions in words, and how many rows they were made for."""
        self.kept_as_text: dict[str, int] = {}
        """Columns whose cells are kept as text, and how many cells."""

    def read(self, row: GridRow) -> ReadRow:
        draft = Draft()
        for column in self._columns:
            cell = row.cells[column.position] if column.position < len(row.cells) else ""
            text = restore(cell).strip()
            problem = row.problems.get(column.position)
            if text or problem:
                self._read_cell(draft, row, column, text, problem)
        self._extra_cells(draft, row)
        for name, value in self._defaults.items():
            self._apply_default(draft, row, name, value)
        content = self._award(draft)
        record = Record(row.line, content, tuple(draft.errors), draft.cells)
        return ReadRow(record, draft.outcomes)

    # --- Cells -----------------------------------------------------------------------------------

    def _read_cell(
        self, draft: Draft, row: GridRow, column: Column, text: str, problem: str | None
    ) -> None:
        outcome = Outcome(column.header, text or (problem or ""))
        draft.outcomes.append(outcome)
        target = column.target
        if target in READ_ONLY_FIELDS and target != OPENS_AT:
            outcome.note = "the service derives this field itself"
            return
        if target == IGNORE:
            outcome.note = "passed over, as the mapping says"
            return
        if target is None:
            if problem:
                outcome.note = problem
            self._keep(draft, outcome, column.header, text)
            return
        name = field_of(target)
        draft.cells.setdefault(name, Cell(column.header, text))
        if problem:
            self._unreadable(draft, row, outcome, name, problem)
            return
        try:
            reading = self._reading(target, column, row, text)
        except UnreadableValueError as error:
            self._unreadable(draft, row, outcome, name, str(error))
            return
        self._merge(draft, column, reading, outcome, text)

    def _reading(self, target: str, column: Column, row: GridRow, text: str) -> Reading:
        if self._serial_days is not None and target in _DATE_TARGETS and _SERIAL.fullmatch(text):
            moment = of_serial(float(text) + self._serial_days)
            if target in _DAYS and isinstance(moment, dt.datetime):
                moment = moment.date()
            reading = read_cell(target, moment.isoformat(), ReadingSettings(self._today))
            reading.note = f"the number of a day is taken for {moment.isoformat()}"
            return reading
        link = row.links.get(column.position)
        if link and target in ("website_url", "application_url", "source_url", APPLY):
            try:
                return read_cell(target, text, self._settings(column, text))
            except UnreadableValueError:
                pass
            reading = read_cell(target, link, self._settings(column, text))
            if not reading.words:
                reading.words = text
                reading.note = "the address of the link in the cell"
                return reading
            return read_cell(
                "application_url" if target == APPLY else target,
                link,
                self._settings(column, text),
            )
        if link and target in (CONTACT, "contact_email") and "@" not in text:
            reading = read_cell("contact_email", link, self._settings(column, text))
            reading.words = text
            return reading
        return read_cell(target, text, self._settings(column, text))

    def _settings(self, column: Column, text: str) -> ReadingSettings:
        order = self._date_order
        if order is None and column.target in _DATE_TARGETS:
            order = order_in_header(column.header)
        if order is None and column.target in _DATE_TARGETS:
            several = any(len(found) > 1 for found in numeric_readings(text))
            order = self._column_order(column.position) if several else None
        return ReadingSettings(self._today, order)

    def _column_order(self, position: int) -> DateOrder | None:
        if self._order_of_column is None:
            return None
        if position not in self._orders:
            self._orders[position] = self._order_of_column(position)
        return self._orders[position]

    def _merge(
        self, draft: Draft, column: Column, reading: Reading, outcome: Outcome, text: str
    ) -> None:
        fields = self._with_currency(draft, column, dict(reading.fields), reading.note)
        outcome.became = dict(fields)
        outcome.note = reading.note
        if "is taken for" in reading.note and ("currency" in fields) == (
            "currency" in reading.fields
        ):
            self._assume(reading.note)
        if column.target in ("application_deadline", "rounds"):
            merge_deadline(draft, column.header, fields)
        if column.target == "amount" and self._has_bounds and fields.get("amount_min") is not None:
            # Beside its bounds, the amount only repeats the highest one.
            fields["amount"] = fields.pop("amount_max", fields["amount_min"])
            del fields["amount_min"]
        for name, value in fields.items():
            if not draft.set(name, value):
                self._keep(draft, outcome, column.header, text)
                outcome.note = f"{name} is given by another column"
            draft.cells.setdefault(name, Cell(column.header, text))
        if reading.words:
            self._keep(draft, outcome, column.header, reading.words, field_of(column.target or ""))
        elif not reading.fields and not outcome.note:
            outcome.note = "says nothing" if says_nothing(text) else "requires nothing"

    def _with_currency(
        self, draft: Draft, column: Column, fields: dict[str, Any], note: str
    ) -> dict[str, Any]:
        """A sign that several countries use counts less than a header or a column of its own."""
        has_amount = any(name in fields for name in _AMOUNTS[1:])
        is_assumed = "is taken for" in note and "currency" in fields
        if is_assumed and (column.currency or self._has_currency_column):
            draft.assumed_currency = str(fields.pop("currency"))
        if has_amount and column.currency:
            fields.setdefault("currency", column.currency)
        return fields

    def _keep(
        self, draft: Draft, outcome: Outcome, header: str, words: str, name: str = ""
    ) -> None:
        """Keep the words of a cell with the award, under the header of its column."""
        text = f"{header}: {words}"
        is_requirement = name.startswith(CRITERIA) or name == "other_requirements"
        if is_requirement and len(text) <= MAX_TEXT:
            draft.requirements.append(text)
            outcome.kept_as = "other_requirements"
        else:
            draft.description.append(text)
            outcome.kept_as = "description"
        self.kept_as_text[header] = self.kept_as_text.get(header, 0) + 1

    def _unreadable(
        self, draft: Draft, row: GridRow, outcome: Outcome, name: str, reason: str
    ) -> None:
        record = Record(row.line, {}, cells={name: Cell(outcome.column, outcome.value)})
        draft.errors.append(row_error(record, name, reason))
        outcome.error = reason

    def _extra_cells(self, draft: Draft, row: GridRow) -> None:
        width = max((column.position for column in self._columns), default=-1) + 1
        extra = [cell for cell in row.cells[max(width, row.width) :] if cell.strip()]
        if extra:
            text = " | ".join(extra)
            outcome = Outcome("", text)
            draft.outcomes.append(outcome)
            reason = (
                f"the row has {len(row.cells)} cells and the header {row.width}: a cell with a"
                " comma must be in quotes"
            )
            draft.cells[""] = Cell("", text)
            self._unreadable(draft, row, outcome, "", reason)

    # --- The award as a whole --------------------------------------------------------------------

    def _apply_default(self, draft: Draft, row: GridRow, name: str, value: str) -> None:
        target = field_of(name)
        if target in draft.fields or any(error.field == target for error in draft.errors):
            return
        if name == "application_deadline" and (draft.rounds or draft.deadline):
            return
        column = Column(-1, f"{name} (for all rows)", name)
        outcome = Outcome(column.header, value)
        draft.outcomes.append(outcome)
        try:
            reading = read_cell(name, value, ReadingSettings(self._today, self._date_order))
        except UnreadableValueError as error:
            self._unreadable(draft, row, outcome, target, str(error))
            return
        self._merge(draft, column, reading, outcome, value)

    def _award(self, draft: Draft) -> dict[str, object]:
        fields = draft.fields
        round_name = fields.pop(ROUND, "")
        settle_deadline(draft, round_name)
        settle_requirements(fields)
        settle_coverage(fields)
        self._settle_amount(draft)
        if not self._has_type and "name" in fields and not draft.has_error("scholarship_type"):
            words = " ".join([str(fields["name"]), *draft.description, *draft.requirements])
            found = type_in_words(words)
            fields["scholarship_type"] = found or ASSUMED_TYPE
            self._assume(
                f"no column gives the type: {fields['scholarship_type']} is"
                f" {'found in the words of the row' if found else 'assumed'}"
            )
        settle_words(draft)
        content = nested(fields)
        if "id" not in content:
            content["id"] = self._derived_id(content, round_name)
        drop_read_only(content)
        return content

    def _settle_amount(self, draft: Draft) -> None:
        fields = draft.fields
        if draft.assumed_currency and not draft.has_error("currency"):
            fields.setdefault("currency", draft.assumed_currency)
        has_amount = any(fields.get(name) is not None for name in _AMOUNTS)
        if (
            has_amount
            and "currency" not in fields
            and not self._has_currency
            and not draft.has_error("currency")
        ):
            fields["currency"] = ASSUMED_CURRENCY
            self._assume(f"no column gives the currency: {ASSUMED_CURRENCY} is assumed")

    def _derived_id(self, content: dict[str, object], round_name: str) -> str:
        """An id of the organization, name and round, so that the same file changes nothing.

        Rows that share all three are told apart by their deadline, or else by all their values.
        """
        base = [
            _folded(content.get("organization", "")),
            _folded(content.get("name", "")),
            _folded(round_name),
        ]
        deadline = str(content.get("application_deadline") or content.get("rounds") or "")
        found = _digest([*base, ""])
        if int(found, 16) in self._ids or "name" not in content:
            found = _digest([*base, deadline])
        if int(found, 16) in self._ids or "name" not in content:
            found = _digest([*base, repr(sorted(content.items(), key=str))])
        self._ids.add(int(found, 16))
        return DERIVED_ID + found

    def _assume(self, text: str) -> None:
        self.assumed[text] = self.assumed.get(text, 0) + 1


def _folded(value: object) -> str:
    return _SPACES.sub(" ", str(value)).strip().casefold()


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=12).hexdigest()
