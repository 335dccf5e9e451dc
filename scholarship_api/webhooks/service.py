"""Webhooks: who gets which events, and what has become of the messages."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import structlog

from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.roles import Role
from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.preconditions import Precondition
from scholarship_api.errors import Conflict, NotFound, PreconditionFailed, ValidationFailed
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.subjects.models import Subject
from scholarship_api.subjects.owners import client_name
from scholarship_api.webhooks import queries, schemas, signatures
from scholarship_api.webhooks.cursors import CursorCodec
from scholarship_api.webhooks.models import Webhook

_HTTPS: Final = "https://"

_log = structlog.stdlib.get_logger(__name__)


class SubjectMessage(NamedTuple):
    subject_id: uuid.UUID
    key: str
    event: str
    data: Mapping[str, Any]


def owner_of(account: AuthenticatedAccount) -> uuid.UUID | None:
    """Whose webhooks an account may see: None, all, for an administrator."""
    return None if account.role is Role.ADMIN else account.id


async def create(
    session: WriteSession,
    *,
    account: AuthenticatedAccount,
    new: schemas.NewWebhook,
    allow_private: bool,
    source: ChangeSource,
) -> schemas.WebhookWithSecret:
    """Raises ValidationFailed for an address without TLS, and Conflict at MAX_WEBHOOKS."""
    _require_tls(new.url, allow_private=allow_private)
    if await queries.count(session, owner_id=account.id) >= schemas.MAX_WEBHOOKS:
        raise Conflict(f"There are {schemas.MAX_WEBHOOKS} webhooks; delete one first.")
    values = {"id": uuid.uuid4(), "owner_id": account.id, **new.model_dump(mode="json")}
    webhook = await queries.add(session, values)
    secret = signatures.new_secret()
    await queries.add_secret(session, webhook.id, secret)
    await audit.record(
        session, "webhook.created", source=source, target_id=webhook.id, events=webhook.events
    )
    _log.info("webhook.created", webhook_id=str(webhook.id))
    return _with_secret(webhook, secret)


async def list_all(session: ReadSession, *, owner_id: uuid.UUID | None) -> schemas.WebhookList:
    found = await queries.webhooks(session, owner_id=owner_id)
    return schemas.WebhookList(items=[schemas.Webhook.model_validate(each) for each in found])


async def get(
    session: ReadSession | WriteSession,
    webhook_id: uuid.UUID,
    *,
    owner_id: uuid.UUID | None,
    lock: bool = False,
) -> Webhook:
    """Raises NotFound."""
    webhook = await queries.webhook(session, webhook_id, owner_id=owner_id, lock=lock)
    if webhook is None:
        raise NotFound("There is no webhook with this id.")
    return webhook


async def change(
    session: WriteSession,
    webhook_id: uuid.UUID,
    *,
    owner_id: uuid.UUID | None,
    patch: schemas.WebhookPatch,
    precondition: Precondition,
    allow_private: bool,
    source: ChangeSource,
) -> Webhook:
    """Raises NotFound, PreconditionFailed and ValidationFailed."""
    webhook = await get(session, webhook_id, owner_id=owner_id, lock=True)
    if not precondition.allows(webhook.version):
        raise PreconditionFailed
    values: dict[str, Any] = {
        name: value
        for name, value in patch.model_dump(mode="json", exclude_unset=True).items()
        if value != getattr(webhook, name)
    }
    if not values:
        return webhook
    if "url" in values:
        _require_tls(patch.url, allow_private=allow_private)
    if values.keys() & {"url", "enabled"}:
        values |= {"failures": 0, "retry_at": None}
    changed = await queries.change(session, webhook_id, values)
    await audit.record(
        session, "webhook.updated", source=source, target_id=webhook_id, fields=sorted(values)
    )
    return changed


async def remove(
    session: WriteSession,
    webhook_id: uuid.UUID,
    *,
    owner_id: uuid.UUID | None,
    precondition: Precondition,
    source: ChangeSource,
) -> None:
    """End a webhook with its messages. Raises NotFound and PreconditionFailed."""
    webhook = await get(session, webhook_id, owner_id=owner_id, lock=True)
    if not precondition.allows(webhook.version):
        raise PreconditionFailed
    await queries.remove(session, webhook_id)
    await audit.record(session, "webhook.deleted", source=source, target_id=webhook_id)


async def rotate(
    session: WriteSession,
    webhook_id: uuid.UUID,
    *,
    owner_id: uuid.UUID | None,
    overlap_hours: int,
    source: ChangeSource,
) -> schemas.WebhookWithSecret:
    """The webhook with a new secret; the former one signs too for `overlap_hours`.

    Raises NotFound, and Conflict while two secrets are valid.
    """
    webhook = await get(session, webhook_id, owner_id=owner_id, lock=True)
    if overlap_hours and len(await queries.valid_secrets(session, webhook_id)) > 1:
        raise Conflict(
            "Two secrets of this webhook are valid; wait for the end of the first, or rotate with"
            " overlap_hours 0, which ends both."
        )
    end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=overlap_hours)
    if not overlap_hours:
        await queries.drop_secrets(session, webhook_id)
    await queries.end_secrets(session, webhook_id, at=end)
    secret = signatures.new_secret()
    await queries.add_secret(session, webhook_id, secret)
    await audit.record(
        session, "webhook.rotated", source=source, target_id=webhook_id, overlap_hours=overlap_hours
    )
    return _with_secret(webhook, secret)


async def test(
    session: WriteSession, webhook_id: uuid.UUID, *, owner_id: uuid.UUID | None
) -> schemas.Delivery:
    """Queue a message of the event `webhook.test`. Raises NotFound, Conflict when disabled."""
    webhook = await get(session, webhook_id, owner_id=owner_id)
    if not webhook.enabled:
        raise Conflict("This webhook is disabled; enable it first.")
    delivery = await queries.add_delivery(
        session,
        {
            "webhook_id": webhook_id,
            "key": f"test_{uuid.uuid4().hex}",
            "event": schemas.TEST_EVENT,
            "subject": str(webhook_id),
            "occurred_at": dt.datetime.now(dt.UTC),
            "data": {"webhook_id": str(webhook_id)},
        },
    )
    return schemas.Delivery.model_validate(delivery)


async def deliveries(
    session: ReadSession,
    codec: CursorCodec,
    webhook_id: uuid.UUID,
    *,
    owner_id: uuid.UUID | None,
    query: schemas.DeliveriesRequest,
) -> schemas.Deliveries:
    """The messages of a webhook, newest first. Raises NotFound and ValidationFailed."""
    await get(session, webhook_id, owner_id=owner_id)
    below = None if query.cursor is None else codec.decode(query.cursor)
    found = await queries.deliveries(
        session, webhook_id=webhook_id, state=query.state, below=below, limit=query.limit + 1
    )
    shown = found[: query.limit]
    return schemas.Deliveries(
        items=[schemas.Delivery.model_validate(each) for each in shown],
        next_cursor=codec.encode(shown[-1].id) if len(found) > len(shown) else None,
    )


async def redeliver(
    session: WriteSession,
    webhook_id: uuid.UUID,
    delivery_id: int,
    *,
    owner_id: uuid.UUID | None,
) -> schemas.Delivery:
    """Deliver a message again, with the same key, for 24 hours. Raises NotFound."""
    await get(session, webhook_id, owner_id=owner_id)
    found = await queries.resend(session, delivery_id, webhook_id=webhook_id)
    if found is None:
        raise NotFound("This webhook has no delivery with this id.")
    return schemas.Delivery.model_validate(found)


async def list_deliveries(
    session: WriteSession, *, webhook_id: uuid.UUID | None, state: str | None, limit: int
) -> list[tuple[uuid.UUID, schemas.Delivery]]:
    """Messages, newest first, each with its webhook; of all webhooks with None."""
    found = await queries.deliveries(
        session, webhook_id=webhook_id, state=state, below=None, limit=limit
    )
    return [(each.webhook_id, schemas.Delivery.model_validate(each)) for each in found]


async def resend_dead(session: WriteSession, webhook_id: uuid.UUID) -> int:
    """Deliver all dead messages of a webhook again. Raises NotFound."""
    await get(session, webhook_id, owner_id=None)
    return await queries.resend_dead(session, webhook_id=webhook_id)


async def add_subject_messages(session: WriteSession, messages: Sequence[SubjectMessage]) -> None:
    """Add messages about subjects to the webhooks that have chosen the event and may see them.

    These are the webhooks of administrators for accounts, and those of the client for its subjects.
    """
    subjects = {
        subject.id: subject
        for subject in await queries.subjects(session, {each.subject_id for each in messages})
    }
    receivers: dict[tuple[str, str | None], list[uuid.UUID]] = {}
    for chosen in await queries.choosing(session, [event.value for event in schemas.SubjectEvent]):
        client = (
            None
            if chosen.role == Role.ADMIN
            else client_name(chosen.owner_id, organization=chosen.organization)
        )
        for event in chosen.events:
            receivers.setdefault((event, client), []).append(chosen.id)
    now = dt.datetime.now(dt.UTC)
    rows = [
        {
            "webhook_id": webhook_id,
            "subject_id": message.subject_id,
            "key": message.key,
            "event": message.event,
            "subject": f"subject:{message.subject_id}",
            "occurred_at": now,
            "data": {**_named(subject), **message.data},
        }
        for message in messages
        if (subject := subjects.get(message.subject_id)) is not None
        for webhook_id in receivers.get((message.event, subject.client), [])
    ]
    if rows:
        await queries.add_deliveries(session, rows)


def _named(subject: Subject) -> dict[str, str]:
    """How the receiver knows the subject."""
    if subject.external_id is not None:
        return {"external_id": subject.external_id}
    return {"account_id": str(subject.account_id)}


def _require_tls(url: str, *, allow_private: bool) -> None:
    if not allow_private and not url.lower().startswith(_HTTPS):
        raise ValidationFailed.of("url", "must start with https://")


def _with_secret(webhook: Webhook, secret: str) -> schemas.WebhookWithSecret:
    summary = schemas.Webhook.model_validate(webhook)
    return schemas.WebhookWithSecret(**summary.model_dump(), secret=secret)
