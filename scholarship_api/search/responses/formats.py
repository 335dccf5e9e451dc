"""Results of a search in other formats than JSON: which one is asked for, and tables in CSV."""

import csv
import io
from collections.abc import Iterable
from typing import Any, Final, Literal

from scholarship_api.catalogue.bulk.formats import neutralise

Format = Literal["json", "atom", "csv", "ics"]

CSV: Final = "text/csv; charset=utf-8; header=present"
VARY: Final = ((b"vary", b"accept"),)
COLUMNS: Final = (
    "id",
    "name",
    "organization",
    "amount",
    "currency",
    "application_deadline",
    "availability",
    "days_left",
    "scholarship_type",
    "description",
)
"""Fields of a ScholarshipSummary, in the order of the columns."""

_BY_MEDIA_TYPE: Final[dict[str, Format]] = {
    "application/atom+xml": "atom",
    "text/calendar": "ics",
    "text/csv": "csv",
    "application/json": "json",
    "application/*": "json",
    "*/*": "json",
}
_OTHERS: Final = (b"atom+xml", b"text/calendar", b"text/csv")


def may_ask_for_other(accept: bytes | None) -> bool:
    """Whether an Accept header may ask for another format than JSON; false positives occur."""
    return accept is not None and any(each in accept.lower() for each in _OTHERS)


def accepted_format(accept: str | None) -> Format:
    """The first format of an Accept header that there is; JSON without one."""
    for media_range in (accept or "").split(","):
        found = _BY_MEDIA_TYPE.get(media_range.partition(";")[0].strip().lower())
        if found is not None:
            return found
    return "json"


def table(items: Iterable[dict[str, Any]]) -> bytes:
    """Summaries as CSV (RFC 4180), without formulas that a spreadsheet would run."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for item in items:
        writer.writerow([_cell(item.get(name)) for name in COLUMNS])
    return written.getvalue().encode()


def _cell(value: object) -> object:
    return neutralise(value) if isinstance(value, str) else value
