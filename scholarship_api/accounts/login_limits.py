"""Rate limits of logins.

An attempt counts in five buckets once its body has been read, because only the body names the
account:

- per account and address, so that one address can guess few passwords of an account;
- per address, so that one address can try few accounts;
- per IPv6 /48, and per account and /48, because its owner can choose among 65 536 addresses that
  count separately;
- failures per account over all addresses, so that many addresses together guess slowly.

A wrong password from a few addresses, or from one /48, thus never keeps the owner of the account
from logging in from another one. An address from which the account has been logged in to is not
refused for the failures of others, however many addresses they come from. Successful logins do not
count as failures.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

import limits
from starlette.types import Scope

from scholarship_api.accounts.service import LoginRefused
from scholarship_api.platform.http.rate_limiting import address_identity, site_bucket
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.rate_limiting.buckets import Bucket
from scholarship_api.platform.rate_limiting.limiter import (
    Decision,
    RateLimiter,
    RateLimiterUnavailable,
)
from scholarship_api.settings.settings import Settings

GROUP: Final = "login"

MAX_FAILURES: Final = "60/minute"
"""For each account, over all addresses. Twelve addresses at their own limit reach it: enough for
an office with mistyped passwords, and far too few to search for a password."""

KNOWN_ADDRESS: Final = "1/30 days"
"""A bucket that one success fills: as long as it is full, the account knows the address."""


class LoginLimits:
    """Counts the logins of all workers; one per process."""

    def __init__(self, settings: Settings, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._per_account = limits.parse(settings.rate_limit_login_account)
        self._per_address = limits.parse(settings.rate_limit_login_address)
        self._failures = limits.parse(MAX_FAILURES)
        self._known_address = limits.parse(KNOWN_ADDRESS)

    @asynccontextmanager
    async def attempt(self, *, folded_username: str, scope: Scope) -> AsyncIterator[None]:
        """Count an attempt, during which the block verifies the password.

        The attempt counts as a failure from the start, so that concurrent ones cannot exceed the
        limit. The failure is taken back unless the block raises LoginRefused. Raises RateLimited,
        or RateLimiterUnavailable when the attempt cannot be counted.
        """
        account = _digest(folded_username)
        # The address even for a request with a token, which otherwise counts for its account.
        address = address_identity(scope)
        own = [
            Bucket("login_account", f"{account}:{address.client}", self._per_account, address.tag),
            Bucket("login_address", address.client, self._per_address, address.tag),
            *(
                site
                for site in (
                    site_bucket("login_address", address, self._per_address),
                    site_bucket(f"login_account:{account}", address, self._per_account),
                )
                if site is not None
            ),
        ]
        failure = Bucket("login_failures", account, self._failures)
        known = Bucket(
            "login_known",
            _digest(f"{account}:{address.client}"),  # kept for long: without the address itself
            self._known_address,
            address.tag,
        )
        try:
            decision, counted = await self._count(own, failure, known)
        except RateLimiterUnavailable:
            metrics.count_rate_limit(GROUP, "unavailable")
            raise
        metrics.count_rate_limit(GROUP, "allowed" if decision.allowed else "refused")
        if not decision.allowed:
            raise decision.refusal()
        try:
            yield
        except LoginRefused:
            raise
        except BaseException:
            await self._limiter.refund(*counted)
            raise
        await self._limiter.refund(*counted)
        with suppress(RateLimiterUnavailable):
            await self._limiter.hit(known)

    async def _count(
        self, own: Sequence[Bucket], failure: Bucket, known: Bucket
    ) -> tuple[Decision, list[Bucket]]:
        """The decision about an attempt, and the buckets in which it counts as a failure."""
        decision = await self._limiter.hit(*own, failure)
        if decision.allowed:
            return decision, [failure]
        apart = await self._limiter.hit(*own)
        if not apart.allowed:
            return apart, []
        # Only the failures of all addresses together are too many.
        if not (await self._limiter.hit(known)).allowed:
            return apart, []
        await self._limiter.refund(known, *own)
        return decision, []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
