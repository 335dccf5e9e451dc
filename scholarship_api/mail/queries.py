"""Statements on addresses and mails."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

from scholarship_api.alerts.models import Alert
from scholarship_api.mail.models import Mail, MailAddress
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

Session = ReadSession | WriteSession

NEWS: Final = dt.timedelta(days=3)
"""An alert that has waited longer is not told by mail any more."""

_UNTOLD: Final = text("""
    SELECT alert.subject_id,
        coalesce(profile.timezone, alert.data ->> 'deadline_timezone', 'UTC') AS zone,
        array_agg(alert.id ORDER BY alert.id) AS alerts
    FROM mail_addresses AS address
    JOIN alerts AS alert ON alert.subject_id = address.subject_id
    LEFT JOIN profiles AS profile ON profile.subject_id = address.subject_id
    WHERE address.confirmed_at IS NOT NULL
      AND alert.mail_id IS NULL
      AND alert.created_at > greatest(address.confirmed_at, now() - CAST(:news AS interval))
      AND NOT EXISTS (
          SELECT FROM applications AS application
          WHERE application.subject_id = alert.subject_id
            AND application.scholarship_id = alert.data ->> 'scholarship_id'
            AND application.status = 'dismissed')
      AND address.subject_id IN (
          SELECT subject_id FROM mail_addresses WHERE subject_id > :after
          ORDER BY subject_id LIMIT :limit)
    GROUP BY 1, 2 ORDER BY 1, 2
""")
_PAGE_END: Final = text("""
    SELECT subject_id FROM mail_addresses WHERE subject_id > :after
    ORDER BY subject_id OFFSET :skipped LIMIT 1
""")
_LEASE: Final = text("""
    UPDATE mails SET leased_until = now() + CAST(:duration AS interval)
    WHERE id = :id AND state = 'pending' AND next_attempt_at <= now()
      AND coalesce(leased_until <= now(), true)
    RETURNING id, subject_id, kind, attempts, expires_at <= now() AS expires
""")


class Untold(NamedTuple):
    subject_id: uuid.UUID
    zone: str
    alert_ids: list[int]


async def address_of(session: Session, subject_id: uuid.UUID) -> MailAddress | None:
    statement = select(MailAddress).where(MailAddress.subject_id == subject_id)
    return (await session.scalars(statement)).one_or_none()


async def put_address(session: WriteSession, subject_id: uuid.UUID, address: str) -> None:
    values = {
        "address": address,
        "asked_at": func.now(),
        "confirmed_at": None,
    }
    statement = postgresql_insert(MailAddress).values(subject_id=subject_id, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=[MailAddress.subject_id], set_=values)
    )


async def confirm(session: WriteSession, subject_id: uuid.UUID) -> None:
    await session.execute(
        update(MailAddress)
        .where(MailAddress.subject_id == subject_id, MailAddress.confirmed_at.is_(None))
        .values(confirmed_at=func.now())
    )


async def remove_address(session: WriteSession, subject_id: uuid.UUID) -> None:
    await session.execute(delete(MailAddress).where(MailAddress.subject_id == subject_id))


async def add_confirmation(session: WriteSession, subject_id: uuid.UUID) -> None:
    await session.execute(insert(Mail).values(subject_id=subject_id, kind="confirmation"))


async def untold(
    session: WriteSession, *, after: uuid.UUID, limit: int
) -> tuple[list[Untold], uuid.UUID | None]:
    """Alerts of `limit` addresses that no mail has told; and the last address, if there are more.

    The addresses are in the order of their subjects.
    """
    parameters = {"after": after, "limit": limit, "news": NEWS}
    rows = [Untold(*row) for row in await session.execute(_UNTOLD, parameters)]
    last = await session.execute(_PAGE_END, {"after": after, "skipped": limit - 1})
    return rows, last.scalar_one_or_none()


async def add_digest(
    session: WriteSession, subject_id: uuid.UUID, *, period: str, alert_ids: Sequence[int]
) -> bool:
    """Add the digest of a period with its alerts; False when the period has one."""
    statement = (
        postgresql_insert(Mail)
        .values(subject_id=subject_id, kind="digest", period=period)
        .on_conflict_do_nothing(index_elements=[Mail.subject_id, Mail.period])
        .returning(Mail.id)
    )
    mail_id = (await session.scalars(statement)).one_or_none()
    if mail_id is None:
        return False
    await session.execute(
        update(Alert)
        .where(Alert.id.in_(alert_ids), Alert.mail_id.is_(None))
        .values(mail_id=mail_id)
    )
    return True


async def due(session: ReadSession, *, limit: int) -> Sequence[int]:
    """Mails that can be sent now."""
    statement = (
        select(Mail.id)
        .where(
            Mail.state == "pending",
            Mail.next_attempt_at <= func.now(),
            func.coalesce(Mail.leased_until <= func.now(), True),
        )
        .order_by(Mail.next_attempt_at)
        .limit(limit)
    )
    return (await session.scalars(statement)).all()


async def lease(session: WriteSession, mail_id: int, *, duration: dt.timedelta) -> Any:  # noqa: ANN401 - a row
    """The mail, which nobody else sends meanwhile; None when it is not due."""
    parameters = {"id": mail_id, "duration": duration}
    return (await session.execute(_LEASE, parameters)).one_or_none()


async def alerts_of(session: Session, mail_id: int) -> Sequence[Alert]:
    statement = select(Alert).where(Alert.mail_id == mail_id).order_by(Alert.id)
    return (await session.scalars(statement)).all()


async def record(
    session: WriteSession,
    mail_id: int,
    *,
    state: Literal["pending", "sent", "dropped", "dead"],
    error: str | None = None,
    retry_in: dt.timedelta = dt.timedelta(),
) -> None:
    await session.execute(
        update(Mail)
        .where(Mail.id == mail_id)
        .values(
            state=state,
            attempts=Mail.attempts + 1,
            last_error=error,
            leased_until=None,
            next_attempt_at=func.now() + retry_in,
        )
    )


async def waiting(session: ReadSession) -> Mapping[str, int]:
    """How many mails are pending and dead."""
    statement = (
        select(Mail.state, func.count())
        .where(Mail.state.in_(["pending", "dead"]))
        .group_by(Mail.state)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def oldest_pending_seconds(session: ReadSession) -> float:
    """The age of the oldest mail that is pending; 0 without one."""
    age = func.extract("epoch", func.now() - func.min(Mail.created_at))
    statement = select(func.coalesce(age, 0)).where(Mail.state == "pending")
    return float((await session.scalars(statement)).one())


async def purge(session: WriteSession, *, before: dt.datetime, limit: int) -> int:
    """Remove up to `limit` mails from before an instant that wait no more."""
    old = select(Mail.id).where(Mail.created_at < before, Mail.state != "pending").limit(limit)
    removed = await session.scalars(delete(Mail).where(Mail.id.in_(old)).returning(Mail.id))
    return len(removed.all())
