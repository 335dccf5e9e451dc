"""Rate limits of logins.

An attempt counts in four buckets once its body has been read, because only the body names the
account:

- per account and address, so that one address can guess few passwords of an account;
- per address, so that one address can try few accounts;
- per IPv6 /48, because its owner can choose among 65 536 addresses that count separately;
- failures per account over all addresses, so that many addresses together guess slowly.

A wrong password from one address thus never keeps the owner of the account from logging in from
another one. Successful logins do not count as failures.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import limits
from starlette.types import Scope

from scholarship_api.accounts.service import LoginRefused
from scholarship_api.platform.http.rate_limiting import address_identity, site_bucket
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.rate_limiting.buckets import Bucket
from scholarship_api.platform.rate_limiting.limiter import RateLimiter, RateLimiterUnavailable
from scholarship_api.settings.settings import Settings

GROUP: Final = "login"

MAX_FAILURES: Final = "60/minute"
"""For each account, over all addresses. Twelve addresses at their own limit reach it: enough for
an office with mistyped passwords, and far too few to search for a password."""


class LoginLimits:
    """Counts the logins of all workers; one per process."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._per_account = limits.parse(settings.rate_limit_login_account)
        self._per_address = limits.parse(settings.rate_limit_login_address)
        self._failures = limits.parse(MAX_FAILURES)

    @asynccontextmanager
    async def attempt(self, *, folded_username: str, scope: Scope) -> AsyncIterator[None]:
        """Count an attempt, during which the block verifies the password.

        The attempt counts as a failure from the start, so that concurrent ones cannot exceed the
        limit. The failure is taken back unless the block raises LoginRefused. Raises RateLimited,
        or RateLimiterUnavailable when the attempt cannot be counted.
        """
        account = hashlib.sha256(folded_username.encode()).hexdigest()
        # The address even for a request with a token, which otherwise counts for its account.
        address = address_identity(scope)
        failure = Bucket("login_failures", account, self._failures)
        buckets = [
            Bucket("login_account", f"{account}:{address.client}", self._per_account, address.tag),
            Bucket("login_address", address.client, self._per_address, address.tag),
            failure,
        ]
        site = site_bucket("login_address", scope, self._per_address)
        await self._count([*buckets, site] if site else buckets)
        try:
            yield
        except LoginRefused:
            raise
        except BaseException:
            await self._limiter.refund(failure)
            raise
        await self._limiter.refund(failure)

    async def _count(self, buckets: list[Bucket]) -> None:
        try:
            decision = await self._limiter.hit(*buckets)
        except RateLimiterUnavailable:
            metrics.count_rate_limit(GROUP, "unavailable")
            raise
        metrics.count_rate_limit(GROUP, "allowed" if decision.allowed else "refused")
        if not decision.allowed:
            raise decision.refusal()
