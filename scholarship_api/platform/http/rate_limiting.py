"""Rate limits by route group and client, on successful answers and refusals alike.

A route of a group waits for its decision, and fails closed. All other paths, unknown ones included,
count towards the ceiling only. They are let through when the decision takes longer than
CEILING_DECISION_SECONDS or cannot be had, so that a slow backend slows nothing that has no limit of
its own. OPTIONS is free, and probes and /metrics are answered before this middleware.
"""

import asyncio
import functools
from collections.abc import Awaitable, Iterable
from typing import Final

from limits import RateLimitItem
from slowapi.wrappers import Limit
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.errors import send_error
from scholarship_api.platform.http.client_address import ClientIdentity, identify
from scholarship_api.platform.http.request_context import ACCOUNT_ID_KEY
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.rate_limiting.buckets import Bucket
from scholarship_api.platform.rate_limiting.groups import CEILING, RateLimitGroups
from scholarship_api.platform.rate_limiting.limiter import (
    Decision,
    RateLimiter,
    RateLimiterUnavailable,
)
from scholarship_api.platform.timeouts import SlicedTimeout

CEILING_DECISION_SECONDS: Final = 0.1
"""Seconds that a request outside all groups waits for its decision at most; people hardly notice a
delay of this length."""

SITE_LIMIT_FACTOR: Final = 4
"""A site may send as many anonymous requests as this number of clients."""

CACHED_BUCKETS: Final = 4096
"""Addresses whose buckets are kept. Without them a limited answer from the cache costs a fifth more
Python calls (458 against 367)."""

TIER_KEY: Final = "rate_limit_tier"
"""Scope key of the name of the tier whose limits apply; None or absent: the ordinary limits."""

COUNT_BY_ADDRESS_KEY: Final = "rate_limit_by_address"
"""Scope key: whether the clients of one account count separately, each by its address."""

_DECISION_KEY: Final = "rate_limit_decision"


def client_identity(scope: Scope) -> str:
    """For whom a request counts: the verified account, else the address."""
    account = scope.get(ACCOUNT_ID_KEY)
    if account is not None:
        each = f":{address_identity(scope).client}" if scope.get(COUNT_BY_ADDRESS_KEY) else ""
        return f"account:{account}{each}"
    return address_identity(scope).client


def address_identity(scope: Scope) -> ClientIdentity:
    """The names of the client's address."""
    client = scope.get("client")
    return identify(client[0] if client else "")


def site_bucket(group: str, address: ClientIdentity, limit: RateLimitItem) -> Bucket | None:
    """The bucket of the IPv6 site of an address; None for other addresses.

    `limit` is that of one client.
    """
    if address.site is None:
        return None
    return Bucket(f"{group}_site", address.site, _site_limit(limit))


@functools.cache
def _site_limit(limit: RateLimitItem) -> RateLimitItem:
    return type(limit)(limit.amount * SITE_LIMIT_FACTOR, limit.multiples, limit.namespace)


