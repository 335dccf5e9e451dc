"""Yearly deadlines that have passed move to their next occurrence."""

import datetime as dt
import zoneinfo
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.catalogue.awards import award, ndjson
from tests.catalogue.bulk.files import NOW, read


def moved(deadline: str, zone: str = "UTC", now: dt.datetime = NOW, **fields: object) -> Any:  # noqa: ANN401
    yearly = {"recurs": "yearly", "deadline_estimated": True}
    row = award(application_deadline=deadline, deadline_timezone=zone, **{**yearly, **fields})
    file = read(ndjson(row), now=now)
    assert not file.errors
    return file.columns()


@pytest.mark.parametrize(
    ("deadline", "zone", "day"),
    [
        ("2020-06-15", "UTC", (2026, 6, 15)),  # it closes at the end of today
        ("2020-06-14", "UTC", (2027, 6, 14)),
        ("2026-06-14", "UTC", (2027, 6, 14)),
        ("2026-06-16", "UTC", (2026, 6, 16)),
        ("2030-01-01", "UTC", (2030, 1, 1)),
        ("1999-12-31", "UTC", (2026, 12, 31)),
        ("2024-02-29", "UTC", (2027, 2, 28)),
        ("2020-06-15", "Pacific/Kiritimati", (2027, 6, 15)),  # the local day is the 16th
        ("2020-06-15", "Pacific/Pago_Pago", (2026, 6, 15)),
    ],
)
def test_a_passed_yearly_deadline_moves_to_its_next_day(
    deadline: str, zone: str, day: tuple[int, int, int]
) -> None:
    found = moved(deadline, zone)
    assert found["deadline_date"] == dt.date(*day)
    local = found["application_deadline"].astimezone(zoneinfo.ZoneInfo(zone))
    assert (local.date(), local.time()) == (dt.date(*day), dt.time(23, 59, 59))


def test_29_february_returns_in_a_leap_year() -> None:
    now = dt.datetime(2028, 1, 1, tzinfo=dt.UTC)
    assert moved("2024-02-29", now=now)["deadline_date"] == dt.date(2028, 2, 29)


def test_the_local_time_stays_across_summer_time() -> None:
    found = moved("2024-03-20T17:00:00", "Europe/Berlin")
    assert found["application_deadline"] == dt.datetime(2027, 3, 20, 16, tzinfo=dt.UTC)
    # In 2027 the clock skips this hour; the day is still the 28th of March.
    found = moved("2021-03-28T02:30:00", "America/New_York")
    assert found["deadline_date"] == dt.date(2027, 3, 28)


def test_the_notification_date_moves_by_the_same_number_of_years() -> None:
    found = moved("2023-11-30", notification_date="2024-02-29")
    assert found["deadline_date"] == dt.date(2026, 11, 30)
    assert found["notification_date"] == dt.date(2027, 2, 28)


def test_a_deadline_has_not_passed_at_its_own_instant() -> None:
    assert moved("2026-06-15T12:00:00Z")["deadline_date"] == dt.date(2026, 6, 15)
    later = NOW + dt.timedelta(seconds=1)
    assert moved("2026-06-15T12:00:00Z", now=later)["deadline_date"] == dt.date(2027, 6, 15)


@pytest.mark.parametrize("fields", [{"recurs": "none"}, {"deadline_estimated": False}])
def test_other_deadlines_do_not_move(fields: dict[str, Any]) -> None:
    found = moved("2020-01-31", notification_date="2020-03-01", **fields)
    assert found["deadline_date"] == dt.date(2020, 1, 31)
    assert found["notification_date"] == dt.date(2020, 3, 1)


def moved_rounds(*rounds: dict[str, Any], **fields: object) -> Any:  # noqa: ANN401
    file = read(ndjson(award(**{"recurs": "yearly", "rounds": list(rounds), **fields})), now=NOW)
    assert not file.errors
    return file.columns()


def test_each_round_that_has_passed_moves_by_itself() -> None:
    found = moved_rounds(
        {"key": "spring", "closes_at": "2026-05-01", "estimated": True},
        {"key": "fall", "closes_at": "2026-11-01", "estimated": True},
        deadline_timezone="America/New_York",
    )
    assert [each["closes_at"][:10] for each in found["rounds"]] == ["2027-05-02", "2026-11-02"]
    assert found["deadline_date"] == dt.date(2026, 11, 1)
    assert found["deadline_estimated"] is True


def test_the_other_dates_of_a_round_move_with_its_close() -> None:
    [found] = moved_rounds(
        {
            "academic_year": "2024-25",
            "opens_at": "2023-10-01T00:00:00Z",
            "closes_at": "2024-02-29T12:00:00Z",
            "notification_on": "2024-04-30",
            "estimated": True,
        }
    )["rounds"]
    assert found["opens_at"] == "2026-10-01T00:00:00Z"
    assert found["closes_at"] == "2027-02-28T12:00:00Z"
    assert found["notification_on"] == "2027-04-30"
    assert found["academic_year"] == "2027-28"


@pytest.mark.parametrize(
    ("estimated", "recurs"), [(False, "yearly"), (True, "none"), (False, "none")]
)
def test_other_rounds_do_not_move(estimated: bool, recurs: str) -> None:
    [found] = moved_rounds(
        {"closes_at": "2020-01-31T12:00:00Z", "estimated": estimated}, recurs=recurs
    )["rounds"]
    assert found["closes_at"] == "2020-01-31T12:00:00Z"


DATES = st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2035, 1, 1))  # noqa: DTZ001


@settings(deadline=None)
@given(
    deadline=DATES,
    now=DATES.map(lambda day: day.replace(tzinfo=dt.UTC)),
    zone=st.sampled_from(["UTC", "America/New_York", "Pacific/Apia", "Asia/Kolkata"]),
)
def test_the_next_occurrence_is_the_first_one_that_has_not_passed(
    deadline: dt.datetime, now: dt.datetime, zone: str
) -> None:
    found = moved(deadline.isoformat(), zone, now)
    instant, day = found["application_deadline"], found["deadline_date"]
    assert instant >= now
    assert instant - now <= dt.timedelta(days=367) or day == deadline.date()
    assert (day.month, min(day.day, 28)) == (deadline.month, min(deadline.day, 28))
    again = moved(instant.isoformat(), zone, now)
    assert again["application_deadline"] == instant
