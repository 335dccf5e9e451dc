"""The operations that the catalogue offers to its own routes and to other features."""

import datetime as dt
import functools
import zoneinfo
from collections.abc import Sequence
from typing import Final

from scholarship_api.catalogue import rounds, schemas, stored_awards
from scholarship_api.catalogue.columns import sets_of
from scholarship_api.catalogue.eligibility_sets import shown_criteria
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.stored_awards import StoredAward
from scholarship_api.errors import NotFound
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.vocabulary import Availability, DeadlineKind, Recurrence, Status

_LIST_FIELDS: Final = (
    "other_requirements",
    "preferences",
    "rounds",
    "requirements",
    "flags",
    "sources",
)
"""Fields that are NULL in the table when they are empty."""

_STORED_FIELDS: Final = tuple(
    name
    for name in schemas.Scholarship.model_fields
    if name not in ("eligibility_criteria", "availability", "days_left")
)


def to_response(scholarship: Scholarship | StoredAward, *, now: dt.datetime) -> schemas.Scholarship:
    """The award as the API shows it at `now`."""
    sets = sets_of(scholarship)
    values = {name: getattr(scholarship, name) for name in _STORED_FIELDS}
    values |= {name: values[name] or [] for name in _LIST_FIELDS}
    values |= {"eligibility_sets": sets, "eligibility_criteria": shown_criteria(sets)}
    if scholarship.rounds:
        deadline = rounds.deadline_at(rounds.of_stored(scholarship.rounds), now)
        values |= deadline._asdict()
    values["availability"] = availability(
        status=scholarship.status,
        deadline_kind=values["deadline_kind"],
        recurs=scholarship.recurs,
        application_deadline=values["application_deadline"],
        opens_at=values["opens_at"],
        now=now,
    )
    values["days_left"] = days_left(
        application_deadline=values["application_deadline"],
        deadline_timezone=values["deadline_timezone"],
        opens_at=values["opens_at"],
        now=now,
    )
    return schemas.Scholarship.model_validate(values)


async def find(fetch: Fetch, *, scholarship_id: str) -> StoredAward | None:
    """Read an award, which may be a draft. Raises DatabaseUnavailable."""
    return await stored_awards.read(fetch, scholarship_id) if is_storable(scholarship_id) else None


async def find_all(fetch: Fetch, *, scholarship_ids: Sequence[str]) -> list[StoredAward]:
    """The awards with these ids, drafts included, in their order. Raises DatabaseUnavailable."""
    return await stored_awards.read_all(fetch, scholarship_ids) if scholarship_ids else []


def is_public(scholarship: Scholarship | StoredAward) -> bool:
    return scholarship.status != Status.DRAFT


def is_storable(scholarship_id: str) -> bool:
    """Whether PostgreSQL's text type can hold this id."""
    return "\x00" not in scholarship_id


def not_found() -> NotFound:
    return NotFound("There is no scholarship with this id.")


def availability(
    *,
    status: str,
    deadline_kind: str,
    recurs: str,
    application_deadline: dt.datetime | None,
    opens_at: dt.datetime | None = None,
    now: dt.datetime,
) -> Availability:
    """Whether a student can apply at `now`.

    An award is `upcoming` when its next round is yet to open, or to be announced: then its known
    deadline has passed, and it recurs.
    """
    if status == Status.ARCHIVED:
        return Availability.CLOSED
    if opens_at is not None and opens_at > now:
        return Availability.UPCOMING
    if deadline_kind == DeadlineKind.ROLLING:
        return Availability.ROLLING
    if application_deadline is None:
        return Availability.UNKNOWN
    if application_deadline >= now:
        return Availability.OPEN
    return Availability.UPCOMING if recurs == Recurrence.YEARLY else Availability.CLOSED


def days_left(
    *,
    application_deadline: dt.datetime | None,
    deadline_timezone: str,
    opens_at: dt.datetime | None = None,
    now: dt.datetime,
) -> int | None:
    """Calendar days from today to the deadline in its own time zone.

    None without a deadline, when it has passed, or when no round is open.
    """
    if application_deadline is None or application_deadline < now:
        return None
    if opens_at is not None and opens_at > now:
        return None
    zone = zone_of(deadline_timezone)
    return application_deadline.astimezone(zone).toordinal() - _today(now, zone)


@functools.lru_cache(maxsize=1024)
def _today(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> int:
    """The local day as an ordinal, which all awards of an answer in the same zone share."""
    return now.astimezone(zone).toordinal()
