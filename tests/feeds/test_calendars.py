"""Calendars of deadlines, read by the icalendar package and by a second parser."""

import datetime as dt
from typing import Any, Final
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject

from scholarship_api.applications.deadlines import TrackedDeadline
from scholarship_api.feeds.calendars import REFRESH_INTERVAL, calendar
from scholarship_api.feeds.entries import Entry
from scholarship_api.vocabulary import DeadlineKind

UPDATED: Final = dt.datetime(2026, 11, 1, 8, 30, tzinfo=dt.UTC)
NEW_YORK: Final = "America/New_York"
HONOLULU: Final = "Pacific/Honolulu"
KIRITIMATI: Final = "Pacific/Kiritimati"


def closing(
    year: int, month: int, day: int, *, zone: str = NEW_YORK, estimated: bool = False
) -> TrackedDeadline:
    """The last second of a day in a zone."""
    local = dt.datetime(year, month, day, 23, 59, 59, tzinfo=ZoneInfo(zone))
    return TrackedDeadline(local.astimezone(dt.UTC), DeadlineKind.FIXED, zone, estimated)


def entry(deadline: TrackedDeadline, **values: Any) -> Entry:  # noqa: ANN401
    given: dict[str, Any] = {
        "award_id": "sch_001",
        "round_key": None,
        "version": 3,
        "name": "Curie Award",
        "organization": "Curie Trust",
        "deadline": deadline,
        "is_archived": False,
        "url": "https://example.org/apply?a=1,2;b",
        "updated_at": UPDATED,
    }
    return Entry(**(given | values))


def both(*entries: Entry, name: str = "Deadlines") -> tuple[list[Any], list[Any], str]:
    """The events as both parsers see them, and the text."""
    content = calendar(entries, name=name)
    first: Any = icalendar.Calendar.from_ical(content)
    assert not first.errors
    second = vobject.readOne(content.decode(), validate=True)
    events: list[Any] = first.walk("VEVENT")
    for event in events:
        assert not event.errors
    return events, list(getattr(second, "vevent_list", [])), content.decode()


def test_the_calendar_says_what_it_is_and_when_to_ask_again() -> None:
    content = calendar([], name="Deadlines")
    read: Any = icalendar.Calendar.from_ical(content)
    assert read["VERSION"] == "2.0"
    assert read["METHOD"] == "PUBLISH"
    assert read["X-WR-CALNAME"] == "Deadlines"
    assert read["REFRESH-INTERVAL"].dt == REFRESH_INTERVAL
    assert b"REFRESH-INTERVAL;VALUE=DURATION:PT6H\r\n" in content
    assert content.endswith(b"END:VCALENDAR\r\n")


@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        (NEW_YORK, "2027-01-16T04:59:59+00:00"),
        (HONOLULU, "2027-01-16T09:59:59+00:00"),
        (KIRITIMATI, "2027-01-15T09:59:59+00:00"),
        ("Asia/Kathmandu", "2027-01-15T18:14:59+00:00"),
    ],
)
def test_an_exact_deadline_is_an_instant(zone: str, instant: str) -> None:
    [first], [second], text = both(entry(closing(2027, 1, 15, zone=zone)))
    expected = dt.datetime.fromisoformat(instant)
    assert first.decoded("DTSTART") == expected
    assert second.dtstart.value == expected
    assert f"DTSTART:{expected:%Y%m%dT%H%M%SZ}" in text
    assert f"Closes on 2027-01-15 at 23:59 ({zone})." in str(first["DESCRIPTION"])


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        ((2027, 3, 13), "2027-03-14T04:59:59+00:00"),
        ((2027, 3, 14), "2027-03-15T03:59:59+00:00"),  # the clocks were put forward at night
        ((2027, 11, 6), "2027-11-07T03:59:59+00:00"),
        ((2027, 11, 7), "2027-11-08T04:59:59+00:00"),  # and back
    ],
)
def test_deadlines_beside_a_change_of_the_clocks(day: tuple[int, int, int], instant: str) -> None:
    [first], [second], _ = both(entry(closing(*day)))
    expected = dt.datetime.fromisoformat(instant)
    assert first.decoded("DTSTART") == expected
    assert second.dtstart.value == expected


