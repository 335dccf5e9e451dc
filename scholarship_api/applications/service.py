"""The tracker: awards that a subject follows."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.activity.models import InteractionType
from scholarship_api.applications import models, queries, schemas
from scholarship_api.applications.deadlines import (
    TrackedDeadline,
    current_round,
    deadline_of,
    is_archived,
)
from scholarship_api.applications.models import ApplicationStatus
from scholarship_api.audit import service as audit
from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.identifiers import new_id
from scholarship_api.catalogue.merge_patch import merge
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.errors import (
    Conflict,
    NotFound,
    Unauthorized,
    ValidationFailed,
    validation_fields,
)
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.subjects import creation
from scholarship_api.subjects import service as subjects
from scholarship_api.subjects.cursors import CursorCodec
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.preconditions import OptionalPrecondition
from scholarship_api.vocabulary import Availability, DeadlineKind

LIST_NAME = "applications"


class StoredApplication(NamedTuple):
    shown: schemas.Application
    version: int


async def create(
    session: WriteSession,
    owner: Owner,
    *,
    new: schemas.NewApplication,
    creation_key: str | None,
    source: ChangeSource,
    now: dt.datetime,
) -> tuple[StoredApplication, bool]:
    """The new row; true when an earlier request with the same key has created it.

    Raises NotFound for an award that is not public, ValidationFailed for a round that it does not
    have, and Conflict when the round is tracked already or the tracker is full.
    """
    subject_id = await subjects.ensure(session, owner)
    digest = creation.fingerprint(new)
    if creation_key is not None:
        stored = await queries.created_by(session, subject_id, creation_key)
        if stored is not None:
            creation.require_same(stored[0].creation_digest, digest)
            return _stored(*stored, now=now), True
    award = await _award(session, new.scholarship_id)
    values = _columns(new, award, round_key=_round_of(award, new.round_key, now=now), now=now)
    row = await _add(
        session,
        subject_id,
        values
        | {
            "creation_key": creation_key,
            "creation_digest": None if creation_key is None else digest,
        },
    )
    if row is None:
        raise Conflict("This round of the award is in the tracker already.")
    await audit.record(session, "application.created", source=source, target_id=row.id)
    return _stored(row, award, now=now), False


async def list_page(
    session: ReadSession,
    owner: Owner,
    *,
    request: schemas.ApplicationsRequest,
    codec: CursorCodec,
    now: dt.datetime,
) -> schemas.ApplicationPage:
    """Raises ValidationFailed for an invalid cursor."""
    before = codec.decode(LIST_NAME, request.cursor)
    subject_id = await subjects.find(session, owner)
    if subject_id is None:
        return schemas.ApplicationPage(items=[], next_cursor=None)
    rows = list(
        await queries.page(
            session,
            subject_id,
            statuses=[] if request.status is None else [request.status],
            scholarship_id=request.scholarship_id,
            before=before,
            limit=request.limit + 1,
        )
    )
    has_next = len(rows) > request.limit
    del rows[request.limit :]
    return schemas.ApplicationPage(
        items=[_stored(*row, now=now).shown for row in rows],
        next_cursor=codec.encode(LIST_NAME, rows[-1][0].id) if has_next else None,
    )


async def read(
    session: AsyncSession, owner: Owner, *, application_id: uuid.UUID, now: dt.datetime
) -> StoredApplication:
    """Raises NotFound, also for a row of somebody else."""
    subject_id = await subjects.find(session, owner)
    return _stored(*await _read(session, subject_id, application_id), now=now)


async def patch(
    session: WriteSession,
    owner: Owner,
    *,
    application_id: uuid.UUID,
    changes: object,
    precondition: OptionalPrecondition,
    source: ChangeSource,
    now: dt.datetime,
) -> StoredApplication:
    """Apply a JSON merge patch; lists are replaced.

    Raises NotFound, PreconditionFailed and ValidationFailed.
    """
    subject_id = await subjects.lock(session, owner)
    row, award = await _read(session, subject_id, application_id)
    precondition.check(row.version)
    if not isinstance(changes, dict):
        raise ValidationFailed.of("body", "must be an object")
    try:
        changed = schemas.ChangedApplication.model_validate(merge(_written(row), changes))
    except ValidationError as error:
        raise ValidationFailed(validation_fields(error.errors())) from None
    deadline = None if award is None else deadline_of(award, round_key=row.round_key, now=now)
    former = row.status
    await queries.change(
        session,
        application_id,
        {
            "status": changed.status.value,
            "checklist": _checklist(changed.checklist or [], deadline),
            "note": changed.note,
            "reminders_days": changed.reminders_days,
        },
    )
    if changed.status != former:
        await _record_interaction(session, row.subject_id, row.scholarship_id, changed.status)
    await audit.record(session, "application.updated", source=source, target_id=application_id)
    await session.refresh(row)
    return _stored(row, award, now=now)


async def delete(
    session: WriteSession,
    owner: Owner,
    *,
    application_id: uuid.UUID,
    precondition: OptionalPrecondition,
    source: ChangeSource,
) -> None:
    """Raises NotFound, and PreconditionFailed for another version."""
    subject_id = await subjects.lock(session, owner)
    row, _ = await _read(session, subject_id, application_id)
    precondition.check(row.version)
    await queries.remove(session, application_id)
    await audit.record(session, "application.deleted", source=source, target_id=application_id)


async def follow_interaction(
    session: WriteSession, owner: Owner, *, scholarship_id: str, kind: InteractionType
) -> None:
    """Have the tracker say what a `saved` or `dismissed` interaction says.

    An application that was handed in stays as it is. A full tracker stays as it is, too, and so
    does that of an account that is being deleted.
    """
    status = ApplicationStatus(kind.value)
    now = dt.datetime.now(dt.UTC)
    try:
        subject_id = await subjects.ensure(session, owner)
    except Unauthorized:
        return
    row = await queries.newest_of_award(session, subject_id, scholarship_id)
    if row is not None:
        if status is ApplicationStatus.DISMISSED:
            is_followed = row.status in (ApplicationStatus.SAVED, ApplicationStatus.IN_PROGRESS)
        else:
            is_followed = row.status == ApplicationStatus.DISMISSED
        if is_followed:
            await queries.change(session, row.id, {"status": status.value})
        return
    award = await queries.public_award(session, scholarship_id)
    if award is None or await queries.count(session, subject_id) >= schemas.MAX_APPLICATIONS:
        return
    new = schemas.NewApplication(scholarship_id=scholarship_id, status=status)
    values = _columns(new, award, round_key=current_round(award, now=now), now=now)
    await queries.add(session, values | {"subject_id": subject_id})


async def dismissed_awards(session: AsyncSession, *, subject_id: uuid.UUID) -> Collection[str]:
    """The ids of the awards that the subject wants to see no more of."""
    return frozenset(await queries.dismissed_awards(session, subject_id))


async def tracked(
    session: ReadSession, *, subject_id: uuid.UUID
) -> Sequence[tuple[models.Application, Scholarship | None]]:
    """All rows of a subject with their awards, oldest first, dismissed ones left out."""
    rows = await queries.all_of(session, subject_id)
    return [(row, award) for row, award in rows if row.status != ApplicationStatus.DISMISSED.value]


async def personal_data(session: ReadSession, subject_id: uuid.UUID) -> object:
    """All rows of a subject, oldest first."""
    now = dt.datetime.now(dt.UTC)
    rows = await queries.all_of(session, subject_id)
    return [_stored(*row, now=now).shown.model_dump(mode="json") for row in rows]


async def _add(
    session: WriteSession, subject_id: uuid.UUID, values: dict[str, Any]
) -> models.Application | None:
    if await queries.count(session, subject_id) >= schemas.MAX_APPLICATIONS:
        raise Conflict(f"At most {schemas.MAX_APPLICATIONS} awards can be tracked; delete one.")
    row = await queries.add(session, values | {"subject_id": subject_id})
    if row is not None:
        await _record_interaction(session, subject_id, row.scholarship_id, row.status)
    return row


async def _record_interaction(
    session: WriteSession, subject_id: uuid.UUID, scholarship_id: str, status: str
) -> None:
    """A row of the tracker is an interaction of the account, and counts as one."""
    if status in (ApplicationStatus.SAVED, ApplicationStatus.DISMISSED):
        await queries.add_interaction(
            session, subject_id, scholarship_id, InteractionType(str(status))
        )


async def _award(session: AsyncSession, scholarship_id: str) -> Scholarship:
    award = await queries.public_award(session, scholarship_id)
    if award is None:
        raise catalogue.not_found()
    return award


async def _read(
    session: AsyncSession, subject_id: uuid.UUID | None, application_id: uuid.UUID
) -> tuple[models.Application, Scholarship | None]:
    found = None
    if subject_id is not None:
        found = await queries.read(session, subject_id, application_id)
    if found is None:
        raise NotFound("There is no application with this id.")
    return found[0], found[1]


def _round_of(award: Scholarship, round_key: str | None, *, now: dt.datetime) -> str | None:
    if round_key is None:
        return current_round(award, now=now)
    if round_key not in [each.get("key") for each in award.rounds or ()]:
        raise ValidationFailed.of("round_key", "the award has no round with this key")
    return round_key


def _columns(
    new: schemas.NewApplication, award: Scholarship, *, round_key: str | None, now: dt.datetime
) -> dict[str, Any]:
    deadline = deadline_of(award, round_key=round_key, now=now)
    items = _checklist_of(award) if new.checklist is None else new.checklist
    return {
        "id": uuid.UUID(new_id()),
        "scholarship_id": award.id,
        "round_key": round_key,
        "status": new.status.value,
        "checklist": _checklist(items, deadline),
        "note": new.note,
        "reminders_days": new.reminders_days,
        "award_name": award.name,
        "award_organization": award.organization,
    }


def _checklist_of(award: Scholarship) -> list[schemas.ChecklistItem]:
    return [
        schemas.ChecklistItem(
            key=each["key"],
            kind=each["kind"],
            title=each.get("title"),
            required=each.get("required", True),
        )
        for each in award.requirements or ()
    ]


def _checklist(
    items: Sequence[schemas.ChecklistItem], deadline: TrackedDeadline | None
) -> list[dict[str, Any]]:
    """The items as they are stored: without the day of the deadline, which may move."""
    day = None if deadline is None else deadline.day
    stored = []
    for item in items:
        values = item.model_dump(mode="json", exclude_none=True)
        if item.due_on is not None and item.due_on == day:
            del values["due_on"]
        stored.append(values)
    return stored


def _written(row: models.Application) -> dict[str, Any]:
    """The row as a client would write it."""
    return {
        "status": row.status,
        "checklist": row.checklist,
        "note": row.note,
        "reminders_days": row.reminders_days,
    }


def _stored(
    row: models.Application, award: Scholarship | None, *, now: dt.datetime
) -> StoredApplication:
    deadline = (
        TrackedDeadline(None, DeadlineKind.UNKNOWN, "UTC", is_estimated=False)
        if award is None
        else deadline_of(award, round_key=row.round_key, now=now)
    )
    checklist = [schemas.ChecklistItem.model_validate(item) for item in row.checklist]
    for item in checklist:
        item.due_on = item.due_on or deadline.day
    shown = schemas.Application(
        id=row.id,
        scholarship_id=row.scholarship_id,
        round_key=row.round_key,
        status=ApplicationStatus(row.status),
        checklist=checklist,
        note=row.note,
        reminders_days=row.reminders_days,
        award=_tracked_award(row, award, deadline, now=now),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
    return StoredApplication(shown, row.version)


def _tracked_award(
    row: models.Application,
    award: Scholarship | None,
    deadline: TrackedDeadline,
    *,
    now: dt.datetime,
) -> schemas.TrackedAward:
    if award is None:
        return schemas.TrackedAward(
            name=row.award_name,
            organization=row.award_organization,
            state="removed",
            availability=Availability.CLOSED,
            application_deadline=None,
            deadline_kind=deadline.kind,
            deadline_timezone=deadline.timezone,
            deadline_estimated=False,
            days_left=None,
            application_url=None,
        )
    return schemas.TrackedAward(
        name=award.name,
        organization=award.organization,
        state="archived" if is_archived(award) else "published",
        availability=catalogue.availability(
            status=award.status,
            deadline_kind=deadline.kind,
            recurs=award.recurs,
            application_deadline=deadline.at,
            opens_at=award.opens_at,
            now=now,
        ),
        application_deadline=deadline.at,
        deadline_kind=deadline.kind,
        deadline_timezone=deadline.timezone,
        deadline_estimated=deadline.is_estimated,
        days_left=None if is_archived(award) else deadline.days_left(now),
        application_url=award.application_url,
    )
