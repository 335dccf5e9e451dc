"""The rules for phrases about the deadline: "due in March 2027", "closing within two weeks"."""

import calendar
import datetime as dt
import re
from collections.abc import Callable
from typing import Final

from scholarship_api.search.text.interpretation_rule import filter_rule

SOON_DAYS: Final = 30
"""The days of "closing soon"."""

Dates = dict[str, dt.date]
"""The filters `deadline_after` and `deadline_before`; both days are included."""

_NAMES: Final = [name.lower() for name in calendar.month_name if name]
_MONTHS: Final = {name[:3]: number for number, name in enumerate(_NAMES, start=1)}
_WEEKDAYS: Final = {name[:3].lower(): number for number, name in enumerate(calendar.day_name)}
_NUMBERS: Final = {
    name: number
    for number, name in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), start=1
    )
} | {"a": 1, "an": 1, "couple of": 2, "a couple of": 2}
_MONTHS_OF_YEAR: Final = 12


def _date_pattern(*, end: str = "") -> str:
    """A date: a month with or without its day and year, figures, or a day of the week.

    `end` is appended to the names of the pattern's groups.
    """
    day = rf"(?P<day{end}>[0-3]?[0-9])(?:st|nd|rd|th)?(?![0-9])"
    early_day = rf"(?P<early_day{end}>[0-3]?[0-9])(?:st|nd|rd|th)?(?: of)?"
    month = rf"(?P<month{end}>{'|'.join(_NAMES)}|(?:{'|'.join(_MONTHS)}|sept)\b\.?)"
    year = rf"(?P<year{end}>20[0-9]{{2}})"
    figures = (
        rf"(?P<iso{end}>20[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}})"
        rf"|(?P<first{end}>[0-9]{{1,2}})/(?P<second{end}>[0-9]{{1,2}})"
        rf"(?:/(?P<figure_year{end}>20[0-9]{{2}}))?(?![0-9/])"
    )
    weekday = rf"(?:this |next )?(?P<weekday{end}>{'|'.join(calendar.day_name).lower()})"
    named = rf"(?:\b{early_day} )?\b{month}(?: {day})?(?:,? {year})?\b"
    return rf"(?:{named}|\b{weekday}\b|\b(?:{figures}))"


_DATE: Final = _date_pattern()
_DUE: Final = (
    r"\b(?:due|deadlines?|closing|closes|ending|ends|expires|expiring)(?: (?:is|are|dates?))?"
)
_DUE_HINTS: Final = "due deadline clos end expir"


# --- Values --------------------------------------------------------------------------------------


def _period(
    match: re.Match[str], today: dt.date, *, end: str = ""
) -> tuple[dt.date, dt.date] | None:
    """The first and the last day that a date names; the next ones where it names no year.

    None for a day that does not exist, and for figures that are a day and a month in any order.
    """
    if match[f"weekday{end}"]:
        ahead = (_WEEKDAYS[match[f"weekday{end}"][:3]] - today.weekday()) % 7
        day = today + dt.timedelta(days=ahead)
        return day, day
    if match[f"iso{end}"]:
        return _one_day(*map(int, match[f"iso{end}"].split("-")))
    if match[f"first{end}"]:
        month, day_number = int(match[f"first{end}"]), int(match[f"second{end}"])
        if month > _MONTHS_OF_YEAR:
            month, day_number = day_number, month
        elif day_number <= _MONTHS_OF_YEAR and day_number != month:
            return None
        return _next_day(month, day_number, year=match[f"figure_year{end}"], today=today)
    month, year = _MONTHS[match[f"month{end}"][:3]], match[f"year{end}"]
    written_day = match[f"day{end}"] or match[f"early_day{end}"]
    if written_day:
        return _next_day(month, int(written_day), year=year, today=today)
    first = dt.date(int(year) if year else today.year + (month < today.month), month, 1)
    return first, _last_of_month(first)


def _next_day(
    month: int, day: int, *, year: str | None, today: dt.date
) -> tuple[dt.date, dt.date] | None:
    if year:
        return _one_day(int(year), month, day)
    found = _one_day(today.year, month, day)
    return found if found and found[0] >= today else _one_day(today.year + 1, month, day)


def _one_day(year: int, month: int, day: int) -> tuple[dt.date, dt.date] | None:
    try:
        found = dt.date(year, month, day)
    except ValueError:
        return None
    return found, found


def _last_of_month(day: dt.date) -> dt.date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _between(first: dt.date, last: dt.date) -> Dates:
    return {"deadline_after": first, "deadline_before": last}


def _in_period(match: re.Match[str], today: dt.date) -> Dates | None:
    period = _period(match, today)
    if period is None:
        return None
    first, last = period
    return _between(max(first, today) if last >= today else first, last)


def _before(match: re.Match[str], today: dt.date) -> Dates | None:
    period = _period(match, today)
    return None if period is None else {"deadline_before": period[0] - dt.timedelta(days=1)}


def _until(match: re.Match[str], today: dt.date) -> Dates | None:
    period = _period(match, today)
    return None if period is None else {"deadline_before": period[1]}


