"""Writes the deadlines of awards as iCalendar or Atom, in parts, with the formats of the feeds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from scholarship_api.catalogue.bulk import exporter
from scholarship_api.catalogue.stored_awards import from_row
from scholarship_api.feeds import readers
from scholarship_api.feeds.entries import Entry, of_award

NAME: Final = "Scholarships"
FEED_ID: Final = "urn:scholarship-api:export"

_CALENDAR_END: Final = b"END:VCALENDAR\r\n"
_FEED_END: Final = b"</feed>"
_FEED_HEAD_END: Final = b"</author>"
_NEVER: Final = b"1970-01-01T00:00:00+00:00"
"""When a feed without entries was updated."""


def _calendar(entries: Sequence[Entry]) -> bytes:
    # Imported here: the package icalendar would slow down the start of every worker.
    from scholarship_api.feeds import calendars  # noqa: PLC0415

    return calendars.calendar(entries, name=NAME)


def _feed(entries: Sequence[Entry]) -> bytes:
    return readers.atom(entries, name=NAME, feed_id=FEED_ID)


class CalendarWriter:
    """An event for each award with a deadline."""

    published_only = True
    select = staticmethod(exporter.copy_stored)

    def __init__(self, *, now: datetime) -> None:
        self._now = now
        self._head = _calendar([]).removesuffix(_CALENDAR_END)

    def begin(self) -> bytes:
        return self._head

    def write(self, rows: Sequence[bytes]) -> bytes:
        content = _calendar(_entries(rows, self._now))
        return content.removeprefix(self._head).removesuffix(_CALENDAR_END)

    def end(self) -> bytes:
        return _CALENDAR_END


class FeedWriter:
    """An entry for each award."""

    published_only = True
    select = staticmethod(exporter.copy_stored)

    def __init__(self, *, now: datetime) -> None:
        self._now = now

    def begin(self) -> bytes:
        head = _feed([]).removesuffix(_FEED_END)
        return head.replace(_NEVER, self._now.isoformat(timespec="seconds").encode(), 1)

    def write(self, rows: Sequence[bytes]) -> bytes:
        _, _, content = _feed(_entries(rows, self._now)).partition(_FEED_HEAD_END)
        return content.removesuffix(_FEED_END)

    def end(self) -> bytes:
        return _FEED_END


def _entries(rows: Sequence[bytes], now: datetime) -> list[Entry]:
    return [of_award(from_row(exporter.without_escapes(row)), now=now) for row in rows]
