"""Deadlines that return every year."""

import datetime as dt
from typing import TypeVar

from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.vocabulary import Recurrence

DateT = TypeVar("DateT", bound=dt.date)


def move_to_next_occurrence(award: ScholarshipInput, now: dt.datetime) -> None:
    """Move a yearly, estimated deadline that passed before `now` to its next occurrence.

    It moves by whole years on the clock of its own time zone; 29 February becomes the 28th. The
    notification date moves by the same number of years. Raises OverflowError past the year 9999.
    """
    deadline = award.application_deadline
    if (
        award.recurs is not Recurrence.YEARLY
        or not award.deadline_estimated
        or not isinstance(deadline, dt.datetime)
        or deadline >= now
    ):
        return
    zone = zone_of(award.deadline_timezone)
    local = deadline.astimezone(zone)
    years = max(0, now.astimezone(zone).year - local.year)
    moved = _add_years(local, years)
    if moved.astimezone(dt.UTC) < now:
        years += 1
        moved = _add_years(local, years)
    award.application_deadline = moved.astimezone(dt.UTC)
    if award.notification_date is not None:
        award.notification_date = _add_years(award.notification_date, years)


def _add_years(day: DateT, years: int) -> DateT:
    year = day.year + years
    if year > dt.MAXYEAR:
        raise OverflowError("the year is past 9999")
    is_leap_day = (day.month, day.day) == (2, 29)
    try:
        return day.replace(year=year)
    except ValueError:
        if not is_leap_day:
            raise
        return day.replace(year=year, day=28)
