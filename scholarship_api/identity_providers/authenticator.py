"""Reads the tokens of identity providers: this service is a resource server for each of them.

The account of a person is looked up once and kept for KNOWN_SECONDS. That says for whom a request
counts and grants nothing: TokenCheckMiddleware asks the database at every request.
"""

import asyncio
import functools
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

from scholarship_api.accounts import identities
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.accounts.identities import Identity, KnownAccount
from scholarship_api.accounts.tokens import InvalidToken
from scholarship_api.catalogue.audit import source_of_request
from scholarship_api.identity_providers.keys import ProviderKeys, provider_client
from scholarship_api.identity_providers.tokens import TokenVerifier, claimed_issuer
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import ReadSession
from scholarship_api.platform.http.rate_limiting import RateLimits
from scholarship_api.settings.identity_providers import IdentityProvider

KNOWN_SECONDS: Final = 60.0
MAX_KNOWN: Final = 4_096
"""Accounts that a worker keeps, in about 2 MB; the least recently used one gives way."""


@dataclass(frozen=True, slots=True)
class ProviderCredential:
    """The verified token of an identity provider."""

    identity: Identity
    account_id: uuid.UUID
    known: "KnownAccounts"

    async def account(self, session: ReadSession, _: Scope) -> AuthenticatedAccount:
        try:
            return await identities.current_account(session, self.identity)
        except InvalidToken:
            self.known.forget(self.identity)
            raise


class KnownAccounts:
    """The accounts that were looked up a short while ago."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[bytes, tuple[KnownAccount, float]] = OrderedDict()

    def find(self, identity: Identity) -> KnownAccount | None:
        """The account, unless the token says something new about it."""
        found = self._accounts.get(identity.digest)
        if found is None or found[1] < time.monotonic() or found[0].is_outdated_by(identity):
            return None
        self._accounts.move_to_end(identity.digest)
        return found[0]

    def keep(self, identity: Identity, account: KnownAccount) -> None:
        self._accounts[identity.digest] = (account, time.monotonic() + KNOWN_SECONDS)
        self._accounts.move_to_end(identity.digest)
        if len(self._accounts) > MAX_KNOWN:
            self._accounts.popitem(last=False)

    def forget(self, identity: Identity) -> None:
        self._accounts.pop(identity.digest, None)


class ProviderAuthenticator:
    """Finds the accounts of providers' tokens; one per process."""

    def __init__(
        self,
        issuers: Mapping[str, IdentityProvider],
        *,
        database: Database,
        limits: RateLimits,
    ) -> None:
        self._database = database
        self._limits = limits
        self._known = KnownAccounts()
        self._client = provider_client() if issuers else None
        self._keys = (
            [] if self._client is None else [ProviderKeys(i, self._client) for i in issuers]
        )
        self._verifiers = {
            keys.issuer: TokenVerifier(keys.issuer, issuers[keys.issuer], keys)
            for keys in self._keys
        }

    def accepts(self, token: str) -> bool:
        return bool(self._verifiers) and claimed_issuer(token) in self._verifiers

    async def authenticate(self, token: str, scope: Scope) -> ProviderCredential:
        """Raises InvalidToken; RateLimited for an address that sent too many unknown keys; and
        ProviderUnavailable."""
        verifier = self._verifiers[claimed_issuer(token) or ""]
        identity = await verifier.verify(
            token, before_waiting=functools.partial(self._limits.count_for_address, scope)
        )
        account = self._known.find(identity)
        if account is None:
            source = source_of_request(scope, None)
            account = await identities.recognise(self._database, identity, source)
            self._known.keep(identity, account)
        return ProviderCredential(identity, account.id, self._known)

    async def run(self) -> None:
        """Keep the keys of all providers fresh, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for keys in self._keys:
                tasks.create_task(keys.run(), name="keys of an identity provider")

    async def close(self) -> None:
        for keys in self._keys:
            await keys.close()
        if self._client is not None:
            await self._client.aclose()
