"""Which deadline the rounds of an award give it at an instant, and when that changes."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.vocabulary import DeadlineKind

OPEN_ENDED: Final = frozenset({"rolling", "until_filled"})
"""Kinds of rounds that take applications as long as they have no closing instant."""

_SHORTLY: Final = dt.timedelta(microseconds=1)
"""The resolution of an instant: a round is open at the instant that it closes, and then no more."""


class RoundTimes(NamedTuple):
    """When a round takes applications."""

    opens_at: dt.datetime | None
    closes_at: dt.datetime | None
    kind: str
    timezone: str
    estimated: bool
    notification_on: dt.date | None

    @classmethod
    def of_stored(cls, stored: Mapping[str, Any]) -> Self:
        """From the JSON of the column `rounds`."""
        notification_on = stored.get("notification_on")
        return cls(
            _instant(stored.get("opens_at")),
            _instant(stored.get("closes_at")),
            stored["kind"],
            stored["timezone"],
            stored["estimated"],
            None if notification_on is None else dt.date.fromisoformat(notification_on),
        )

    def is_over(self, at: dt.datetime) -> bool:
        return self.closes_at is not None and self.closes_at < at

    def is_to_open(self, at: dt.datetime) -> bool:
        return self.opens_at is not None and self.opens_at > at

    def is_open(self, at: dt.datetime) -> bool:
        if self.is_over(at) or self.is_to_open(at):
            return False
        return self.is_dated

    @property
    def is_dated(self) -> bool:
        """Whether it is known when the round takes applications."""
        return self.closes_at is not None or self.kind in OPEN_ENDED


class Deadline(NamedTuple):
    """The fields of an award that follow from its rounds at an instant."""

    application_deadline: dt.datetime | None
    deadline_date: dt.date | None
    deadline_kind: DeadlineKind
    deadline_timezone: str
    deadline_estimated: bool
    notification_date: dt.date | None
    opens_at: dt.datetime | None
    """When the next round opens, if none is open."""


def of_stored(rounds: Iterable[Mapping[str, Any]]) -> list[RoundTimes]:
    """From the JSON of the column `rounds`."""
    return [RoundTimes.of_stored(stored) for stored in rounds]


def deadline_at(rounds: Sequence[RoundTimes], at: dt.datetime) -> Deadline:
    """The deadline of an award with these rounds (at least one).

    It is that of the round which closes next. Without one, the award is open for as long as one of
    its rounds is; when all are over, the last deadline stays.
    """
    left = [each for each in rounds if not each.is_over(at)]
    chosen = _chosen(rounds, left)
    opens_at = None
    if not any(each.is_open(at) for each in left):
        opens_at = min(
            (
                each.opens_at
                for each in left
                if each.opens_at is not None and each.opens_at > at and each.is_dated
            ),
            default=None,
        )
    day = None
    if chosen.closes_at is not None:
        kind = DeadlineKind.FIXED
        day = chosen.closes_at.astimezone(zone_of(chosen.timezone)).date()
    else:
        kind = DeadlineKind.ROLLING if chosen.kind in OPEN_ENDED else DeadlineKind.UNKNOWN
    return Deadline(
        chosen.closes_at,
        day,
        kind,
        chosen.timezone,
        chosen.estimated,
        chosen.notification_on,
        opens_at,
    )


def next_turn(rounds: Sequence[RoundTimes], at: dt.datetime) -> dt.datetime | None:
    """The first instant from `at` on after which `deadline_at` is another one."""
    present = deadline_at(rounds, at)
    instants = {each.opens_at for each in rounds} | {each.closes_at for each in rounds}
    for instant in sorted(moment for moment in instants if moment is not None and moment >= at):
        if deadline_at(rounds, instant + _SHORTLY) != present:
            return instant
    return None


def _chosen(rounds: Sequence[RoundTimes], left: Sequence[RoundTimes]) -> RoundTimes:
    closing = [(each.closes_at, -at) for at, each in enumerate(left) if each.closes_at is not None]
    if closing:
        return left[-min(closing, key=lambda entry: (entry[0], -entry[1]))[1]]
    for each in left:
        if each.kind in OPEN_ENDED:
            return each
    if left:
        return left[0]
    return max(rounds, key=lambda each: each.closes_at or dt.datetime.min.replace(tzinfo=dt.UTC))


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