def _after(match: re.Match[str], today: dt.date) -> Dates | None:
    period = _period(match, today)
    return None if period is None else {"deadline_after": period[1] + dt.timedelta(days=1)}


def _from_until(match: re.Match[str], today: dt.date) -> Dates | None:
    first = _period(match, today)
    last = None if first is None else _period(match, first[0], end="_of_end")
    return None if first is None or last is None else _between(first[0], last[1])


def _in_year(match: re.Match[str], _today: dt.date) -> Dates:
    year = int(match["whole_year"])
    return _between(dt.date(year, 1, 1), dt.date(year, 12, 31))


def _at_end(match: re.Match[str], today: dt.date) -> Dates:
    last = dt.date(today.year, 12, 31) if match["unit"] == "year" else _last_of_month(today)
    return _between(today, last)


def _this_month(_match: re.Match[str], today: dt.date) -> Dates:
    return _between(today, _last_of_month(today))


def _next_month(_match: re.Match[str], today: dt.date) -> Dates:
    first = _last_of_month(today) + dt.timedelta(days=1)
    return _between(first, _last_of_month(first))


def _this_week(_match: re.Match[str], today: dt.date) -> Dates:
    return _between(today, today + dt.timedelta(days=6 - today.weekday()))


def _next_week(_match: re.Match[str], today: dt.date) -> Dates:
    monday = today + dt.timedelta(days=7 - today.weekday())
    return _between(monday, monday + dt.timedelta(days=6))


def _in_days(first: int, last: int) -> Callable[[re.Match[str], dt.date], Dates]:
    return lambda _match, today: _between(
        today + dt.timedelta(days=first), today + dt.timedelta(days=last)
    )


def _within(match: re.Match[str], today: dt.date) -> Dates:
    written = match["number"]
    number = _NUMBERS[written] if written in _NUMBERS else int(written)
    if match["unit"] in {"month", "year"}:
        months = number if match["unit"] == "month" else number * _MONTHS_OF_YEAR
        years, month = divmod(today.month - 1 + months, _MONTHS_OF_YEAR)
        first = dt.date(today.year + years, month + 1, 1)
        last = min(_last_of_month(first), first + dt.timedelta(days=today.day - 1))
    else:
        last = today + dt.timedelta(days=number * (7 if match["unit"] == "week" else 1))
    return _between(today, last)


# --- The table -----------------------------------------------------------------------------------

_SPAN: Final = (
    rf"(?P<number>[1-9][0-9]?|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
    r"[ -](?P<unit>day|week|month|year)s?\b"
)

DEADLINE_RULES: Final = (
    filter_rule(
        rf"{_DUE} soon\b|\blast[ -]minute\b",
        "deadline_before",
        _in_days(0, SOON_DAYS),
        hints="soon minute",
    ),
    filter_rule(rf"{_DUE} today\b", "deadline_before", _in_days(0, 0), hints="today"),
    filter_rule(rf"{_DUE} tomorrow\b", "deadline_before", _in_days(1, 1), hints="tomorrow"),
    filter_rule(rf"(?:{_DUE} )?\bthis week\b", "deadline_before", _this_week, hints="week"),
    filter_rule(rf"(?:{_DUE} )?\bnext week\b", "deadline_before", _next_week, hints="week"),
    filter_rule(rf"(?:{_DUE} )?\bthis month\b", "deadline_before", _this_month, hints="month"),
    filter_rule(rf"(?:{_DUE} )?\bnext month\b", "deadline_before", _next_month, hints="month"),
    filter_rule(
        rf"(?:{_DUE} )?\b(?:within(?: the next)?|(?:in )?(?:the )?next) {_SPAN}",
        "deadline_before",
        _within,
        hints="within next",
    ),
    filter_rule(rf"{_DUE} in {_SPAN}", "deadline_before", _within, hints=_DUE_HINTS),
    filter_rule(
        rf"{_DUE} (?:by|before|at) (?:the )?end of (?:the |this )?(?P<unit>year|month)\b",
        "deadline_before",
        _at_end,
        hints="end of",
    ),
    filter_rule(
        rf"(?:{_DUE} )?\bbetween {_DATE} and {_date_pattern(end='_of_end')}",
        "deadline_before",
        _from_until,
        hints="between",
    ),
    filter_rule(rf"(?:{_DUE} )?\bbefore {_DATE}", "deadline_before", _before, hints="before"),
    filter_rule(
        rf"{_DUE} (?:by|until|no later than|on or before)(?: the end of)? {_DATE}",
        "deadline_before",
        _until,
        hints=_DUE_HINTS,
    ),
    filter_rule(rf"{_DUE} after {_DATE}", "deadline_after", _after, hints=_DUE_HINTS),
    filter_rule(rf"{_DUE}(?: (?:in|on))? {_DATE}", "deadline_before", _in_period, hints=_DUE_HINTS),
    filter_rule(
        rf"{_DUE}(?: in)? (?P<whole_year>20[0-9]{{2}})\b",
        "deadline_before",
        _in_year,
        hints=_DUE_HINTS,
    ),
    filter_rule(
        rf"\b(?:with )?(?:an? )?{_DATE} deadlines?\b",
        "deadline_before",
        _in_period,
        hints="deadline",
    ),
)
