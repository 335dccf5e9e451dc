"""Statements on the table of awards."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy.exc
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

from scholarship_api.catalogue.audit import SET_CHANGE_SOURCE, ChangeSource
from scholarship_api.catalogue.models import Scholarship, ScholarshipMerge
from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.vocabulary import Status

REFUSED_VALUE_ERRORS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,  # such as an index entry that is too large
)
"""The driver raises one of these when the table refuses a value that the schema let pass."""

_SET_CHANGE_SOURCE: Final = text(
    SET_CHANGE_SOURCE.format(
        source=":source",
        account_id=":account_id",
        trace_id=":trace_id",
        request_id=":request_id",
    )
)


async def lock(session: WriteSession, scholarship_id: str) -> Scholarship | None:
    """Read the award as the last writer left it, and lock it until the transaction ends."""
    return await session.get(
        Scholarship, scholarship_id, with_for_update={"key_share": True}, populate_existing=True
    )


async def lock_turned(
    session: WriteSession, *, before: dt.datetime, limit: int
) -> Sequence[Scholarship]:
    """Published awards whose rounds have turned before an instant; locked, in the order of ids."""
    turned = (
        select(Scholarship.id)
        .where(Scholarship.status == Status.PUBLISHED.value, Scholarship.turns_at < before)
        .order_by(Scholarship.turns_at)
        .limit(limit)
    )
    statement = (
        select(Scholarship)
        .where(Scholarship.id.in_(turned), Scholarship.turns_at < before)
        .order_by(Scholarship.id)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(statement)).all()


async def set_change_source(session: WriteSession, change_source: ChangeSource) -> None:
    """Name the writer for the audit of this transaction."""
    await session.execute(_SET_CHANGE_SOURCE, change_source.parameters)


async def insert(session: WriteSession, values: Mapping[str, Any]) -> Scholarship | None:
    """Insert an award; None when the id is taken.

    Raises ValidationFailed when the table refuses a value.
    """
    statement = (
        postgresql_insert(Scholarship)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[Scholarship.id])
        .returning(Scholarship)
    )
    with _values_may_be_refused():
        return (await session.scalars(statement)).one_or_none()


async def change(
    session: WriteSession, scholarship_id: str, values: Mapping[str, Any]
) -> Scholarship:
    """Update an award, and return it. Raises ValidationFailed when the table refuses a value."""
    statement = (
        update(Scholarship)
        .where(Scholarship.id == scholarship_id)
        .values(
            **values,
            version=Scholarship.version + 1,
            updated_at=func.clock_timestamp(),  # now() may be older than the version before
        )
        .returning(Scholarship)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    with _values_may_be_refused():
        return (await session.scalars(statement)).one()


async def merge_of(session: WriteSession, scholarship_id: str) -> ScholarshipMerge | None:
    """The merge of an award that is in force; locked."""
    statement = (
        select(ScholarshipMerge)
        .where(ScholarshipMerge.merged_id == scholarship_id, ScholarshipMerge.undone_at.is_(None))
        .with_for_update()
    )
    return (await session.scalars(statement)).one_or_none()


@contextmanager
def _values_may_be_refused() -> Iterator[None]:
    """Turn a refusal of the database into a 422; the schema should have refused the value."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, REFUSED_VALUE_ERRORS):
            raise ValidationFailed.of("body", "holds a value that cannot be stored") from error
        raise
