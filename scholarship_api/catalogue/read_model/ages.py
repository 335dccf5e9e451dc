"""Ages of a student who gave a date of birth: they depend on the day that an award closes."""

import datetime as dt
from collections.abc import Callable
from typing import Final

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.postings import Postings, union

EPOCH: Final = dt.date(1970, 1, 1)


def days_since_1970(day: dt.date) -> int:
    return (day - EPOCH).days


def age_on(birth_date: dt.date, day: dt.date) -> int:
    """Whole years. Somebody born on 29 February is a year older on 1 March of a common year."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (0 if had_birthday else 1)


def turns(birth_date: dt.date, age: int) -> dt.date:
    """The first day with this age."""
    year = birth_date.year + age
    if year > dt.MAXYEAR:
        return dt.date.max
    try:
        return birth_date.replace(year=year)
    except ValueError:
        return dt.date(year, 3, 1)


class AgeByDay:
    """The age on the day that an award closes, or today for an award that has no such day.

    `closing_from` gives the awards that close on a day, in days since 1970, or later; all of
    `within` that have such a day close from `earliest` to `latest`.
    """

    def __init__(
        self,
        birth_date: dt.date,
        *,
        today: dt.date,
        within: BitMap,
        closing_from: Callable[[int], BitMap],
        earliest: int,
        latest: int,
    ) -> None:
        self._birth_date = birth_date
        self._today = today
        self._closing_from = closing_from
        self._earliest = earliest
        self._latest = latest
        self._dated = within & closing_from(earliest)
        self._undated = within - self._dated
        self._by_age: dict[int, BitMap] = {}

    def reaching(self, postings: Postings) -> BitMap:
        """The awards whose minimum age is reached."""
        return union([awards & self._aged(age) for age, awards in postings.items()])

    def not_exceeding(self, postings: Postings) -> BitMap:
        """The awards whose maximum age is not exceeded."""
        return union([awards - self._aged(age + 1) for age, awards in postings.items()])

    def _aged(self, age: int) -> BitMap:
        """The awards on whose day the student has this age, or is older."""
        known = self._by_age.get(age)
        if known is None:
            self._by_age[age] = known = self._closing_at(turns(self._birth_date, age))
        return known

    def _closing_at(self, day: dt.date) -> BitMap:
        number = days_since_1970(day)
        if number <= self._earliest:
            dated = self._dated
        elif number > self._latest:
            dated = BitMap()
        else:
            dated = self._dated & self._closing_from(number)
        return dated | self._undated if day <= self._today else dated
