"""Deadlines that return every year."""

import datetime as dt
import zoneinfo
from typing import Final, TypeVar

from scholarship_api.catalogue.award_parts import Round
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.vocabulary import Recurrence

DateT = TypeVar("DateT", bound=dt.date)

_YEAR_DIGITS: Final = 4
"""Digits of the first year of an academic year such as 2027-28."""


def move_to_next_occurrence(award: ScholarshipInput, now: dt.datetime) -> None:
    """Move a yearly, estimated deadline that passed before `now` to its next occurrence.

    It moves by whole years on the clock of its own time zone; 29 February becomes the 28th. The
    notification date moves by the same number of years. With rounds, each round moves by itself,
    and its other dates with it. Raises OverflowError past the year 9999.
    """
    if award.recurs is not Recurrence.YEARLY:
        return
    for each in award.rounds:
        _move_round(each, now)
    deadline = award.application_deadline
    if not award.deadline_estimated or not isinstance(deadline, dt.datetime) or deadline >= now:
        return
    zone = zone_of(award.deadline_timezone)
    years = _years_until_next(deadline, zone, now)
    award.application_deadline = _moved(deadline, zone, years)
    if award.notification_date is not None:
        award.notification_date = _add_years(award.notification_date, years)


def _move_round(each: Round, now: dt.datetime) -> None:
    """A round that validation has settled: its days are instants, and its time zone is given."""
    closes_at = each.closes_at
    if not each.estimated or not isinstance(closes_at, dt.datetime) or closes_at >= now:
        return
    zone = zone_of(each.timezone or "UTC")
    years = _years_until_next(closes_at, zone, now)
    each.closes_at = _moved(closes_at, zone, years)
    if isinstance(each.opens_at, dt.datetime):
        each.opens_at = _moved(each.opens_at, zone, years)
    if each.notification_on is not None:
        each.notification_on = _add_years(each.notification_on, years)
    if each.academic_year is not None:
        first = int(each.academic_year[:_YEAR_DIGITS]) + years
        each.academic_year = f"{first}-{(first + 1) % 100:02d}"


def _years_until_next(deadline: dt.datetime, zone: zoneinfo.ZoneInfo, now: dt.datetime) -> int:
    years = max(0, now.astimezone(zone).year - deadline.astimezone(zone).year)
    return years if _moved(deadline, zone, years) >= now else years + 1


def _moved(moment: dt.datetime, zone: zoneinfo.ZoneInfo, years: int) -> dt.datetime:
    return _add_years(moment.astimezone(zone), years).astimezone(dt.UTC)


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
