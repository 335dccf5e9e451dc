"""The address of an account: given, confirmed by a link, and removed by one."""

import datetime as dt
import uuid
from typing import Final

from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.errors import Conflict, NotFound
from scholarship_api.mail import queries, schemas
from scholarship_api.mail.links import Target, digest_of
from scholarship_api.mail.models import MailAddress
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.subjects import service as subjects
from scholarship_api.subjects.owners import Owner

ASK_AGAIN: Final = dt.timedelta(minutes=10)
"""A confirmation is not asked for sooner again, so that nobody floods a foreign mailbox."""


async def put(
    session: WriteSession, owner: Owner, *, email: str, sends_mail: bool, source: ChangeSource
) -> schemas.Address:
    """Store an address, and ask for its confirmation. Raises Conflict where no mail is sent."""
    if not sends_mail:
        raise Conflict("This service sends no mail.")
    subject_id = await subjects.ensure(session, owner)
    stored = await queries.address_of(session, subject_id)
    if stored is not None:
        if stored.address == email and stored.confirmed_at is not None:
            return _shown(stored)
        if stored.asked_at > dt.datetime.now(dt.UTC) - ASK_AGAIN:
            if stored.address == email:
                return _shown(stored)
            raise Conflict("An address was given a few minutes ago; wait ten minutes.")
    await queries.put_address(session, subject_id, email)
    await queries.add_confirmation(session, subject_id)
    await audit.record(session, "mail_address.given", source=source, target_id=subject_id)
    return schemas.Address(email=email, confirmed=False)


async def read(session: ReadSession, owner: Owner) -> schemas.Address:
    """Raises NotFound."""
    subject_id = await subjects.find(session, owner)
    stored = None if subject_id is None else await queries.address_of(session, subject_id)
    if stored is None:
        raise NotFound("No address is stored.")
    return _shown(stored)


async def remove(session: WriteSession, owner: Owner, *, source: ChangeSource) -> None:
    """Raises NotFound."""
    subject_id = await subjects.lock(session, owner)
    if subject_id is None or await queries.address_of(session, subject_id) is None:
        raise NotFound("No address is stored.")
    await queries.remove_address(session, subject_id)
    await audit.record(session, "mail_address.removed", source=source, target_id=subject_id)


async def is_current(session: ReadSession | WriteSession, target: Target | None) -> bool:
    """Whether the address of a link is still the one of its subject."""
    stored = None if target is None else await queries.address_of(session, target.subject_id)
    return stored is not None and target is not None and digest_of(stored.address) == target.digest


async def confirm(session: WriteSession, target: Target | None) -> bool:
    """False for a link that is no longer good."""
    if target is None or not await is_current(session, target):
        return False
    await queries.confirm(session, target.subject_id)
    return True


async def unsubscribe(session: WriteSession, target: Target) -> None:
    """Forget the address; a second time changes nothing."""
    if await is_current(session, target):
        await queries.remove_address(session, target.subject_id)


async def personal_data(session: ReadSession, subject_id: uuid.UUID) -> object:
    """The address; None without one."""
    stored = await queries.address_of(session, subject_id)
    return None if stored is None else _shown(stored).model_dump()


def _shown(stored: MailAddress) -> schemas.Address:
    return schemas.Address(email=stored.address, confirmed=stored.confirmed_at is not None)
