"""The deadline of what a subject tracks: that of a round of an award, or of the award."""

import datetime as dt
from typing import NamedTuple

from scholarship_api.catalogue import rounds
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.stored_awards import StoredAward
from scholarship_api.vocabulary import DeadlineKind, Status


class TrackedDeadline(NamedTuple):
    at: dt.datetime | None
    """UTC; None if none is known, as for rolling awards."""
    kind: DeadlineKind
    timezone: str
    is_estimated: bool

    @property
    def day(self) -> dt.date | None:
        """The calendar day in the award's own zone."""
        return None if self.at is None else self.at.astimezone(zone_of(self.timezone)).date()

    def days_left(self, now: dt.datetime) -> int | None:
        """Calendar days from today to the deadline in its own zone; None once it has passed."""
        if self.at is None or self.day is None or self.at < now:
            return None
        return (self.day - now.astimezone(zone_of(self.timezone)).date()).days


def deadline_of(
    award: Scholarship | StoredAward, *, round_key: str | None, now: dt.datetime
) -> TrackedDeadline:
    """The deadline of the round with this key, or else that of the award at `now`."""
    stored = award.rounds or []
    for each in stored:
        if each.get("key") == round_key:
            times = rounds.RoundTimes.of_stored(each)
            kind = DeadlineKind.FIXED
            if times.closes_at is None:
                is_open_ended = times.kind in rounds.OPEN_ENDED
                kind = DeadlineKind.ROLLING if is_open_ended else DeadlineKind.UNKNOWN
            return TrackedDeadline(times.closes_at, kind, times.timezone, times.estimated)
    if stored:
        found = rounds.deadline_at(rounds.of_stored(stored), now)
        return TrackedDeadline(
            found.application_deadline,
            found.deadline_kind,
            found.deadline_timezone,
            found.deadline_estimated,
        )
    return TrackedDeadline(
        award.application_deadline,
        DeadlineKind(award.deadline_kind),
        award.deadline_timezone,
        award.deadline_estimated,
    )


def current_round(award: Scholarship | StoredAward, *, now: dt.datetime) -> str | None:
    """The key of the round that gives the award its deadline; None without rounds."""
    stored = award.rounds or []
    if not stored:
        return None
    deadline = rounds.deadline_at(rounds.of_stored(stored), now)
    for each in stored:
        times = rounds.RoundTimes.of_stored(each)
        if (times.closes_at, times.timezone) == (
            deadline.application_deadline,
            deadline.deadline_timezone,
        ):
            key: str | None = each.get("key")
            return key
    return None


def is_archived(award: Scholarship | StoredAward) -> bool:
    return award.status == Status.ARCHIVED
