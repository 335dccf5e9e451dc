"""The key of a secret, as the database has it now."""

import datetime as dt
import uuid
from dataclasses import dataclass

from scholarship_api.api_keys import queries
from scholarship_api.platform.database.sessions import ReadSession


@dataclass(frozen=True, slots=True)
class ValidKey:
    id: uuid.UUID
    username: str
    kind: str
    scopes: tuple[str, ...]
    organization: str | None
    tier: str | None
    origins: frozenset[str]
    created_at: dt.datetime


async def find_key(session: ReadSession, digest: bytes) -> ValidKey | None:
    """The key of a secret; None when either is unknown, expired or revoked."""
    row = await queries.key_of_secret(session, digest)
    if row is None:
        return None
    return ValidKey(
        id=row.id,
        username=row.username,
        kind=row.kind,
        scopes=tuple(row.scopes),
        organization=row.organization,
        tier=row.tier,
        origins=frozenset(row.origins),
        created_at=row.created_at,
    )
