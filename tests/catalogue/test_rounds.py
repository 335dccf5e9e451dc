"""The deadline that the rounds of an award give it, at every instant."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.catalogue.rounds import RoundTimes, deadline_at, next_turn
from scholarship_api.catalogue.service import availability
from scholarship_api.vocabulary import Availability, DeadlineKind

DAY = dt.timedelta(days=1)
START = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)


def day(number: int) -> dt.datetime:
    return START + number * DAY


def a_round(
    opens: int | None = None, closes: int | None = None, kind: str | None = None
) -> RoundTimes:
    return RoundTimes(
        None if opens is None else day(opens),
        None if closes is None else day(closes),
        kind or ("unknown" if closes is None else "fixed"),
        "UTC",
        estimated=False,
        notification_on=None,
    )


TWO = [a_round(10, 20), a_round(30, 40)]
ROLLING = a_round(kind="rolling")
TO_BE_ANNOUNCED = a_round()


def shown(rounds: list[RoundTimes], at: dt.datetime) -> tuple[str, Any]:
    """The availability, and the day of the deadline counted from START."""
    found = deadline_at(rounds, at)
    is_available = availability(
        status="published",
        deadline_kind=found.deadline_kind,
        recurs="none",
        application_deadline=found.application_deadline,
        opens_at=found.opens_at,
        now=at,
    )
    deadline = found.application_deadline
    return is_available.value, None if deadline is None else (deadline - START) // DAY


@pytest.mark.parametrize(
    ("rounds", "at", "expected"),
    [
        (TWO, 0, ("upcoming", 20)),
        (TWO, 10, ("open", 20)),
        (TWO, 20, ("open", 20)),
        (TWO, 21, ("upcoming", 40)),
        (TWO, 35, ("open", 40)),
        (TWO, 41, ("closed", 40)),
        (TWO[::-1], 21, ("upcoming", 40)),
        ([ROLLING], 5, ("rolling", None)),
        ([*TWO, ROLLING], 0, ("open", 20)),
        ([*TWO, ROLLING], 41, ("rolling", None)),
        ([TWO[0], TO_BE_ANNOUNCED], 15, ("open", 20)),
        ([TWO[0], TO_BE_ANNOUNCED], 21, ("unknown", None)),
        ([a_round(10, kind="until_filled")], 5, ("upcoming", None)),
        ([a_round(10, kind="until_filled")], 10, ("rolling", None)),
        ([a_round(None, 20, "rolling")], 21, ("closed", 20)),
    ],
)
def test_an_award_is_open_when_a_round_is(
    rounds: list[RoundTimes], at: int, expected: tuple[str, Any]
) -> None:
    assert shown(rounds, day(at)) == expected


def test_one_microsecond_after_a_close_the_next_round_counts() -> None:
    just_after = day(20) + dt.timedelta(microseconds=1)

    assert shown(TWO, day(20)) == ("open", 20)
    assert shown(TWO, just_after) == ("upcoming", 40)


@pytest.mark.parametrize(
    ("rounds", "at", "turns"),
    [
        (TWO, 0, 10),
        (TWO, 15, 20),
        (TWO, 25, 30),
        (TWO, 35, None),
        ([ROLLING], 0, None),
        ([a_round(None, 20)], 0, None),
    ],
)
def test_the_next_turn(rounds: list[RoundTimes], at: int, turns: int | None) -> None:
    assert next_turn(rounds, day(at)) == (None if turns is None else day(turns))


days = st.none() | st.integers(0, 12)


@st.composite
def some_rounds(draw: st.DrawFn) -> RoundTimes:
    opens, closes = draw(days), draw(days)
    if opens is not None and closes is not None:
        opens, closes = min(opens, closes), max(opens, closes)
    kinds = ["fixed", "rolling", "until_filled", "unknown"]
    return a_round(opens, closes, draw(st.sampled_from(kinds[1 if closes is None else 0 :])))


@given(st.lists(some_rounds(), min_size=1, max_size=4))
def test_fields_that_are_written_at_every_turn_are_right_at_every_instant(
    rounds: list[RoundTimes],
) -> None:
    written, turns = deadline_at(rounds, START), next_turn(rounds, START)
    for hours in range(0, 14 * 24, 12):
        at = START + dt.timedelta(hours=hours)
        while turns is not None and turns < at:
            written, turns = deadline_at(rounds, at), next_turn(rounds, at)
        current = deadline_at(rounds, at)
        assert written[:-1] == current[:-1]
        # A round opens without a write: whether it is open is seen by comparing with the clock.
        is_to_open = written.opens_at is not None and written.opens_at > at
        assert is_to_open == (current.opens_at is not None)


@given(st.lists(some_rounds(), min_size=1, max_size=4), st.integers(0, 13))
def test_an_award_with_an_open_round_is_never_shown_as_closed(
    rounds: list[RoundTimes], number: int
) -> None:
    at = day(number)
    found, _ = shown(rounds, at)

    if any(each.is_open(at) for each in rounds):
        assert found in (Availability.OPEN, Availability.ROLLING)
    else:
        assert found not in (Availability.OPEN, Availability.ROLLING)


def test_the_time_zone_of_the_next_round_counts() -> None:
    tokyo = a_round(None, 20)._replace(timezone="Asia/Tokyo", estimated=True)

    found = deadline_at([tokyo], START)

    assert found.deadline_kind is DeadlineKind.FIXED
    assert (found.deadline_timezone, found.deadline_estimated) == ("Asia/Tokyo", True)
