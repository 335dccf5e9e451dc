"""Statements on the catalogue's table."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy.exc
from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

from scholarship_api.catalogue.audit import SET_ORIGIN, Origin
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

_SET_ORIGIN: Final = text(
    SET_ORIGIN.format(source=":source", account_id=":account_id", trace_id=":trace_id")
)
_REFUSALS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,  # such as an index entry that is too large
)


async def get(session: ReadSession, scholarship_id: str) -> Scholarship | None:
    return await session.get(Scholarship, scholarship_id)


async def lock(session: WriteSession, scholarship_id: str) -> Scholarship | None:
    """The award as the last writer left it; other writers wait until the transaction ends."""
    return await session.get(
        Scholarship, scholarship_id, with_for_update={"key_share": True}, populate_existing=True
    )


async def set_origin(session: WriteSession, origin: Origin) -> None:
    """Name the writer for the audit of this transaction."""
    await session.execute(_SET_ORIGIN, origin.parameters)


async def insert(session: WriteSession, values: Mapping[str, Any]) -> Scholarship | None:
    """None when the id is taken. Raises ValidationFailed when the table refuses a value."""
    statement = (
        postgresql_insert(Scholarship)
        .values(**values)
        .on_conflict_do_nothing(index_elements=[Scholarship.id])
        .returning(Scholarship)
    )
    with _refusals():
        return (await session.scalars(statement)).one_or_none()


async def change(
    session: WriteSession, scholarship_id: str, values: Mapping[str, Any]
) -> Scholarship:
    """The changed award. Raises ValidationFailed when the table refuses a value."""
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
    with _refusals():
        return (await session.scalars(statement)).one()


@contextmanager
def _refusals() -> Iterator[None]:
    """The last line of defence, behind the schema."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        if isinstance(error.orig, _REFUSALS):
            raise ValidationFailed.of("body", "holds a value that can not be stored") from error
        raise
