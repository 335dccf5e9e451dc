"""Days as people write them: ISO, with slashes, with the name of the month, Excel's serials.

Months are known by their English, Spanish, Portuguese, French, German and Italian names.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from scholarship_api.exchange.values.reading import UnreadableValueError, folded


class DateOrder(StrEnum):
    """The order of day, month and year in dates such as 3/4/2027."""

    MDY = "mdy"
    DMY = "dmy"
    YMD = "ymd"


class Day(NamedTuple):
    """A day; without a year it returns every year."""

    year: int | None
    month: int
    day: int

    def date(self, after: dt.date) -> dt.date:
        """The date; without a year, its next occurrence from `after` on."""
        if self.year is not None:
            return dt.date(self.year, self.month, self.day)
        for year in range(after.year, after.year + 9):  # 29 February may be eight years away
            try:
                date = dt.date(year, self.month, self.day)
            except ValueError:
                continue
            if date >= after:
                return date
        raise UnreadableValueError("is a day that no month has")


_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "january jan enero ene janeiro janvier janv januar janner gennaio",
            "february feb febrero fevereiro fev fevrier fevr februar febbraio",
            "march mar marzo marco mars marz maerz",
            "april apr abril abr avril avr aprile",
            "may mayo maio mai maggio",
            "june jun junio junho juin juni giugno",
            "july jul julio julho juillet juil juli luglio",
            "august aug agosto ago aout",
            "september sept sep septiembre setiembre setembro set septembre settembre",
            "october oct octubre outubro out octobre oktober okt ottobre",
            "november nov noviembre novembro novembre",
            "december dec diciembre dic dezembro dez decembre dezember dicembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_ORDINAL: Final = r"(?:st|nd|rd|th|er|re|ro|o|a|\.)?"
_OF_MONTH: Final = r"(?:(?:of|de|del|di) )?"
_YEAR: Final = r"(?P<year>\d{4}|'?\d{2})"
_NAMED: Final = (
    re.compile(rf"(?P<month>{_MONTH})\.?[ -]?(?P<day>\d{{1,2}}){_ORDINAL}(?:,? ?[ ,/-] ?{_YEAR})?"),
    re.compile(
        rf"(?P<day>\d{{1,2}}){_ORDINAL}(?: day)?[ /-]?{_OF_MONTH}(?P<month>{_MONTH})\.?"
        rf"(?:,?[ /-]? ?(?:del? )?{_YEAR})?"
    ),
    re.compile(rf"(?P<year>\d{{4}})[ -/]?(?P<month>{_MONTH})\.?[ -/](?P<day>\d{{1,2}}){_ORDINAL}"),
)
_NUMERIC: Final = re.compile(
    r"(?P<first>\d{1,4})(?P<separator>[/.-]|\. ) ?(?P<second>\d{1,2})(?P=separator) "
    r"?(?P<third>\d{1,4})\.?"
)
_WITHOUT_YEAR: Final = re.compile(r"(?P<first>\d{1,2})[/.](?P<second>\d{1,2})\.?")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_WEEK: Final = re.compile(r"\d{4}-?w\d{2}-?\d")
_WEEKDAY: Final = re.compile(
    r"\b(?:(?:lunes|martes|miercoles|jueves|viernes|sabado|domingo|lundi|mardi|mercredi|jeudi"
    r"|vendredi|samedi|dimanche|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)\b,? ?"
    r"|(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?,? ?)"
)
_MONTH_ALONE: Final = re.compile(
    rf"(?:(?:early|mid|late|end of|in)[ -]?)?(?:{_MONTH})\.?(?:,? \d{{4}})?"
)

_SERIAL: Final = re.compile(r"[34]\d{4}(?:\.\d+)?")
"""A number of a day from 1982 to 2036; others are no dates of a list of awards."""

_FULL_YEAR: Final = 4
_PIVOT: Final = 80
"""Years of two digits from here on are of the last century, as in spreadsheets."""

_EARLIEST: Final = 1900
_LATEST: Final = 2200
"""Years outside of these are slips: no award closes then."""


def day(text: str, order: DateOrder | None = None) -> Day:
    """Read one day. Raises UnreadableValueError, also for a day with several readings.

    `order` is needed for dates such as 3/4/2027, unless only one order gives a day.
    """
    plain = _plain(text)
    if found := _COMPACT.fullmatch(plain):
        return _checked(Day(int(found[1]), int(found[2]), int(found[3])))
    if _WEEK.fullmatch(plain):
        date = dt.date.fromisoformat(plain.upper())
        return _checked(Day(date.year, date.month, date.day))
    for pattern in _NAMED:
        if found := pattern.fullmatch(plain):
            year = found["year"]
            return _checked(
                Day(
                    None if year is None else _year(year),
                    _MONTHS[found["month"]],
                    int(found["day"]),
                )
            )
    if _NUMERIC.fullmatch(plain) or _WITHOUT_YEAR.fullmatch(plain):
        return _one_of(readings(plain), order)
    if _SERIAL.fullmatch(plain):
        raise UnreadableValueError(
            "is the number of a day in a spreadsheet: format the column as dates, and save it again"
        )
    if _MONTH_ALONE.fullmatch(plain):
        raise UnreadableValueError("names a month without a day")
    raise UnreadableValueError("is not a date that can be read")


def _plain(text: str) -> str:
    """The text without accents, the day of the week, and signs around it."""
    plain = folded(text)
    if not plain.isascii():
        plain = "".join(
            sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign)
        )
    return _WEEKDAY.sub("", plain).strip(" ,.")


def readings(text: str) -> dict[DateOrder, Day]:
    """The days that a date of numbers may stand for, by order; empty for other texts."""
    plain = _plain(text)
    return {order: each for order, each in _readings(plain) if _is_day(each)}


def _readings(plain: str) -> Iterator[tuple[DateOrder, Day]]:
    if found := _NUMERIC.fullmatch(plain):
        first, second, third = found["first"], found["second"], found["third"]
        if len(first) == _FULL_YEAR:
            yield DateOrder.YMD, Day(int(first), int(second), int(third))
        elif len(first) <= 2 and len(third) in (2, _FULL_YEAR):  # noqa: PLR2004
            yield DateOrder.MDY, Day(_year(third), int(first), int(second))
            yield DateOrder.DMY, Day(_year(third), int(second), int(first))
            if len(first) == len(third) == 2:  # noqa: PLR2004
                yield DateOrder.YMD, Day(_year(first), int(second), int(third))
    elif found := _WITHOUT_YEAR.fullmatch(plain):
        yield DateOrder.MDY, Day(None, int(found["first"]), int(found["second"]))
        yield DateOrder.DMY, Day(None, int(found["second"]), int(found["first"]))


def _one_of(found: dict[DateOrder, Day], order: DateOrder | None) -> Day:
    if not found:
        raise UnreadableValueError("is not a day of the calendar")
    if order is not None and order in found:
        return found[order]
    if len(set(found.values())) == 1:
        if order is not None and order not in found and DateOrder.YMD not in found:
            raise UnreadableValueError(f"is not a day in the order {order}")
        return next(iter(found.values()))
    days = " or ".join(
        f"{f'{each.year}-' if each.year else ''}{each.month:02}-{each.day:02} ({name})"
        for name, each in found.items()
    )
    raise UnreadableValueError(f"may be {days}: give the order of dates")


def _year(text: str) -> int:
    digits = text.removeprefix("'")
    if len(digits) == _FULL_YEAR:
        return int(digits)
    return int(digits) + (1900 if int(digits) >= _PIVOT else 2000)


def _is_day(each: Day) -> bool:
    if each.year is not None and not _EARLIEST <= each.year <= _LATEST:
        return False
    try:
        dt.date(each.year or 2028, each.month, each.day)  # 2028 is a leap year
    except ValueError:
        return False
    return True


def _checked(each: Day) -> Day:
    if not _is_day(each):
        raise UnreadableValueError("is not a day of the calendar")
    return each


# --- Serials of spreadsheets ---------------------------------------------------------------------

_EPOCH: Final = dt.date(1899, 12, 30)
_DAY_SECONDS: Final = 86_400
_SERIALS: Final = range(25_569, 109_574)
"""Serials of the days from 1970 to 2199."""


def of_serial(number: float) -> dt.date | dt.datetime:
    """The date of a serial of a spreadsheet (epoch 1900), with the time of day if it has a
    fraction. Raises UnreadableValueError."""
    if int(number) not in _SERIALS:
        raise UnreadableValueError("is not the serial of a date")
    seconds = round(number % 1 * _DAY_SECONDS)
    date = _EPOCH + dt.timedelta(days=int(number) + seconds // _DAY_SECONDS)
    if not seconds % _DAY_SECONDS:
        return date
    return dt.datetime.combine(date, dt.time()) + dt.timedelta(seconds=seconds % _DAY_SECONDS)
