"""The entries of a feed: deadlines of awards."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from scholarship_api.applications.deadlines import TrackedDeadline, deadline_of, is_archived
from scholarship_api.applications.models import Application, ApplicationStatus
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.stored_awards import StoredAward

REMINDED: frozenset[str] = frozenset({ApplicationStatus.SAVED, ApplicationStatus.IN_PROGRESS})
"""The states of an application whose deadline still matters."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The deadline of an award, or of a round of it."""

    award_id: str
    round_key: str | None
    version: int
    """The award's version."""
    name: str
    organization: str
    deadline: TrackedDeadline
    is_archived: bool
    url: str | None
    updated_at: dt.datetime
    reminders_days: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """The same for all versions, and another one for each award and round."""
        return self.award_id if self.round_key is None else f"{self.award_id}/{self.round_key}"

    @property
    def title(self) -> str:
        if self.is_archived:
            return f"No longer offered: {self.name}"
        if self.deadline.is_estimated:
            return f"Deadline (estimated): {self.name}"
        return f"Deadline: {self.name}"

    @property
    def summary(self) -> str:
        """Sentences for people."""
        sentences = [f"{self.name}, {self.organization}."]
        if self.is_archived:
            sentences.append("This award is no longer offered.")
        elif self.deadline.at is None:
            sentences.append(
                "Applications are taken at any time."
                if self.deadline.kind == "rolling"
                else "The deadline is not known."
            )
        elif self.deadline.is_estimated:
            sentences.append(f"The deadline is estimated: {self.deadline.day}.")
        else:
            local = self.deadline.at.astimezone(zone_of(self.deadline.timezone))
            sentences.append(f"Closes on {local:%Y-%m-%d at %H:%M} ({self.deadline.timezone}).")
        if self.url is not None:
            sentences.append(self.url)
        return " ".join(sentences)


def of_award(
    award: Scholarship | StoredAward, *, round_key: str | None = None, now: dt.datetime
) -> Entry:
    return Entry(
        award_id=award.id,
        round_key=round_key,
        version=award.version,
        name=award.name,
        organization=award.organization,
        deadline=deadline_of(award, round_key=round_key, now=now),
        is_archived=is_archived(award),
        url=award.application_url or award.website_url,
        updated_at=award.updated_at,
    )


def of_applications(
    rows: Iterable[tuple[Application, Scholarship | None]], *, now: dt.datetime
) -> list[Entry]:
    """The deadlines of the tracker. An award that is removed for good has none any more."""
    entries = []
    for row, award in rows:
        if award is not None:
            entry = of_award(award, round_key=row.round_key, now=now)
            reminders = tuple(row.reminders_days) if row.status in REMINDED else ()
            updated_at = max(award.updated_at, row.updated_at)
            entries.append(replace(entry, reminders_days=reminders, updated_at=updated_at))
    return entries


def merged(tracked: Iterable[Entry], found: Iterable[Entry]) -> list[Entry]:
    """All entries by their deadline; those of the tracker stand for awards that are in both."""
    by_key = {entry.key: entry for entry in tracked}
    tracked_awards = {entry.award_id for entry in by_key.values()}
    by_key |= {entry.key: entry for entry in found if entry.award_id not in tracked_awards}
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    return sorted(by_key.values(), key=lambda entry: (entry.deadline.at or never, entry.key))
