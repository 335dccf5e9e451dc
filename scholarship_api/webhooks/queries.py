"""Statements on webhooks and their deliveries."""

import datetime as dt
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal

from sqlalchemy import ARRAY, Text, cast, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

from scholarship_api.accounts.models import Account
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.subjects.models import Subject
from scholarship_api.webhooks.models import Webhook, WebhookDelivery, WebhookSecret

Session = ReadSession | WriteSession


# --- Webhooks ------------------------------------------------------------------------------------


async def webhooks(session: Session, *, owner_id: uuid.UUID | None) -> Sequence[Webhook]:
    """Webhooks by age; of all owners with None."""
    statement = select(Webhook).order_by(Webhook.created_at, Webhook.id)
    if owner_id is not None:
        statement = statement.where(Webhook.owner_id == owner_id)
    return (await session.scalars(statement)).all()


async def webhook(
    session: Session, webhook_id: uuid.UUID, *, owner_id: uuid.UUID | None, lock: bool = False
) -> Webhook | None:
    statement = select(Webhook).where(Webhook.id == webhook_id)
    if owner_id is not None:
        statement = statement.where(Webhook.owner_id == owner_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return (await session.scalars(statement)).one_or_none()


async def count(session: WriteSession, *, owner_id: uuid.UUID) -> int:
    statement = select(func.count()).where(Webhook.owner_id == owner_id)
    return (await session.scalars(statement)).one()


async def add(session: WriteSession, values: Mapping[str, Any]) -> Webhook:
    statement = insert(Webhook).values(values).returning(Webhook)
    return (await session.scalars(statement)).one()


async def change(
    session: WriteSession, webhook_id: uuid.UUID, values: Mapping[str, Any]
) -> Webhook:
    statement = (
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(**values, version=Webhook.version + 1, updated_at=func.now())
        .returning(Webhook)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    return (await session.scalars(statement)).one()


async def remove(session: WriteSession, webhook_id: uuid.UUID) -> None:
    await session.execute(delete(Webhook).where(Webhook.id == webhook_id))


# --- Secrets -------------------------------------------------------------------------------------


async def valid_secrets(session: Session, webhook_id: uuid.UUID) -> Sequence[str]:
    """Newest first."""
    secret = WebhookSecret
    statement = (
        select(secret.secret)
        .where(
            secret.webhook_id == webhook_id,
            or_(secret.expires_at.is_(None), secret.expires_at > func.now()),
        )
        .order_by(secret.id.desc())
    )
    return (await session.scalars(statement)).all()


async def add_secret(session: WriteSession, webhook_id: uuid.UUID, secret: str) -> None:
    await session.execute(insert(WebhookSecret).values(webhook_id=webhook_id, secret=secret))


async def end_secrets(session: WriteSession, webhook_id: uuid.UUID, *, at: dt.datetime) -> None:
    """Let secrets without an end expire, and forget those that have expired."""
    secret = WebhookSecret
    await session.execute(
        update(secret)
        .where(secret.webhook_id == webhook_id, secret.expires_at.is_(None))
        .values(expires_at=at)
    )
    await session.execute(
        delete(secret).where(secret.webhook_id == webhook_id, secret.expires_at <= func.now())
    )


async def drop_secrets(session: WriteSession, webhook_id: uuid.UUID) -> None:
    await session.execute(delete(WebhookSecret).where(WebhookSecret.webhook_id == webhook_id))


# --- Deliveries ----------------------------------------------------------------------------------


async def deliveries(
    session: Session,
    *,
    webhook_id: uuid.UUID | None,
    state: str | None,
    below: int | None,
    limit: int,
) -> Sequence[WebhookDelivery]:
    """Deliveries, newest first, whose id is below a number; of all webhooks with None."""
    delivery = WebhookDelivery
    statement = select(delivery).order_by(delivery.id.desc()).limit(limit)
    if webhook_id is not None:
        statement = statement.where(delivery.webhook_id == webhook_id)
    if state is not None:
        statement = statement.where(delivery.state == state)
    if below is not None:
        statement = statement.where(delivery.id < below)
    return (await session.scalars(statement)).all()


async def add_delivery(session: WriteSession, values: Mapping[str, Any]) -> WebhookDelivery:
    statement = insert(WebhookDelivery).values(values).returning(WebhookDelivery)
    return (await session.scalars(statement)).one()


async def add_deliveries(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add messages; one that is there already stays as it is."""
    statement = postgresql_insert(WebhookDelivery).values(list(rows))
    await session.execute(statement.on_conflict_do_nothing(index_elements=["webhook_id", "key"]))


async def subjects(session: Session, ids: Collection[uuid.UUID]) -> Sequence[Subject]:
    return (await session.scalars(select(Subject).where(Subject.id.in_(ids)))).all()


async def choosing(session: Session, events: Sequence[str]) -> Sequence[Any]:
    """Enabled webhooks that have chosen one of the events, with role and organization of their
    owners."""
    statement = (
        select(Webhook.id, Webhook.owner_id, Webhook.events, Account.role, Account.organization)
        .join(Account, Account.id == Webhook.owner_id)
        .where(Webhook.enabled, Webhook.events.bool_op("&&")(cast(list(events), ARRAY(Text))))
        .order_by(Webhook.id)
    )
    return (await session.execute(statement)).all()


_AGAIN: Final[dict[str, Any]] = {
    "state": "pending",
    "attempts": 0,
    "next_attempt_at": func.now(),
    "expires_at": func.now() + dt.timedelta(hours=24),
}


async def resend(
    session: WriteSession, delivery_id: int, *, webhook_id: uuid.UUID
) -> WebhookDelivery | None:
    """Deliver a message again, whatever became of it; None: the webhook has no such message."""
    statement = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook_id)
        .values(_AGAIN)
        .returning(WebhookDelivery)
        .execution_options(populate_existing=True, synchronize_session=False)
    )
    found = (await session.scalars(statement)).one_or_none()
    if found is not None:
        await _try_now(session, webhook_id)
    return found


async def resend_dead(session: WriteSession, *, webhook_id: uuid.UUID) -> int:
    """Deliver all dead messages of a webhook again. Returns how many there are."""
    statement = (
        update(WebhookDelivery)
        .where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.state == "dead")
        .values(_AGAIN)
        .returning(WebhookDelivery.id)
    )
    found = (await session.scalars(statement)).all()
    if found:
        await _try_now(session, webhook_id)
    return len(found)


async def _try_now(session: WriteSession, webhook_id: uuid.UUID) -> None:
    await session.execute(update(Webhook).where(Webhook.id == webhook_id).values(retry_at=None))


# --- Delivering ----------------------------------------------------------------------------------

# An award that was deleted has no organization any more: then only webhooks for all get the event.
_FAN_OUT: Final = text("""
    INSERT INTO webhook_deliveries (webhook_id, key, event, subject, occurred_at, data)
    SELECT webhook.id, 'evt_' || outbox.position, outbox.event, outbox.scholarship_id,
        outbox.occurred_at, outbox.data || jsonb_build_object(
            'scholarship_id', outbox.scholarship_id, 'version', outbox.version)
    FROM outbox
    JOIN webhooks AS webhook ON outbox.event = ANY (webhook.events) AND webhook.enabled
        AND webhook.created_at <= outbox.occurred_at
    WHERE outbox.position > :after AND outbox.position <= :until
      AND (webhook.scholarship_ids = '{}'
           OR outbox.scholarship_id = ANY (webhook.scholarship_ids))
      AND (webhook.organizations = '{}' OR EXISTS (
          SELECT FROM scholarships AS award
          WHERE award.id = outbox.scholarship_id
            AND award.organization_folded = ANY (webhook.organizations)))
    ORDER BY outbox.position, webhook.id
    ON CONFLICT (webhook_id, key) DO NOTHING
""")
_DUE_WEBHOOKS: Final = text("""
    SELECT webhook.id, webhook.failures > 0 FROM webhooks AS webhook
    WHERE webhook.enabled
      AND coalesce(webhook.retry_at <= now(), true)
      AND coalesce(webhook.leased_until <= now(), true)
      AND EXISTS (
          SELECT FROM webhook_deliveries AS delivery
          WHERE delivery.webhook_id = webhook.id AND delivery.state = 'pending'
            AND delivery.next_attempt_at <= now())
    ORDER BY webhook.retry_at NULLS FIRST, webhook.id
    LIMIT :limit
""")
_LEASE: Final = text("""
    UPDATE webhooks SET lease_id = :lease_id, leased_until = now() + CAST(:duration AS interval)
    WHERE id = :webhook_id AND enabled
      AND coalesce(retry_at <= now(), true) AND coalesce(leased_until <= now(), true)
    RETURNING url, failures
""")
_RENEW: Final = text("""
    UPDATE webhooks SET leased_until = now() + CAST(:duration AS interval)
    WHERE id = :webhook_id AND lease_id = :lease_id AND enabled
    RETURNING failures
""")
_RELEASE: Final = text("""
    UPDATE webhooks SET lease_id = NULL, leased_until = NULL
    WHERE id = :webhook_id AND lease_id = :lease_id
""")
# The first message of each subject that waits; the next one waits for it.
_HEADS: Final = text("""
    SELECT id, key, event, occurred_at, data, attempts, expires_at <= now() AS expires
    FROM (
        SELECT DISTINCT ON (subject) * FROM webhook_deliveries
        WHERE webhook_id = :webhook_id AND state = 'pending'
        ORDER BY subject, id
    ) AS head
    WHERE next_attempt_at <= now()
    ORDER BY id
    LIMIT :limit
""")


async def fan_out(session: WriteSession, *, after: int, until: int) -> None:
    """Add a delivery for each event of the outbox and each webhook that has chosen it."""
    await session.execute(_FAN_OUT, {"after": after, "until": until})


async def due_webhooks(session: ReadSession, *, limit: int) -> Sequence[tuple[uuid.UUID, bool]]:
    """Webhooks with messages to deliver now, and whether the receiver failed last time."""
    rows = await session.execute(_DUE_WEBHOOKS, {"limit": limit})
    return [(row[0], row[1]) for row in rows]


async def lease(
    session: WriteSession, webhook_id: uuid.UUID, *, lease_id: uuid.UUID, duration: dt.timedelta
) -> tuple[str, int] | None:
    """Address and failures of a webhook that nobody else delivers to from now on."""
    parameters = {"webhook_id": webhook_id, "lease_id": lease_id, "duration": duration}
    row = (await session.execute(_LEASE, parameters)).one_or_none()
    return None if row is None else (row[0], row[1])


async def renew(
    session: WriteSession, webhook_id: uuid.UUID, *, lease_id: uuid.UUID, duration: dt.timedelta
) -> bool:
    """Whether the lease is still ours."""
    parameters = {"webhook_id": webhook_id, "lease_id": lease_id, "duration": duration}
    return (await session.execute(_RENEW, parameters)).one_or_none() is not None


async def release(session: WriteSession, webhook_id: uuid.UUID, *, lease_id: uuid.UUID) -> None:
    await session.execute(_RELEASE, {"webhook_id": webhook_id, "lease_id": lease_id})


async def heads(session: Session, webhook_id: uuid.UUID, *, limit: int) -> Sequence[Any]:
    """The first waiting message of each subject, as far as it is due."""
    parameters = {"webhook_id": webhook_id, "limit": limit}
    return (await session.execute(_HEADS, parameters)).all()


async def record_attempt(
    session: WriteSession,
    delivery_id: int,
    *,
    state: Literal["pending", "delivered", "dead"],
    status: int | None,
    error: str | None,
    retry_in: dt.timedelta,
) -> None:
    await session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id)
        .values(
            state=state,
            attempts=WebhookDelivery.attempts + 1,
            last_attempt_at=func.now(),
            last_status=status,
            last_error=error,
            next_attempt_at=func.now() + retry_in,
        )
    )


async def record_receiver(
    session: WriteSession, webhook_id: uuid.UUID, *, failures: int, retry_in: dt.timedelta | None
) -> None:
    """How often a receiver has failed in a row, and when it is tried again."""
    await session.execute(
        update(Webhook)
        .where(Webhook.id == webhook_id)
        .values(failures=failures, retry_at=None if retry_in is None else func.now() + retry_in)
    )


async def bury_expired(session: WriteSession, webhook_id: uuid.UUID) -> int:
    """Give up the waiting messages of a receiver that has not worked until their end."""
    delivery = WebhookDelivery
    statement = (
        update(delivery)
        .where(
            delivery.webhook_id == webhook_id,
            delivery.state == "pending",
            delivery.expires_at <= func.now(),
        )
        .values(state="dead", last_error=func.coalesce(delivery.last_error, "receiver_failed"))
        .returning(delivery.id)
    )
    return len((await session.scalars(statement)).all())


async def disable(session: WriteSession, webhook_id: uuid.UUID) -> None:
    await session.execute(update(Webhook).where(Webhook.id == webhook_id).values(enabled=False))


async def waiting(session: ReadSession) -> Mapping[str, int]:
    """How many deliveries are pending and dead."""
    delivery = WebhookDelivery
    statement = (
        select(delivery.state, func.count())
        .where(delivery.state.in_(["pending", "dead"]))
        .group_by(delivery.state)
    )
    return {row[0]: row[1] for row in await session.execute(statement)}


async def oldest_pending_seconds(session: ReadSession) -> float:
    """The age of the oldest delivery that is pending; 0 without one."""
    delivery = WebhookDelivery
    age = func.extract("epoch", func.now() - func.min(delivery.created_at))
    statement = select(func.coalesce(age, 0)).where(delivery.state == "pending")
    return float((await session.scalars(statement)).one())


async def purge(session: WriteSession, *, before: dt.datetime, limit: int) -> int:
    """Remove up to `limit` deliveries from before an instant that wait no more."""
    delivery = WebhookDelivery
    old = (
        select(delivery.id)
        .where(delivery.created_at < before, delivery.state != "pending")
        .limit(limit)
    )
    removed = await session.scalars(
        delete(delivery).where(delivery.id.in_(old)).returning(delivery.id)
    )
    return len(removed.all())
