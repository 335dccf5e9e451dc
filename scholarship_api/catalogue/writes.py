"""Creates, replaces, patches and archives awards.

Any status may follow any other: a draft is published, an award that was published by mistake
becomes a draft again, an archived one comes back. A write that changes nothing makes no version.
"""

import datetime as dt
from typing import Any

from scholarship_api.accounts.access import may_change
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.organizations import fold_organization
from scholarship_api.catalogue import queries
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.columns import (
    WRITTEN_COLUMNS,
    InvalidAward,
    column_values,
    sets_of,
)
from scholarship_api.catalogue.identifiers import own_id_prefix
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.preconditions import Precondition
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.catalogue.service import is_storable, not_found
from scholarship_api.catalogue.write_schemas import WrittenScholarship, patched
from scholarship_api.errors import Conflict, Forbidden, PreconditionFailed, ValidationFailed
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.vocabulary import Status


async def create(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    award: WrittenScholarship,
    change_source: ChangeSource,
) -> Scholarship:
    """Raises Forbidden, Conflict when the id is taken, and ValidationFailed."""
    _require_own_organization(account, award.organization)
    _require_own_id(account, award)
    values = _column_values(award)
    await queries.set_change_source(session, change_source)
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
    change_source: ChangeSource,
) -> Scholarship:
    """Raises NotFound, Forbidden, PreconditionFailed and ValidationFailed."""
    current = await lock_current(session, account, scholarship_id, precondition)
    if award.given_id is None:
        award.id = scholarship_id
    return await _apply(session, account, current, award, change_source)


async def patch(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    precondition: Precondition,
    patch: object,
    change_source: ChangeSource,
) -> Scholarship:
    """Raises NotFound, Forbidden, PreconditionFailed and ValidationFailed."""
    current = await lock_current(session, account, scholarship_id, precondition)
    return await _apply(session, account, current, patched(current, patch), change_source)


async def archive(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    precondition: Precondition,
    change_source: ChangeSource,
) -> Scholarship:
    """Raises NotFound, Forbidden and PreconditionFailed."""
    # An award that is archived already stays so, whatever version the client has read: RFC 9110,
    # 13.1.1, lets a repeated request succeed when its change has been made.
    current = await lock_own(session, account, scholarship_id)
    if current.status == Status.ARCHIVED:
        return current
    require_match(precondition, current)
    await queries.set_change_source(session, change_source)
    return await queries.change(session, current.id, {"status": Status.ARCHIVED.value})


async def lock_current(
    session: WriteSession,
    account: AuthenticatedAccount,
    scholarship_id: str,
    precondition: Precondition,
) -> Scholarship:
    """The award that a write changes.

    Raises NotFound, Forbidden, PreconditionFailed, and Conflict for a merged one.
    """
    current = await lock_own(session, account, scholarship_id)
    require_match(precondition, current)
    if current.status == Status.ARCHIVED:
        await _require_unmerged(session, current.id)
    return current


async def lock_own(
    session: WriteSession, account: AuthenticatedAccount, scholarship_id: str
) -> Scholarship:
    """An award that the account may change, locked. Raises NotFound and Forbidden."""
    current = await queries.lock(session, scholarship_id) if is_storable(scholarship_id) else None
    if current is None:
        raise not_found()
    if not may_change(account, current.organization):
        # An account that may not see a draft must not learn that it exists.
        raise not_found() if current.status == Status.DRAFT else _other_organization(account)
    return current


async def _require_unmerged(session: WriteSession, scholarship_id: str) -> None:
    merge = await queries.merge_of(session, scholarship_id)
    if merge is not None:
        raise Conflict(f"This scholarship was merged into {merge.into_id}; change that one.")


def require_match(precondition: Precondition, current: Scholarship) -> None:
    if not precondition.allows(current.version):
        raise PreconditionFailed


async def _apply(
    session: WriteSession,
    account: AuthenticatedAccount,
    current: Scholarship,
    award: ScholarshipInput,
    change_source: ChangeSource,
) -> Scholarship:
    if award.id != current.id:
        raise ValidationFailed.of("id", "cannot be changed")
    _require_own_organization(account, award.organization)
    changed = {
        name: value
        for name, value in _column_values(award, current).items()
        if value != getattr(current, name)
    }
    if not changed:
        return current
    await queries.set_change_source(session, change_source)
    return await queries.change(session, current.id, changed)


def _column_values(award: ScholarshipInput, current: Scholarship | None = None) -> dict[str, Any]:
    sets = None if current is None else sets_of(current)
    try:
        values = column_values(award, dt.datetime.now(dt.UTC), current_sets=sets)
    except InvalidAward as problem:
        raise ValidationFailed.of(problem.field, problem.reason) from None
    return dict(zip(WRITTEN_COLUMNS, values, strict=True))


def _require_own_organization(account: AuthenticatedAccount, organization: str) -> None:
    if not may_change(account, organization):
        raise _other_organization(account)


def _require_own_id(account: AuthenticatedAccount, award: WrittenScholarship) -> None:
    """Accounts and keys of one organization choose ids within its prefix, where a conflict tells
    them nothing new."""
    if account.confined_to is None or award.given_id is None:
        return
    prefix = own_id_prefix(fold_organization(account.confined_to))
    if not award.id.startswith(prefix):
        raise ValidationFailed.of("id", f"must begin with {prefix} or be left out")


def _other_organization(account: AuthenticatedAccount) -> Forbidden:
    return Forbidden(
        f"This account may only write scholarships of its own organization, {account.organization}."
    )
