"""Merges an award into another one, and undoes that.

The merged award is archived, and its address leads to the other one from then on.
"""

import datetime as dt
from typing import Final

from sqlalchemy import ScalarSelect, Text, literal, select

from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.catalogue import queries, writes
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.models import ScholarshipMerge
from scholarship_api.catalogue.preconditions import Precondition
from scholarship_api.catalogue.service import is_storable, not_found
from scholarship_api.errors import Conflict, Forbidden, NotFound, ValidationFailed
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.vocabulary import Status

UNDO_DAYS: Final = 30
"""Days for which a merge can be undone."""

_MERGED_INTO: Final = (
    "SELECT into_id FROM scholarship_merges WHERE merged_id = %(id)s AND undone_at IS NULL"
)
_ANY_VERSION: Final = Precondition(None)


def present_id(scholarship_id: str) -> ScalarSelect[str]:
    """The id of the award that stands for this one: itself, or the last one of its merges.

    An award that was merged cannot be merged into, so the merges of an award are no circle.
    """
    merges = select(literal(scholarship_id, Text).label("id"), literal(0).label("step")).cte(
        "merges", recursive=True
    )
    merges = merges.union_all(
        select(ScholarshipMerge.into_id, merges.c.step + 1).where(
            ScholarshipMerge.merged_id == merges.c.id, ScholarshipMerge.undone_at.is_(None)
        )
    )
    return select(merges.c.id).order_by(merges.c.step.desc()).limit(1).scalar_subquery()


async def merged_into(fetch: Fetch, scholarship_id: str) -> str | None:
    """The id of the award that this one was merged into."""
    rows = await fetch(_MERGED_INTO, {"id": scholarship_id})
    return rows[0][0].decode() if rows else None


async def merge(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    into_id: str,
    precondition: Precondition,
    change_source: ChangeSource,
) -> ScholarshipMerge:
    """Raises NotFound, Forbidden, PreconditionFailed, Conflict and ValidationFailed."""
    if into_id == scholarship_id:
        raise ValidationFailed.of("into", "must be another scholarship")
    # In the order of ids, so that two merges of the same awards do not wait for each other.
    for each in sorted((scholarship_id, into_id)):
        if is_storable(each):
            await queries.lock(session, each)
    merged = await writes.lock_current(session, account, scholarship_id, precondition)
    try:
        into = await writes.lock_current(session, account, into_id, _ANY_VERSION)
    except (Forbidden, NotFound) as error:
        raise ValidationFailed.of("into", error.message) from None
    if into.status == Status.ARCHIVED:
        raise Conflict("The scholarship to merge into is archived.")
    made = ScholarshipMerge(merged_id=merged.id, into_id=into.id, status_before=merged.status)
    session.add(made)
    await session.flush()
    await session.refresh(made)
    await queries.set_change_source(session, change_source)
    if merged.status != Status.ARCHIVED:
        await queries.change(session, merged.id, {"status": Status.ARCHIVED.value})
    return made


async def undo(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    change_source: ChangeSource,
    now: dt.datetime,
) -> ScholarshipMerge:
    """Raises NotFound, Forbidden, and Conflict when the merge is too old."""
    merged = await writes.lock_own(session, account, scholarship_id)
    found = await queries.merge_of(session, merged.id)
    if found is None:
        raise not_found()
    if found.merged_at < now - dt.timedelta(days=UNDO_DAYS):
        raise Conflict(f"A merge can be undone for {UNDO_DAYS} days.")
    found.undone_at = now
    await session.flush()
    await queries.set_change_source(session, change_source)
    if merged.status != found.status_before:
        await queries.change(session, merged.id, {"status": found.status_before})
    return found
