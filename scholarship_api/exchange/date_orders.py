"""Finds the order of day, month and year in the dates of a column, and says how sure it is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from scholarship_api.catalogue.bulk.errors_in_words import shown_value
from scholarship_api.exchange.values.dates import DateOrder
from scholarship_api.exchange.values.deadlines import numeric_readings

_FORM: Final = re.compile(
    r"\b(m{1,2}|d{1,2}|y{1,4})[/. -](m{1,2}|d{1,2})[/. -](m{1,2}|d{1,2}|y{1,4})\b"
)
_IN_WORDS: Final = {
    DateOrder.MDY: "month first",
    DateOrder.DMY: "day first",
    DateOrder.YMD: "year first",
}


@dataclass(frozen=True, slots=True)
class ColumnOrder:
    """The one order in which every date of a column is a day."""

    order: DateOrder
    unsettled: int
    """Dates that are a day in another order, too."""
    example: str
    """The first of them."""
    settled: int
    """Dates that are a day in this order only."""
    evidence: str
    """The first of them; empty if there is none."""

    def note(self, header: str) -> str:
        """How the dates with several readings are read, and why."""
        dates = f"{self.unsettled:,} {'date' if self.unsettled == 1 else 'dates'}"
        how = f"{header}: {dates} with several readings, such as {self.example},"
        how += f" read {_IN_WORDS[self.order]} ({self.order})"
        if not self.settled:
            return f"{how}, because no other order suits all dates of the column"
        if self.settled == 1:
            return (
                f"{how} because of a single other date, {self.evidence}; if that is a slip, all of"
                " them may be wrong: give the order of dates to be sure"
            )
        return f"{how} because {self.settled:,} others leave no choice, such as {self.evidence}"


def order_in_header(header: str) -> DateOrder | None:
    """The order that a header states, as in `Deadline (MM/DD/YYYY)`."""
    found = _FORM.search(header.casefold())
    letters = "".join(part[0] for part in found.groups()) if found else ""
    return DateOrder(letters) if letters in set(DateOrder) else None


def order_of_column(texts: Iterable[str]) -> ColumnOrder | None:
    """The order of the dates in some cells; None if several orders, or none, suit all of them."""
    possible = set(DateOrder)
    counts: dict[frozenset[DateOrder], int] = {}
    first: dict[frozenset[DateOrder], str] = {}
    for text in texts:
        for days in numeric_readings(text):
            if days.keys() == {DateOrder.YMD}:  # a year of four digits in front says nothing else
                continue
            possible &= days.keys()
            if len(days) == 1 or len(set(days.values())) > 1:  # 7/7/2027 is one day in any order
                kind = frozenset(days)
                counts[kind] = counts.get(kind, 0) + 1
                first.setdefault(kind, shown_value(text.strip()))
        if not possible:
            return None
    if len(possible) != 1:
        return None
    [order] = possible
    only = frozenset(possible)
    several = [kind for kind in counts if kind != only]
    return ColumnOrder(
        order,
        unsettled=sum(counts[kind] for kind in several),
        example=first[several[0]] if several else "",
        settled=counts.get(only, 0),
        evidence=first.get(only, ""),
    )
