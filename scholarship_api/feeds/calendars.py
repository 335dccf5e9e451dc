"""Deadlines as an iCalendar (RFC 5545).

An exact deadline is an event at an instant, in UTC; an estimated one is an all-day event of the day
in the award's zone. An award without a deadline has no event. The UID of a deadline stays the same,
and SEQUENCE is the version of the award, so that calendars take the newest. An award that is no
longer offered is CANCELLED.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from icalendar import Alarm, Calendar, Event, vDuration, vText

from scholarship_api.feeds.entries import Entry

REFRESH_INTERVAL: Final = dt.timedelta(hours=6)
"""How often a calendar should ask again. Deadlines change seldom, and count in days."""


def calendar(entries: Iterable[Entry], *, name: str) -> bytes:
    made = Calendar()
    made.add("prodid", "-//Scholarship API//Deadlines//EN")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", name)
    interval = vDuration(REFRESH_INTERVAL)
    interval.params["VALUE"] = "DURATION"
    made.add("refresh-interval", interval)
    made.add("x-published-ttl", vDuration(REFRESH_INTERVAL))
    for entry in entries:
        if entry.deadline.at is not None:
            made.add_component(_event(entry, entry.deadline.at))
    content: bytes = made.to_ical()
    return content


def _event(entry: Entry, deadline: dt.datetime) -> Event:
    event = Event()
    event.add("uid", f"{entry.key}@scholarship-api")
    event.add("sequence", entry.version)
    event.add("dtstamp", entry.updated_at.astimezone(dt.UTC))
    event.add("last-modified", entry.updated_at.astimezone(dt.UTC))
    event.add("dtstart", entry.deadline.day if entry.deadline.is_estimated else deadline)
    event.add("summary", entry.title)
    event.add("description", entry.summary)
    event.add("status", "CANCELLED" if entry.is_archived else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if entry.url is not None:
        event.add("url", entry.url)
    if not entry.is_archived:
        for days in entry.reminders_days:
            event.add_component(_alarm(entry, days))
    return event


def _alarm(entry: Entry, days: int) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", dt.timedelta(days=-days))
    left = "today" if days == 0 else f"in {days} day{'s' if days > 1 else ''}"
    alarm["description"] = vText(f"{entry.title} ({left})")
    return alarm
