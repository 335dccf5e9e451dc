"""Lists likely duplicates, merges awards with all that belongs to them, and undoes that."""

import datetime as dt
from typing import Final

from scholarship_api.accounts.access import may_change
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.organizations import fold_organization
from scholarship_api.audit import service as audit
from scholarship_api.catalogue import merges
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.models import Scholarship, ScholarshipMerge
from scholarship_api.catalogue.preconditions import Precondition
from scholarship_api.errors import NotFound
from scholarship_api.exchange.duplicates import queries, schemas
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

MAX_ID: Final = 2**63 - 1
"""The greatest id that PostgreSQL's bigint holds."""


async def duplicates(
    session: ReadSession, account: AuthenticatedAccount, query: schemas.DuplicateQuery
) -> schemas.DuplicateList:
    """Pairs that the account may merge, the most similar first."""
    confined_to = account.confined_to
    rows, total = await queries.page(
        session,
        organization=None if confined_to is None else fold_organization(confined_to),
        limit=query.limit,
        offset=query.offset,
    )
    return schemas.DuplicateList(
        items=[
            schemas.DuplicatePair(
                id=pair.id,
                first=_compared(first),
                second=_compared(second),
                site=pair.site,
                score=pair.score,
                found_at=pair.found_at,
            )
            for pair, first, second in rows
        ],
        total=total,
    )


def _compared(award: Scholarship) -> schemas.ComparedAward:
    return schemas.ComparedAward.model_validate(award, from_attributes=True)


async def dismiss(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    duplicate_id: int,
    change_source: ChangeSource,
) -> None:
    """Say that two awards are not the same. Raises NotFound."""
    pair = await queries.find(session, duplicate_id) if 0 < duplicate_id <= MAX_ID else None
    awards = (
        []
        if pair is None
        else [
            await session.get(Scholarship, award_id) for award_id in (pair.first_id, pair.second_id)
        ]
    )
    if not awards or not all(award and may_change(account, award.organization) for award in awards):
        raise NotFound("There is no pair with this id.")
    await queries.dismiss(session, duplicate_id)
    await audit.record(
        session, "duplicate.dismissed", source=change_source, duplicate_id=duplicate_id
    )


async def merge(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    into_id: str,
    precondition: Precondition,
    change_source: ChangeSource,
) -> schemas.Merge:
    """Raises what `catalogue.merges.merge` raises."""
    made = await merges.merge(
        session,
        account=account,
        scholarship_id=scholarship_id,
        into_id=into_id,
        precondition=precondition,
        change_source=change_source,
    )
    await queries.move_rows(session, made)
    await _record(session, "award.merged", made, change_source)
    return _shown(made)


async def undo(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    scholarship_id: str,
    change_source: ChangeSource,
    now: dt.datetime,
) -> None:
    """Raises what `catalogue.merges.undo` raises."""
    undone = await merges.undo(
        session,
        account=account,
        scholarship_id=scholarship_id,
        change_source=change_source,
        now=now,
    )
    await queries.return_rows(session, undone)
    await _record(session, "award.merge_undone", undone, change_source)


async def _record(
    session: WriteSession, action: str, made: ScholarshipMerge, source: ChangeSource
) -> None:
    await audit.record(
        session, action, source=source, merged_id=made.merged_id, into_id=made.into_id
    )


def _shown(made: ScholarshipMerge) -> schemas.Merge:
    return schemas.Merge(
        merged_id=made.merged_id,
        into_id=made.into_id,
        merged_at=made.merged_at,
        undo_until=made.merged_at + dt.timedelta(days=merges.UNDO_DAYS),
    )