@pytest.mark.parametrize("zone", [NEW_YORK, HONOLULU, KIRITIMATI])
def test_an_estimated_deadline_is_a_day_in_the_zone_of_the_award(zone: str) -> None:
    [first], [second], text = both(entry(closing(2027, 1, 15, zone=zone, estimated=True)))
    assert first.decoded("DTSTART") == dt.date(2027, 1, 15)
    assert second.dtstart.value == dt.date(2027, 1, 15)
    assert "DTSTART;VALUE=DATE:20270115" in text
    for summary in (str(first["SUMMARY"]), second.summary.value):
        assert summary == "Deadline (estimated): Curie Award"


def test_a_deadline_that_moves_keeps_its_uid_and_raises_its_sequence() -> None:
    before, _, _ = both(entry(closing(2027, 1, 15), version=3))
    after, seen, _ = both(
        entry(closing(2027, 2, 1), version=4, updated_at=UPDATED + dt.timedelta(hours=1))
    )
    assert before[0]["UID"] == after[0]["UID"] == seen[0].uid.value
    assert (before[0]["SEQUENCE"], after[0]["SEQUENCE"]) == (3, 4)
    assert after[0].decoded("LAST-MODIFIED") > before[0].decoded("LAST-MODIFIED")
    assert after[0].decoded("DTSTART") != before[0].decoded("DTSTART")


def test_each_round_has_a_uid_of_its_own() -> None:
    events, seen, _ = both(
        *(entry(closing(2027, 1, 15), round_key=key) for key in (None, "one", "two"))
    )
    assert len({str(event["UID"]) for event in events}) == 3
    assert {str(event["UID"]) for event in events} == {each.uid.value for each in seen}


def test_an_award_that_is_no_longer_offered_is_cancelled_without_alarms() -> None:
    archived = entry(closing(2027, 1, 15), is_archived=True, reminders_days=(7, 1))
    [first], [second], _ = both(archived)
    assert str(first["STATUS"]) == second.status.value == "CANCELLED"
    assert first.walk("VALARM") == []
    assert not hasattr(second, "valarm_list")


def test_an_award_without_a_deadline_has_no_event() -> None:
    for kind in (DeadlineKind.ROLLING, DeadlineKind.UNKNOWN):
        events, seen, _ = both(entry(TrackedDeadline(None, kind, "UTC", is_estimated=False)))
        assert (events, seen) == ([], [])


def test_alarms_are_the_reminders() -> None:
    [first], [second], _ = both(entry(closing(2027, 1, 15), reminders_days=(30, 7, 1, 0)))
    expected = [dt.timedelta(days=-days) for days in (30, 7, 1, 0)]
    alarms = first.walk("VALARM")
    assert [alarm.decoded("TRIGGER") for alarm in alarms] == expected
    assert [alarm.trigger.value for alarm in second.valarm_list] == expected
    assert {str(alarm["ACTION"]) for alarm in alarms} == {"DISPLAY"}
    assert [str(alarm["DESCRIPTION"]) for alarm in alarms] == [
        "Deadline: Curie Award (in 30 days)",
        "Deadline: Curie Award (in 7 days)",
        "Deadline: Curie Award (in 1 day)",
        "Deadline: Curie Award (today)",
    ]


@pytest.mark.parametrize(
    "name",
    [
        'Comma, semicolon; backslash \\ and "quotes"',
        "Long " * 50,
        "Łódź, 日本, \U0001f393 and é",
        "BEGIN:VEVENT",
        "END:VCALENDAR\\n",
    ],
)
def test_names_are_escaped_and_folded(name: str) -> None:
    [first], [second], text = both(entry(closing(2027, 1, 15), name=name, round_key="one"))
    assert str(first["SUMMARY"]) == second.summary.value == f"Deadline: {name}"
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
