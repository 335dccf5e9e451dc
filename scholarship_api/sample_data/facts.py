"""Shares and distributions of the structured fields of the synthetic catalogue."""

from datetime import date, timedelta
from typing import NamedTuple

from scholarship_api.sample_data.tables import (
    LARGE_TABLE_BITS,
    chance_table,
    weighted_table,
    zipf_table,
)
from scholarship_api.sample_data.words import places


class Grade(NamedTuple):
    levels: tuple[str, ...]
    label: str
    kinds: tuple[str, ...]
    advanced: bool  # past the first degree, where awards are larger


def deadline_table(first: date, last: date) -> tuple[str, ...]:
    """Deadlines, most of them in late winter and spring and on the 1st, the 15th and month ends."""
    months = (7, 10, 14, 12, 6, 4, 3, 3, 4, 6, 7, 6)
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    popular = (
        (
            day.isoformat(),
            months[day.month - 1]
            * (6 if day.day in (1, 15) or (day + timedelta(days=1)).day == 1 else 1),
        )
        for day in every
    )
    return weighted_table(popular, LARGE_TABLE_BITS)


class Facts:
    """Shares and distributions of the structured fields."""

    def __init__(self) -> None:
        usual = zipf_table(("Scholarship", "Award", "Grant", "Prize", "Bursary"), offset=0)
        advanced = zipf_table(("Fellowship", "Scholarship", "Grant", "Award", "Prize"), offset=1)
        hs, ug, gr = "high_school", "undergraduate", "graduate"
        dr, pd = "doctoral", "post_doctoral"
        self.grades = weighted_table(
            (Grade(levels, label, kinds, kinds is advanced), weight)
            for weight, levels, label, kinds in (
                (30, (ug,), "undergraduate students", usual),
                (22, (hs,), "high school seniors", usual),
                (14, (ug, gr), "undergraduate and graduate students", usual),
                (12, (hs, ug), "high school seniors and undergraduate students", usual),
                (10, (), "students", usual),
                (5, (gr,), "graduate students", advanced),
                (4, (gr, dr), "graduate students and doctoral candidates", advanced),
                (2, (dr,), "doctoral candidates", advanced),
                (1, (pd,), "postdoctoral researchers", advanced),
            )
        )
        self.types = weighted_table(
            (
                ("merit_based", 40),
                ("need_based", 24),
                ("academic_achievement", 14),
                ("community_service", 9),
                ("minority", 8),
                ("athletic", 5),
            )
        )
        # With the organizations that serve one field, 65 % of the awards name a field.
        self.has_field = chance_table(56)

        self.currencies = weighted_table(
            (("USD", 850), ("CAD", 52), ("GBP", 44), ("EUR", 36), ("AUD", 12), ("NZD", 6))
        )
        self.money = weighted_table(
            (("usual", 765), ("odd", 85), ("cents", 10), ("range", 100), ("none", 40))
        )
        common = (1000, 500, 2000, 2500, 5000, 1500, 10000, 3000, 750, 4000, 250, 20000, 7500)
        large = (5000, 10000, 2500, 20000, 15000, 25000, 7500, 30000, 12000, 40000, 50000, 75000)
        self.amounts = zipf_table((*common, *large, 1250, 6000, 3500, 1200, 800, 100000), offset=3)
        self.large_amounts = zipf_table((*large, 1000, 2000, 8000, 18000, 36000, 60000), offset=2)
        self.odd_amounts = zipf_table(range(125, 6000, 25), offset=60)
        self.cents = zipf_table(range(25001, 999999, 4243), offset=60)
        self.factors = zipf_table((2, 3, 4, 5, 10), offset=0)
        awards = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 40, 50, 100, 500)
        self.awards = weighted_table(((0, 300), *((n, 2000 // (n + 1)) for n in awards)))

        self.deadlines = weighted_table(
            (
                ("yearly", 600),
                ("past", 100),
                ("future", 92),
                ("instant", 8),
                ("rolling", 130),
                ("unknown", 70),
            )
        )
        self.dates = {
            "yearly": deadline_table(date(2025, 1, 1), date(2025, 12, 31)),
            "past": deadline_table(date(2023, 1, 1), date(2025, 12, 31)),
            "future": deadline_table(date(2028, 1, 1), date(2035, 12, 31)),
        }
        # Early in the year, when WINTER_OFFSETS applies.
        self.instants = tuple(
            f"{year}-{day}T{clock}"
            for year in range(2028, 2036)
            for day in ("01-15", "01-31", "02-01", "02-15", "02-28", "03-01", "03-03", "03-04")
            for clock in ("17:00:00", "23:59:00", "12:00:00", "17:00:00")
        )
        self.renewable = chance_table(24)
        self.essay = chance_table(58)
        self.letters = weighted_table(((0, 38), (1, 27), (2, 26), (3, 9)))

        self.gpas = weighted_table(
            (
                (0, 190),
                *((n, 40 if n in (25, 30, 35) else 8) for n in range(20, 36)),
                *((n, 2) for n in range(36, 40)),
            )
        )
        self.has_max_gpa = chance_table(1)
        self.citizenship = weighted_table(
            (("", 430), ("US", 440), ("permanent_resident", 65), ("international", 35), ("*", 30))
        )
        self.citizenship_abroad = weighted_table(
            (("", 520), ("home", 280), ("international", 150), ("*", 50))
        )
        self.origins = zipf_table(places.ORIGINS)
        self.has_residency = chance_table(30)
        self.more_states = weighted_table(((0, 75), (2, 25)))
        self.more_fields = weighted_table(((0, 58), (1, 25), (2, 17)))
        self.min_ages = weighted_table(
            ((0, 300), (18, 10), (16, 4), (17, 3), (21, 2), (25, 2), (14, 1), (30, 1))
        )
        self.max_ages = weighted_table(((0, 700), (25, 6), (30, 4), (35, 3), (40, 1)))
        self.need = chance_table(9)
