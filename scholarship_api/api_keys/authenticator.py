"""Reads the API key of a request.

The rate limits need the key's id before they count, and the id stands in the database. Known
secrets are therefore kept, and read again after KNOWN_SECONDS. A secret that was never known counts
for the client's address before the database is asked, so that invented secrets cannot ask it
without limit. One that was known does not: neither other clients of the address nor a missing Redis
keep its key from being counted. What is kept grants nothing: TokenCheckMiddleware asks the database
at every request whether the key is valid.
"""

import time
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.roles import Scope as AccessScope
from scholarship_api.accounts.tokens import InvalidToken
from scholarship_api.api_keys import secrets
from scholarship_api.api_keys.keys import ValidKey, find_key
from scholarship_api.api_keys.usage import UsageRecorder
from scholarship_api.errors import Forbidden
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.platform.http.rate_limiting import (
    COUNT_BY_ADDRESS_KEY,
    TIER_KEY,
    RateLimits,
)

KNOWN_SECONDS: Final = 60.0
"""The time until the tier of a key is read again."""

MAX_KNOWN: Final = 4_096
"""Secrets that a worker keeps, in about 2 MB; the least recently used one gives way."""


class KeyRefused(InvalidToken):
    default_message = "The API key is not valid or no longer valid."


class ForeignOrigin(Forbidden):
    default_message = "This key is for pages of other origins."


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A secret that was valid a short while ago."""

    key_id: uuid.UUID
    digest: bytes

    @property
    def account_id(self) -> uuid.UUID:
        return self.key_id

    async def account(self, session: ReadSession, scope: Scope) -> AuthenticatedAccount:
        key = await find_key(session, self.digest)
        if key is None:
            raise KeyRefused
        if key.origins and _origin_of(scope) not in key.origins:
            raise ForeignOrigin
        return AuthenticatedAccount(
            id=key.id,
            username=key.username,
            email=None,
            role=Role.SERVICE,
            organization=key.organization,
            created_at=key.created_at,
            granted=frozenset(AccessScope(scope) for scope in key.scopes),
        )


class KeyAuthenticator:
    """Finds the keys of secrets and counts their requests; one per process."""

    def __init__(self, database: Database, limits: RateLimits, usage: UsageRecorder) -> None:
        self._database = database
        self._limits = limits
        self._usage = usage
        self._known: OrderedDict[bytes, tuple[ValidKey, float]] = OrderedDict()

    def accepts(self, token: str) -> bool:
        return secrets.looks_like_secret(token)

    async def authenticate(self, token: str, scope: Scope) -> KeyCredential:
        """Raises KeyRefused, and RateLimited for an address that has sent too many unknown ones."""
        if not secrets.is_secret(token):
            raise KeyRefused
        digest = secrets.digest(token)
        key = await self._find(digest, scope)
        scope[TIER_KEY] = key.tier
        # A page's key is in the hands of all its visitors, so each of them counts alone.
        scope[COUNT_BY_ADDRESS_KEY] = key.kind == "publishable"
        self._usage.record(key.id, route_group=self._limits.group_of(scope["path"]))
        return KeyCredential(key.id, digest)

    async def _find(self, digest: bytes, scope: Scope) -> ValidKey:
        known = self._known.get(digest)
        if known is not None and known[1] >= time.monotonic():
            self._known.move_to_end(digest)
            return known[0]
        if known is None:
            await self._limits.count_for_address(scope)
        async with self._database.read_session() as session:
            key = await find_key(session, digest)
        if key is None:
            self._known.pop(digest, None)
            raise KeyRefused
        self._keep(digest, key)
        return key

    def _keep(self, digest: bytes, key: ValidKey) -> None:
        self._known[digest] = (key, time.monotonic() + KNOWN_SECONDS)
        self._known.move_to_end(digest)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)


def _origin_of(scope: Scope) -> str | None:
    sent = [value for name, value in scope["headers"] if name == b"origin"]
    return sent[0].decode("latin-1").lower() if len(sent) == 1 else None
