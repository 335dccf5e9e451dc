"""Delivers the messages of webhooks: in order per subject, and again until they have arrived.

One run at a time delivers to a receiver. It has a lease, which it renews with each batch: when the
process dies, another run takes over once the lease has ended. A message whose answer was not
recorded is then sent again, with the same key.
"""

import asyncio
import contextlib
import datetime as dt
import json
import random
import time
import uuid
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy.exc
import structlog

from scholarship_api.changes import consumers
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.webhooks import metrics, queries, signatures
from scholarship_api.webhooks.sending import Outcome, Result, Sender

CONSUMER: Final = "webhooks"

FAN_OUT_EVENTS: Final = 500
"""Events of the outbox that become messages in one transaction."""

LEASE: Final = dt.timedelta(seconds=30)
"""Longer than a batch takes: 5 s for its messages, 16 s for two transactions at their deadlines."""

RUN_SECONDS: Final = 20.0
"""After this a run ends and the next one starts, so that other receivers get their turn."""

PARALLEL_MESSAGES: Final = 8
"""Messages, each of another subject, that a receiver gets at the same time."""

BACKOFF_SECONDS: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400)
"""The pauses after the first, second ... failure; the last one repeats. 24 h hold 12 attempts."""

JITTER: Final = 0.1
"""The share by which a pause varies, so that receivers that failed together are not tried so."""

RETENTION: Final = dt.timedelta(days=30)
PURGE_ROWS: Final = 2_000

_log = structlog.stdlib.get_logger(__name__)


class DueWebhook(NamedTuple):
    id: uuid.UUID
    is_failing: bool


class _Attempt(NamedTuple):
    message: Any
    result: Result


async def fan_out(database: Database) -> bool:
    """Make messages of the next events. Returns whether there were any."""
    async with database.write_session() as session:
        span = await consumers.take(session, consumer=CONSUMER, limit=FAN_OUT_EVENTS)
        if span is None:
            return False
        await queries.fan_out(session, after=span.after, until=span.until)
        return True


async def due_webhooks(database: Database, *, limit: int) -> list[DueWebhook]:
    """Webhooks that have something to deliver now."""
    async with database.read_session() as session:
        return [DueWebhook(*row) for row in await queries.due_webhooks(session, limit=limit)]


async def measure_waiting(database: Database) -> float:
    """Set the metrics of waiting messages. Returns the age of the oldest one in seconds."""
    async with database.read_session() as session:
        found = await queries.waiting(session)
        oldest = await queries.oldest_pending_seconds(session)
    for state in ("pending", "dead"):
        metrics.set_messages(state, found.get(state, 0))
    return oldest


async def purge(database: Database) -> None:
    """Remove messages that were delivered or given up 30 days ago."""
    oldest = dt.datetime.now(dt.UTC) - RETENTION
    while True:
        async with database.write_session() as session:
            removed = await queries.purge(session, before=oldest, limit=PURGE_ROWS)
        if removed < PURGE_ROWS:
            return


class Deliverer:
    """Delivers to one receiver at a time per call of `run`; calls may overlap."""

    def __init__(
        self, database: Database, sender: Sender, *, is_stopping: Callable[[], bool]
    ) -> None:
        self._database = database
        self._sender = sender
        self._is_stopping = is_stopping

    async def run(self, webhook_id: uuid.UUID) -> None:
        """Deliver what is due to a webhook, unless another run does so."""
        lease_id = uuid.uuid4()
        async with self._database.write_session() as session:
            leased = await queries.lease(session, webhook_id, lease_id=lease_id, duration=LEASE)
        if leased is None:
            return
        url, failures = leased
        ends_at = time.monotonic() + RUN_SECONDS
        try:
            goes_on = True
            while goes_on and not self._is_stopping() and time.monotonic() < ends_at:
                goes_on = await self._deliver_batch(
                    webhook_id, lease_id=lease_id, url=url, failures=failures
                )
                failures = 0
        finally:
            # Without a database the lease ends by itself.
            with contextlib.suppress(DatabaseUnavailable, sqlalchemy.exc.SQLAlchemyError):
                async with self._database.write_session() as session:
                    await queries.release(session, webhook_id, lease_id=lease_id)

    async def _deliver_batch(
        self, webhook_id: uuid.UUID, *, lease_id: uuid.UUID, url: str, failures: int
    ) -> bool:
        """Send some messages. Returns whether to go on."""
        async with self._database.write_session() as session:
            if not await queries.renew(session, webhook_id, lease_id=lease_id, duration=LEASE):
                return False
            # A receiver that has failed is tried with one message.
            limit = 1 if failures else PARALLEL_MESSAGES
            messages = await queries.heads(session, webhook_id, limit=limit)
            secrets = await queries.valid_secrets(session, webhook_id)
        if not messages:
            return False
        results = await asyncio.gather(*(self._send(url, each, secrets) for each in messages))
        attempts = [_Attempt(*pair) for pair in zip(messages, results, strict=True)]
        return await self._record(webhook_id, attempts, failures=failures)

    async def _send(self, url: str, message: Any, secrets: Any) -> Result:  # noqa: ANN401 - rows
        body = json.dumps(
            {
                "type": message.event,
                "timestamp": message.occurred_at.astimezone(dt.UTC).isoformat(),
                "data": message.data,
            },
            separators=(",", ":"),
            ensure_ascii=False,
        ).encode()
        headers = signatures.signed_headers(
            message_id=message.key, timestamp=int(time.time()), body=body, secrets=secrets
        )
        started = time.monotonic()
        result = await self._sender.send(url, body=body, headers=headers)
        metrics.observe_attempt(result.outcome, time.monotonic() - started)
        return result

    async def _record(
        self, webhook_id: uuid.UUID, attempts: list[_Attempt], *, failures: int
    ) -> bool:
        """Record the results. Returns whether the receiver can take further messages now."""
        outcomes = {attempt.result.outcome for attempt in attempts}
        fails = Outcome.UNREACHABLE in outcomes
        buried = 0
        async with self._database.write_session() as session:
            for message, result in attempts:
                await queries.record_attempt(
                    session,
                    message.id,
                    state=_state_after(result, expires=message.expires),
                    status=result.status,
                    error=result.error,
                    retry_in=_pause(message.attempts),
                )
            if Outcome.GONE in outcomes:
                await queries.disable(session, webhook_id)
            if fails:
                await queries.record_receiver(
                    session, webhook_id, failures=failures + 1, retry_in=_pause(failures)
                )
                buried = await queries.bury_expired(session, webhook_id)
            elif failures:
                await queries.record_receiver(session, webhook_id, failures=0, retry_in=None)
        dead = buried + sum(
            _state_after(result, expires=message.expires) == "dead" for message, result in attempts
        )
        if dead:
            _log.warning("webhook.messages_dead", webhook_id=str(webhook_id), messages=dead)
        if fails or Outcome.GONE in outcomes:
            reasons = [attempt.result.error for attempt in attempts if attempt.result.error]
            _log.info(
                "webhook.receiver_failed",
                webhook_id=str(webhook_id),
                failures=failures + 1,
                reason=reasons[0],
            )
            return False
        return True


def _state_after(result: Result, *, expires: bool) -> Literal["pending", "delivered", "dead"]:
    if result.outcome is Outcome.DELIVERED:
        return "delivered"
    if expires or result.outcome is Outcome.GONE:
        return "dead"
    return "pending"


def _pause(failures_before: int) -> dt.timedelta:
    seconds = BACKOFF_SECONDS[min(failures_before, len(BACKOFF_SECONDS) - 1)]
    return dt.timedelta(seconds=seconds * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311
