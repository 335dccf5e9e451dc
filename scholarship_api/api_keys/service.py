"""The life of an API key, for routes, command line and other features."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Any

import structlog

from scholarship_api.accounts.passwords import NO_PASSWORD
from scholarship_api.accounts.roles import Role, Scope
from scholarship_api.api_keys import cursors, queries, schemas, secrets
from scholarship_api.api_keys.cursors import CursorCodec
from scholarship_api.api_keys.models import ApiKeyUse
from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.errors import Conflict, Forbidden, NotFound, ValidationFailed
from scholarship_api.platform.database.sessions import ReadSession, WriteSession

_log = structlog.stdlib.get_logger(__name__)


async def create(
    session: WriteSession,
    *,
    new: schemas.NewApiKey,
    source: ChangeSource,
    tiers: Collection[str],
    grantable: Collection[Scope] = tuple(Scope),
    confined_to: str | None = None,
) -> schemas.ApiKeyWithSecret:
    """The new key with its secret, which is not stored.

    `grantable` are the scopes of whoever creates the key, and `confined_to` their organization,
    within which tiers are not theirs to give. Raises ValidationFailed for an unknown tier,
    Forbidden for a key with more rights than its creator has, and Conflict when there are MAX_KEYS.
    """
    if new.tier is not None and new.tier not in tiers:
        raise ValidationFailed.of("tier", "is no name of RATE_LIMIT_TIERS")
    if new.tier is not None and confined_to is not None:
        raise Forbidden("A key of an organization cannot give a tier.")
    _require_scopes(new.scopes, grantable)
    organization = new.organization or confined_to
    if confined_to is not None and organization != confined_to:
        raise Forbidden("This account can only create keys of its own organization.")
    if await queries.count_live(session) >= schemas.MAX_KEYS:
        raise Conflict(f"There are {schemas.MAX_KEYS} keys; revoke one that is not used any more.")
    key_id = uuid.uuid4()
    await queries.add(
        session,
        account={
            "id": key_id,
            "username": f"key-{key_id.hex}",
            "password_hash": NO_PASSWORD,
            "role": Role.SERVICE,
            "organization": organization,
        },
        key={
            "id": key_id,
            "name": new.name,
            "kind": new.kind,
            "scopes": sorted(set(new.scopes)),
            "tier": new.tier,
            "origins": sorted(set(new.origins)),
            "expires_at": new.expires_at,
        },
    )
    secret = await _add_secret(session, key_id, new.kind)
    await audit.record(
        session,
        "key.created",
        source=source,
        target_id=key_id,
        kind=new.kind,
        scopes=sorted(set(new.scopes)),
        tier=new.tier,
    )
    _log.info("api_key.created", account_id=str(key_id), kind=new.kind)
    return await _with_secret(session, key_id, secret)


async def list_all(session: ReadSession) -> list[schemas.ApiKeySummary]:
    """All keys by name, revoked ones included."""
    return await _summaries(session, await queries.keys(session))


async def list_page(
    session: ReadSession,
    *,
    request: schemas.KeysRequest,
    codec: CursorCodec,
    confined_to: str | None = None,
) -> schemas.ApiKeyList:
    """Keys by name, with `confined_to` those of one organization.

    Raises ValidationFailed for an invalid cursor.
    """
    position = codec.decode(cursors.KEYS, request.cursor)
    after = None if position is None else (position[0], uuid.UUID(position[1]))
    rows = await queries.keys(
        session,
        organization=confined_to,
        revoked=request.revoked,
        after=after,
        limit=request.limit + 1,
    )
    shown = rows[: request.limit]
    next_cursor = None
    if len(rows) > len(shown):
        next_cursor = codec.encode(cursors.KEYS, shown[-1].name, str(shown[-1].id))
    return schemas.ApiKeyList(items=await _summaries(session, shown), next_cursor=next_cursor)


async def get(
    session: ReadSession | WriteSession, key_id: uuid.UUID, *, confined_to: str | None = None
) -> schemas.ApiKeySummary:
    """Raises NotFound."""
    rows = await queries.keys(session, key_id=key_id, organization=confined_to)
    if not rows:
        raise NotFound("There is no API key with this id.")
    [summary] = await _summaries(session, rows)
    return summary


async def rotate(
    session: WriteSession,
    key_id: uuid.UUID,
    *,
    overlap_hours: int,
    source: ChangeSource,
    grantable: Collection[Scope] = tuple(Scope),
    confined_to: str | None = None,
) -> schemas.ApiKeyWithSecret:
    """The key with a new secret; the former one ends after `overlap_hours`.

    Raises NotFound, Forbidden for a key with more scopes than `grantable`, whose secret would grant
    them, and Conflict for a revoked key or while two secrets are valid.
    """
    key = await get(session, key_id, confined_to=confined_to)
    _require_scopes(key.scopes, grantable)
    await queries.lock(session, key_id)
    if key.revoked_at is not None:
        raise Conflict("This key is revoked; create a new one.")
    if overlap_hours and len(await queries.secrets_of(session, [key_id])) > 1:
        raise Conflict(
            "Two secrets of this key are valid; wait for the end of the first, or rotate with"
            " overlap_hours 0, which ends both."
        )
    end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=overlap_hours)
    await queries.end_secrets(session, key_id, at=end)
    secret = await _add_secret(session, key_id, key.kind)
    await audit.record(
        session, "key.rotated", source=source, target_id=key_id, overlap_hours=overlap_hours
    )
    _log.info("api_key.rotated", account_id=str(key_id))
    return await _with_secret(session, key_id, secret)


async def revoke(
    session: WriteSession,
    key_id: uuid.UUID,
    *,
    source: ChangeSource,
    confined_to: str | None = None,
) -> None:
    """End a key for good; a second time changes nothing. Raises NotFound."""
    key = await get(session, key_id, confined_to=confined_to)
    if key.revoked_at is None:
        await queries.revoke(session, key_id)
        await audit.record(session, "key.revoked", source=source, target_id=key_id)
        _log.info("api_key.revoked", account_id=str(key_id))


async def usage(
    session: ReadSession,
    *,
    request: schemas.UsageRequest,
    codec: CursorCodec,
    key_id: uuid.UUID | None,
    confined_to: str | None = None,
) -> schemas.Usage:
    """Counted requests of the last days, today included; of all keys without `key_id`.

    Raises ValidationFailed for an invalid cursor.
    """
    position = codec.decode(cursors.USAGE, request.cursor)
    after = None
    if position is not None:
        day, last_id, group = position
        after = dt.date.fromisoformat(day), uuid.UUID(last_id), group
    rows = await queries.uses(
        session,
        since=_first_of(request.days),
        key_id=key_id,
        organization=confined_to,
        after=after,
        limit=request.limit + 1,
    )
    shown = _usage_rows(rows[: request.limit])
    next_cursor = None
    if len(rows) > len(shown):
        last = shown[-1]
        next_cursor = codec.encode(
            cursors.USAGE, last.day.isoformat(), str(last.key_id), last.route_group
        )
    return schemas.Usage(items=shown, next_cursor=next_cursor)


async def all_usage(
    session: ReadSession, *, days: int, key_id: uuid.UUID | None
) -> list[schemas.UsageRow]:
    """As `usage`, in one piece."""
    rows = await queries.uses(session, since=_first_of(days), key_id=key_id, organization=None)
    return _usage_rows(rows)


def _first_of(days: int) -> dt.date:
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days - 1)


def _usage_rows(rows: Sequence[ApiKeyUse]) -> list[schemas.UsageRow]:
    return [schemas.UsageRow.model_validate(row) for row in rows]


def _require_scopes(scopes: Collection[Scope], grantable: Collection[Scope]) -> None:
    if not set(scopes) <= set(grantable):
        raise Forbidden("A key can only have scopes that its creator has.")


async def _add_secret(session: WriteSession, key_id: uuid.UUID, kind: str) -> str:
    secret = secrets.new_secret(kind)
    await queries.add_secret(
        session,
        {"digest": secrets.digest(secret), "key_id": key_id, "hint": secrets.hint(secret)},
    )
    return secret


async def _with_secret(
    session: WriteSession, key_id: uuid.UUID, secret: str
) -> schemas.ApiKeyWithSecret:
    summary = await get(session, key_id)
    return schemas.ApiKeyWithSecret(**summary.model_dump(), secret=secret)


async def _summaries(
    session: ReadSession | WriteSession, rows: Sequence[Any]
) -> list[schemas.ApiKeySummary]:
    valid: dict[uuid.UUID, list[schemas.SecretSummary]] = {row.id: [] for row in rows}
    for secret in await queries.secrets_of(session, valid):
        valid[secret.key_id].append(schemas.SecretSummary.model_validate(secret))
    return [
        schemas.ApiKeySummary(
            id=row.id,
            name=row.name,
            kind=row.kind,
            scopes=[Scope(scope) for scope in row.scopes],
            organization=row.organization,
            tier=row.tier,
            origins=row.origins,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
            created_at=row.created_at,
            last_used_on=row.last_used_on,
            secrets=valid[row.id] if row.revoked_at is None else [],
        )
        for row in rows
    ]
