"""Subjects: whom personal data belongs to."""

import uuid
from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.identifiers import new_id
from scholarship_api.errors import NotFound, Unauthorized
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.subjects import queries
from scholarship_api.subjects.owners import Owner

PersonalData = Callable[[ReadSession, uuid.UUID], Awaitable[object]]
"""Reads what a feature stores about a subject, as values that JSON can hold; None for nothing."""

_log = structlog.stdlib.get_logger(__name__)


async def find(session: AsyncSession, owner: Owner) -> uuid.UUID | None:
    """The id of the subject; None as long as nothing was stored about it."""
    return await queries.find(session, _identity(owner))


async def find_of_account(session: AsyncSession, account_id: uuid.UUID) -> uuid.UUID | None:
    return await queries.find(session, {"account_id": account_id})


async def lock(session: WriteSession, owner: Owner) -> uuid.UUID | None:
    """The same; the subject stays locked until the transaction ends, so that its changes come one
    after the other."""
    return await queries.lock(session, _identity(owner))


async def ensure(session: WriteSession, owner: Owner) -> uuid.UUID:
    """The id of the subject, created if need be, and locked until the transaction ends.

    Raises Unauthorized while the account or API key of the request is being deleted.
    """
    subject_id = await queries.ensure(
        session,
        _identity(owner),
        new_id=uuid.UUID(new_id()),
        account_id=owner.account.id,
    )
    if subject_id is None:
        raise Unauthorized
    return subject_id


async def touch(session: WriteSession, owner: Owner) -> None:
    """Keep the subject from being removed as one that nobody asks about."""
    await queries.touch(session, _identity(owner))


async def delete(session: WriteSession, owner: Owner, *, source: ChangeSource) -> None:
    """Remove the subject with everything that is stored about it. Raises NotFound."""
    subject_id = await queries.remove(session, _identity(owner))
    if subject_id is None:
        raise not_found()
    await audit.record(session, "subject.deleted", source=source)
    _log.info("subject.deleted")


async def purge(session: WriteSession, *, days: int, limit: int) -> int:
    """Remove up to `limit` subjects of platforms that nobody has asked about for `days`."""
    return await queries.purge(session, days=days, limit=limit)


async def export(
    session: ReadSession, owner: Owner, *, topics: Mapping[str, PersonalData]
) -> dict[str, object]:
    """All data of a platform's subject by topic. Raises NotFound."""
    subject = await queries.read(session, _identity(owner))
    if subject is None:
        raise not_found()
    return {
        "external_id": subject.external_id,
        "created_at": subject.created_at,
        "touched_at": subject.touched_at,
        **{topic: await read(session, subject.id) for topic, read in topics.items()},
    }


def of_account(read: PersonalData) -> PersonalData:
    """The same reader for the id of an account, for `users export`."""

    async def read_of_account(session: ReadSession, account_id: uuid.UUID) -> object:
        subject_id = await find_of_account(session, account_id)
        return None if subject_id is None else await read(session, subject_id)

    return read_of_account


def not_found() -> NotFound:
    return NotFound("Nothing is stored about this subject.")


def _identity(owner: Owner) -> queries.Identity:
    if owner.client is None:
        return {"account_id": owner.account.id}
    return {"client": owner.client, "external_id": owner.external_id}