class RateLimits:
    """One per process: which buckets a request counts in, and what they say."""

    def __init__(self, groups: RateLimitGroups, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self._limits = groups.limits(client_identity)
        self._tier_limits = groups.tier_limits(client_identity)
        self.group_of = groups.group_of
        self._anonymous_buckets = functools.lru_cache(CACHED_BUCKETS)(self._buckets_of_address)
        self._late: set[asyncio.Task[Decision]] = set()

    @property
    def enabled(self) -> bool:
        return self._limiter.enabled

    async def decide(self, scope: Scope) -> Decision | None:
        """Count the request, once, and say whether it passes; None if it passes uncounted.

        Raises RateLimiterUnavailable for a route of a group that cannot be counted.
        """
        if _DECISION_KEY not in scope:
            try:
                scope[_DECISION_KEY] = await self._count(scope)
            except RateLimiterUnavailable as error:
                scope[_DECISION_KEY] = error
        decision: Decision | RateLimiterUnavailable | None = scope[_DECISION_KEY]
        if isinstance(decision, RateLimiterUnavailable):
            raise decision
        return decision

    async def count_for_address(self, scope: Scope) -> None:
        """Count the request for the client's address, beside the account that it has counted for.

        Raises RateLimited, or RateLimiterUnavailable for a route of a group.
        """
        own = (ACCOUNT_ID_KEY, TIER_KEY)
        anonymous = {name: value for name, value in scope.items() if name not in own}
        if self.enabled and (decision := await self._count(anonymous)) and not decision.allowed:
            raise decision.refusal()

    async def count_further(self, scope: Scope, times: int) -> None:
        """Count a request that asks for several things once more for each of the others.

        Raises RateLimited, or RateLimiterUnavailable for a route of a group.
        """
        for _ in range(times if self.enabled else 0):
            decision = await self._count(scope)
            if decision is not None and not decision.allowed:
                raise decision.refusal()

    async def _count(self, scope: Scope) -> Decision | None:
        group = self.group_of(scope["path"])
        try:
            if group is None:
                decision = await self._hastily(self._buckets(scope, CEILING))
            else:
                decision = await self._limiter.hit(*self._buckets(scope, group, CEILING))
        except RateLimiterUnavailable:
            if group is None:
                metrics.count_rate_limit(CEILING, "unchecked")
                return None
            metrics.count_rate_limit(group, "unavailable")
            raise
        metrics.count_rate_limit(group or CEILING, "allowed" if decision.allowed else "refused")
        return decision

    def _buckets(self, scope: Scope, *groups: str) -> tuple[Bucket, ...]:
        if ACCOUNT_ID_KEY not in scope:
            return self._anonymous_buckets(address_identity(scope), scope.get(TIER_KEY), groups)
        limits = [self._limit(group, scope.get(TIER_KEY)) for group in groups]
        return tuple(Bucket(each.scope, each.key_func(scope), each.limit) for each in limits)

    def _buckets_of_address(
        self, address: ClientIdentity, tier: str | None, groups: tuple[str, ...]
    ) -> tuple[Bucket, ...]:
        found: list[Bucket] = []
        for group in groups:
            limit = self._limit(group, tier)
            found.append(Bucket(limit.scope, address.client, limit.limit, address.tag))
            if site := site_bucket(group, address, limit.limit):
                found.append(site)
        return tuple(found)

    def _limit(self, group: str, tier: str | None) -> Limit:
        return self._tier_limits.get(tier or "", {}).get(group, self._limits[group])

    async def _hastily(self, buckets: Iterable[Bucket]) -> Decision:
        task = asyncio.create_task(self._limiter.hit(*buckets), name="rate limit decision")
        self._late.add(task)
        task.add_done_callback(self._forget)
        try:
            return await SlicedTimeout(CEILING_DECISION_SECONDS).wait(task)
        except TimeoutError:  # it is counted all the same, if it can be
            raise RateLimiterUnavailable from None

    def _forget(self, task: asyncio.Task[Decision]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # seen


class RateLimitMiddleware:
    def __init__(self, app: ASGIApp, *, limits: RateLimits) -> None:
        self._app = app
        self._limits = limits

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or scope["method"] == "OPTIONS" or not self._limits.enabled:
            return self._app(scope, receive, send)
        return self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            decision = await self._limits.decide(scope)
        except RateLimiterUnavailable as error:
            await send_error(error, scope, receive, send)
            return
        if decision is None:
            await self._app(scope, receive, send)
        elif decision.allowed:
            await self._app(scope, receive, _with_headers(send, decision, scope.get(TIER_KEY)))
        else:
            await send_error(decision.refusal(), scope, receive, send)


def _with_headers(send: Send, decision: Decision, tier: str | None) -> Send:
    def send_with_headers(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            names = [name for name, _ in headers]
            if tier is not None:
                headers.append((b"x-ratelimit-tier", tier.encode()))
            for name, value in decision.raw_headers:
                if name not in names:  # a route's own limit says more
                    headers.append((name, value))
            message["headers"] = headers
        return send(message)

    return send_with_headers
