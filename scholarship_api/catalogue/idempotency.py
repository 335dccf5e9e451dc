"""Idempotency-Key on POST: repetitions of a request get the answer of the first one.

It follows draft-ietf-httpapi-idempotency-key-header-07. The key is claimed in the transaction that
does the work: a repetition in the meantime waits until it ends, and a first attempt that fails
leaves no key behind, so that the client can try again.
"""

import datetime as dt
import hashlib
import uuid
from typing import Annotated, Final, NamedTuple

import psycopg
import sqlalchemy.exc
from fastapi import Header, Response
from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from scholarship_api.catalogue.models import IdempotencyKey
from scholarship_api.catalogue.write_schemas import WrittenScholarship
from scholarship_api.errors import Conflict, ValidationFailed
from scholarship_api.platform.database.sessions import WriteSession

KEY_LIFETIME: Final = dt.timedelta(hours=24)
MAX_PURGED_KEYS: Final = 100
"""Expired keys that one new key removes: few, because its request waits for that."""

REPLAYED_HEADER: Final = "Idempotency-Replayed"
_STORED_HEADERS: Final = ("location", "content-location", "etag")

KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[!-~]+$",
        description=(
            "Makes repetitions safe: for 24 hours, the same key and award get the same answer"
            " again, and nothing is created twice."
        ),
    ),
]


class Key(NamedTuple):
    """A key that a client has chosen; each account has keys of its own."""

    account_id: uuid.UUID
    key: str

    @property
    def row(self) -> ColumnElement[bool]:
        return and_(IdempotencyKey.account_id == self.account_id, IdempotencyKey.key == self.key)


def fingerprint(award: WrittenScholarship) -> bytes:
    """A digest that is the same for equal awards, whatever the order of their keys."""
    return hashlib.sha256(award.model_dump_json(exclude_unset=True).encode()).digest()


async def claim(session: WriteSession, key: Key, fingerprint: bytes) -> Response | None:
    """Return the answer that is stored under the key.

    None means that the key is new: the caller has to `store` an answer. Raises ValidationFailed
    when the key was used for another request, and Conflict when its first request takes longer
    than the database's lock_timeout.
    """
    claiming = insert(IdempotencyKey).values(**key._asdict(), fingerprint=fingerprint)
    expired = IdempotencyKey.created_at < func.now() - KEY_LIFETIME
    try:
        claimed = await session.scalar(
            claiming.on_conflict_do_update(
                index_elements=[IdempotencyKey.account_id, IdempotencyKey.key],
                set_={
                    "fingerprint": claiming.excluded.fingerprint,
                    "created_at": claiming.excluded.created_at,
                },
                where=expired,
            ).returning(IdempotencyKey.key)
        )
    except sqlalchemy.exc.OperationalError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise Conflict(
                "The first request with this Idempotency-Key is still running."
            ) from None
        raise
    if claimed is not None:
        await _purge(session)
        return None
    stored = (
        await session.execute(
            select(
                IdempotencyKey.fingerprint,
                IdempotencyKey.status,
                IdempotencyKey.headers,
                IdempotencyKey.body,
            ).where(key.row)
        )
    ).one()
    if stored.fingerprint != fingerprint:
        raise ValidationFailed.of(
            "Idempotency-Key", "was used for another request; choose a new key"
        )
    return Response(
        stored.body,
        status_code=stored.status,
        headers={**stored.headers, REPLAYED_HEADER: "true"},
        media_type="application/json",
    )


async def store(session: WriteSession, key: Key, answer: Response) -> None:
    """Store the answer for repetitions of the request."""
    await session.execute(
        update(IdempotencyKey)
        .where(key.row)
        .values(
            status=answer.status_code,
            headers={name: answer.headers[name] for name in _STORED_HEADERS},
            body=bytes(answer.body),
        )
    )


async def _purge(session: WriteSession) -> None:
    """Remove a few expired keys, without waiting for locked ones."""
    identity = tuple_(IdempotencyKey.account_id, IdempotencyKey.key)
    expired = (
        select(IdempotencyKey.account_id, IdempotencyKey.key)
        .where(IdempotencyKey.created_at < func.now() - KEY_LIFETIME)
        .order_by(IdempotencyKey.created_at)
        .limit(MAX_PURGED_KEYS)
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        delete(IdempotencyKey).where(identity.in_(expired)),
        execution_options={"synchronize_session": False},
    )
