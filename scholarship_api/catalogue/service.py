"""The operations that the catalogue offers to its own routes and to other features."""

import datetime as dt
import functools
import zoneinfo

from scholarship_api.catalogue import queries, schemas
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.errors import NotFound
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.vocabulary import Availability, DeadlineKind, Recurrence, Status


def to_response(scholarship: Scholarship, *, now: dt.datetime) -> schemas.Scholarship:
    """The award as the API shows it at `now`."""
    return schemas.Scholarship.model_validate(
        {
            **{
                name: getattr(scholarship, name)
                for name in schemas.Scholarship.model_fields
                if hasattr(scholarship, name)
            },
            "eligibility_criteria": {
                name: getattr(scholarship, name)
                for name in schemas.EligibilityCriteria.model_fields
            },
            "availability": availability(
                status=scholarship.status,
                deadline_kind=scholarship.deadline_kind,
                recurs=scholarship.recurs,
                application_deadline=scholarship.application_deadline,
                now=now,
            ),
            "days_left": days_left(
                application_deadline=scholarship.application_deadline,
                deadline_timezone=scholarship.deadline_timezone,
                now=now,
            ),
        }
    )


async def find(session: ReadSession, *, scholarship_id: str) -> Scholarship | None:
    """Read an award, which may be a draft."""
    return await queries.get(session, scholarship_id) if is_storable(scholarship_id) else None


def is_public(scholarship: Scholarship) -> bool:
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
    now: dt.datetime,
) -> Availability:
    """Whether a student can apply at `now`.

    An award is `upcoming` when its known deadline has passed and it recurs: its next round is yet
    to be announced.
    """
    if status == Status.ARCHIVED:
        return Availability.CLOSED
    if deadline_kind == DeadlineKind.ROLLING:
        return Availability.ROLLING
    if application_deadline is None:
        return Availability.UNKNOWN
    if application_deadline >= now:
        return Availability.OPEN
    return Availability.UPCOMING if recurs == Recurrence.YEARLY else Availability.CLOSED


def days_left(
    *, application_deadline: dt.datetime | None, deadline_timezone: str, now: dt.datetime
) -> int | None:
    """Calendar days from today to the deadline in its own time zone.

    None without a deadline, or when it has passed.
    """
    if application_deadline is None or application_deadline < now:
        return None
    zone = zone_of(deadline_timezone)
    return application_deadline.astimezone(zone).toordinal() - _today(now, zone)


@functools.lru_cache(maxsize=1024)
def _today(now: dt.datetime, zone: zoneinfo.ZoneInfo) -> int:
    """The local day as an ordinal, which all awards of an answer in the same zone share."""
    return now.astimezone(zone).toordinal()
