"""Storing the profile of a subject."""

import uuid
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.applications import service as applications
from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.merge_patch import merge
from scholarship_api.eligibility.profiles import ProfileAnswers
from scholarship_api.eligibility.schemas import QuestionsRequest
from scholarship_api.errors import (
    Conflict,
    NotFound,
    ValidationFailed,
    validation_fields,
)
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.profiles import queries
from scholarship_api.profiles.models import Profile
from scholarship_api.profiles.schemas import MatchesRequest, StudentProfile
from scholarship_api.search.schemas import SearchBody
from scholarship_api.subjects import service as subjects
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.preconditions import OptionalPrecondition
from scholarship_api.subjects.results import StoredQuery


class StoredProfile(NamedTuple):
    body: dict[str, Any]
    """The values that a client has sent, canonical."""
    version: int


async def read(session: AsyncSession, owner: Owner) -> StoredProfile:
    """Raises NotFound when no profile is stored."""
    subject_id = await subjects.find(session, owner)
    stored = None if subject_id is None else await queries.read(session, subject_id)
    if stored is None:
        raise not_found()
    return _shown(stored)


async def answers_of(session: AsyncSession, *, subject_id: uuid.UUID) -> StudentProfile | None:
    """The stored profile of a subject, for other features. Raises Conflict when it holds a code
    that this release no longer knows."""
    stored = await queries.read(session, subject_id)
    if stored is None:
        return None
    try:
        return StudentProfile.model_validate(_body(stored))
    except ValidationError:
        raise Conflict("The stored profile is no longer valid; store it anew.") from None


async def matches_query(
    session: AsyncSession, owner: Owner, *, request: MatchesRequest
) -> StoredQuery:
    """The search for awards that suit the stored profile. Raises NotFound and Conflict."""
    subject_id, profile = await _profile_of(session, owner)
    search = SearchBody.model_validate(
        {
            "profile": profile.sent(),
            "verdicts": request.verdicts,
            "sort": "match",
            "limit": request.limit,
            "cursor": request.cursor,
        }
    )
    return StoredQuery(search, await applications.dismissed_awards(session, subject_id=subject_id))


async def questions_request(session: AsyncSession, owner: Owner) -> QuestionsRequest:
    """The request for questions on the stored profile. Raises NotFound and Conflict."""
    _, profile = await _profile_of(session, owner)
    return QuestionsRequest(profile=ProfileAnswers.model_validate(profile.sent()))


async def put(
    session: WriteSession,
    owner: Owner,
    *,
    profile: StudentProfile,
    precondition: OptionalPrecondition,
    source: ChangeSource,
) -> tuple[StoredProfile, bool]:
    """Store a whole profile; true when there was none before.

    Raises PreconditionRequired or PreconditionFailed when there is one that the client has not
    read, and PreconditionFailed when there is none and the client has read one.
    """
    subject_id = await subjects.ensure(session, owner)
    stored = await queries.read(session, subject_id)
    precondition.check(None if stored is None else stored.version)
    written = await _write(session, subject_id, profile)
    action = "profile.created" if stored is None else "profile.updated"
    await audit.record(session, action, source=source, target_id=subject_id)
    return _shown(written), stored is None


async def patch(
    session: WriteSession,
    owner: Owner,
    *,
    changes: object,
    precondition: OptionalPrecondition,
    source: ChangeSource,
) -> StoredProfile:
    """Apply a JSON merge patch. Raises NotFound, PreconditionFailed and ValidationFailed."""
    subject_id = await subjects.lock(session, owner)
    stored = None if subject_id is None else await queries.read(session, subject_id)
    if subject_id is None or stored is None:
        raise not_found()
    precondition.check(stored.version)
    if not isinstance(changes, dict):
        raise ValidationFailed.of("body", "must be an object")
    try:
        profile = StudentProfile.model_validate(merge(_body(stored), changes))
    except ValidationError as error:
        raise ValidationFailed(validation_fields(error.errors())) from None
    written = await _write(session, subject_id, profile)
    await audit.record(session, "profile.updated", source=source, target_id=subject_id)
    return _shown(written)


async def delete(
    session: WriteSession,
    owner: Owner,
    *,
    precondition: OptionalPrecondition,
    source: ChangeSource,
) -> None:
    """Erase the profile. Raises NotFound, and PreconditionFailed for another version."""
    subject_id = await subjects.lock(session, owner)
    stored = None if subject_id is None else await queries.read(session, subject_id)
    if subject_id is None or stored is None:
        raise not_found()
    precondition.check(stored.version)
    await queries.remove(session, subject_id)
    await audit.record(session, "profile.deleted", source=source, target_id=subject_id)


async def personal_data(session: ReadSession, subject_id: uuid.UUID) -> object:
    """The stored profile with its dates; None without one."""
    stored = await queries.read(session, subject_id)
    if stored is None:
        return None
    return {
        "profile": _body(stored),
        "created_at": stored.created_at.isoformat(),
        "updated_at": stored.updated_at.isoformat(),
    }


async def _profile_of(session: AsyncSession, owner: Owner) -> tuple[uuid.UUID, StudentProfile]:
    subject_id = await subjects.find(session, owner)
    profile = None if subject_id is None else await answers_of(session, subject_id=subject_id)
    if subject_id is None or profile is None:
        raise not_found()
    return subject_id, profile


def not_found() -> NotFound:
    return NotFound("No profile is stored.")


async def _write(session: WriteSession, subject_id: uuid.UUID, profile: StudentProfile) -> Profile:
    return await queries.put(session, subject_id, answers=profile.sent(), timezone=profile.timezone)


def _shown(stored: Profile) -> StoredProfile:
    return StoredProfile(_body(stored), stored.version)


def _body(stored: Profile) -> dict[str, Any]:
    return stored.answers | ({} if stored.timezone is None else {"timezone": stored.timezone})
