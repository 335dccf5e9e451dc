"""Awards are created, replaced, patched and archived.

Any status may follow any other: a draft is published, what was published by mistake is a draft
again, what is archived comes back. A change that changes nothing makes no version.
"""

import datetime as dt
from typing import Any

from scholarship_api.accounts.access import AuthenticatedAccount, may_change
from scholarship_api.catalogue import queries
from scholarship_api.catalogue.audit import Origin
from scholarship_api.catalogue.bulk.formats import COLUMNS
from scholarship_api.catalogue.bulk.parsing import RowFault
from scholarship_api.catalogue.bulk.validation import column_values
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.preconditions import Precondition
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.catalogue.service import is_storable, unknown
from scholarship_api.catalogue.write_schemas import WrittenScholarship, patched
from scholarship_api.errors import Conflict, Forbidden, PreconditionFailed, ValidationFailed
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.vocabulary import Status


async def create(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    award: WrittenScholarship,
    origin: Origin,
) -> Scholarship:
    """Raises Forbidden, Conflict when the id is taken, and ValidationFailed."""
    _require_own(account, award.organization)
    values = _values(award)
    await queries.set_origin(session, origin)
    scholarship = await queries.insert(session, values)
    if scholarship is None:
        raise Conflict("There is a scholarship with this id already.")
    return scholarship


async def replace(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    precondition: Precondition,
    award: WrittenScholarship,
    origin: Origin,
) -> Scholarship:
    """Raises NotFound, Forbidden, PreconditionFailed and ValidationFailed."""
    present = await _lock(session, account, scholarship_id, precondition)
    if award.given_id is None:
        award.id = scholarship_id
    return await _write(session, account, present, award, origin)


async def patch(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    precondition: Precondition,
    patch: object,
    origin: Origin,
) -> Scholarship:
    """Raises NotFound, Forbidden, PreconditionFailed and ValidationFailed."""
    present = await _lock(session, account, scholarship_id, precondition)
    return await _write(session, account, present, patched(present, patch), origin)


async def archive(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    precondition: Precondition,
    origin: Origin,
) -> Scholarship:
    """Raises NotFound, Forbidden and PreconditionFailed."""
    # What is archived already stays so, whatever version was read: RFC 9110, 13.1.1, lets a
    # repetition succeed whose change has been made.
    anything = Precondition(None)
    present = await _lock(session, account, scholarship_id, anything)
    if present.status == Status.ARCHIVED:
        return present
    _require(precondition, present)
    await queries.set_origin(session, origin)
    return await queries.change(session, present.id, {"status": Status.ARCHIVED.value})


async def _lock(
    session: WriteSession,
    account: AuthenticatedAccount,
    scholarship_id: str,
    precondition: Precondition,
) -> Scholarship:
    present = await queries.lock(session, scholarship_id) if is_storable(scholarship_id) else None
    if present is None:
        raise unknown()
    if not may_change(account, present.organization):
        # Who may not see a draft does not learn that it exists.
        raise unknown() if present.status == Status.DRAFT else _not_own(account)
    _require(precondition, present)
    return present


def _require(precondition: Precondition, present: Scholarship) -> None:
    if not precondition.admits(present.version):
        raise PreconditionFailed


async def _write(
    session: WriteSession,
    account: AuthenticatedAccount,
    present: Scholarship,
    award: ScholarshipInput,
    origin: Origin,
) -> Scholarship:
    if award.id != present.id:
        raise ValidationFailed.of("id", "can not be changed")
    _require_own(account, award.organization)
    changed = {
        name: value for name, value in _values(award).items() if value != getattr(present, name)
    }
    if not changed:
        return present
    await queries.set_origin(session, origin)
    return await queries.change(session, present.id, changed)


def _values(award: ScholarshipInput) -> dict[str, Any]:
    try:
        values = column_values(award, dt.datetime.now(dt.UTC))
    except RowFault as fault:
        raise ValidationFailed.of(fault.field, fault.reason) from None
    return dict(zip(COLUMNS, values, strict=True))


def _require_own(account: AuthenticatedAccount, organization: str) -> None:
    if not may_change(account, organization):
        raise _not_own(account)


def _not_own(account: AuthenticatedAccount) -> Forbidden:
    return Forbidden(
        f"This account may only write scholarships of its own organization, {account.organization}."
    )
