"""The rate limiter: it counts requests, and decides when the backend cannot count them.

The engine is `limits.aio`: slowapi's own check is synchronous, so that a Redis that pauses for 2 s
would stop the whole worker for 2 s.

A request counts in all of its buckets or, when one of them is exhausted, in none: retrying against
one exhausted bucket does not use up another.
"""

import asyncio
import math
import time
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from scholarship_api.errors import RateLimited, ServiceUnavailable
from scholarship_api.platform.observability import metrics, tracing
from scholarship_api.platform.rate_limiting import circuit_breaker
from scholarship_api.platform.rate_limiting.buckets import Bucket, Hit
from scholarship_api.platform.rate_limiting.circuit_breaker import CircuitBreaker, CircuitOpenError
from scholarship_api.platform.rate_limiting.errors import (
    BACKEND_ERRORS,
    SlotMovesError,
    backend_reason,
)
from scholarship_api.platform.rate_limiting.shared_storage import SharedStorage
from scholarship_api.platform.rate_limiting.storage import InMemoryStorage, WindowStorage
from scholarship_api.settings.settings import Settings

RECHECK_SECONDS: Final = 0.5
"""The pause between checks of a backend that has failed, which no request waits for. The limiter is
back within 2 s of a failover at the latest."""

_log = structlog.stdlib.get_logger(__name__)


class RateLimiterUnavailable(ServiceUnavailable):
    default_message = "Requests cannot be counted right now; try again shortly."

    def __init__(self) -> None:
        super().__init__(retry_after_seconds=int(circuit_breaker.RETRY_AFTER_SECONDS))


class Decision(NamedTuple):
    """Whether a request is allowed, and what its headers say."""

    allowed: bool
    limit: int
    """That of the bucket with the fewest requests left, or of the one with the longest wait after a
    refusal; the other figures are that bucket's too."""
    remaining: int
    reset_at: int
    """In Unix seconds: when a refused request would pass, or else when the window moves on."""
    retry_after_seconds: int
    """0 for an allowed request, else at least 1."""

    @property
    def raw_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers as ASGI sends them."""
        headers = (
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset_at),
        )
        if self.allowed:
            return headers
        return *headers, (b"retry-after", b"%d" % self.retry_after_seconds)

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.raw_headers}

    def refusal(self) -> RateLimited:
        """The 429 for a request that is not allowed."""
        return RateLimited(
            details={"retry_after_seconds": self.retry_after_seconds}, headers=self.headers
        )


UNLIMITED: Final = Decision(allowed=True, limit=0, remaining=0, reset_at=0, retry_after_seconds=0)


def decide(hit: Hit, *, now: float) -> Decision:
    """The decision after a hit; `now` is in Unix seconds."""
    if hit.allowed:
        # The fewest requests left, then the longest time to the reset.
        remaining, negative_reset, limit = min(
            [
                (state.remaining, -state.seconds_to_reset, state.bucket.limit.amount)
                for state in hit.states
            ]
        )
        return Decision(
            allowed=True,
            limit=limit,
            remaining=remaining,
            reset_at=math.ceil(now - negative_reset),
            retry_after_seconds=0,
        )
    decisive = max(hit.states, key=lambda state: state.seconds_to_wait)
    # A whole second at least, and never one too few by rounding.
    wait = max(math.ceil(decisive.seconds_to_wait + 0.001), 1)
    return Decision(
        allowed=False,
        limit=decisive.bucket.limit.amount,
        remaining=decisive.remaining,
        reset_at=math.ceil(now + wait),
        retry_after_seconds=wait,
    )


class RateLimiter:
    """Counts requests in buckets that all workers share; one per process.

    While the backend cannot be reached, staging and production refuse the requests that they cannot
    count; development and test count in this process, and log that they do.
    """

    def __init__(self, settings: Settings) -> None:
        url = settings.rate_limit_backend_url.get_secret_value()
        shared = settings.rate_limit_enabled and url and not settings.disable_rate_limit_backend
        self.enabled = settings.rate_limit_enabled
        self.shared: SharedStorage | None = SharedStorage(url) if shared else None
        """None when requests are not counted, or in this process only."""
        self._local: WindowStorage | None = None if settings.fails_closed else InMemoryStorage()
        self._breaker = CircuitBreaker(on_change=self._on_change)
        self._recovery: asyncio.Task[None] | None = None

    @property
    def breaker_state(self) -> circuit_breaker.State:
        return self._breaker.state

    async def start(self) -> None:
        """Connect before the first request comes.

        A process starts without the backend as well: it answers what has no limit of its own, and
        is not ready until the backend is there.
        """
        if not self.enabled:
            metrics.set_limiter_state("disabled")
            _log.warning("rate_limiter.disabled")
        elif self.shared is None:
            metrics.set_limiter_state("in_memory")
            _log.warning("rate_limiter.in_memory", reason="not_configured")
        else:
            metrics.set_limiter_state("shared")
            try:
                await self.shared.connect()
            except BACKEND_ERRORS as error:
                _log.warning(
                    "rate_limiter.unreachable",
                    error=type(error).__name__,
                    reason=backend_reason(error).word,
                )
            else:
                _log.info("rate_limiter.connected")

    async def hit(self, *buckets: Bucket) -> Decision:
        """Count one request. Raises RateLimiterUnavailable after 0.4 s at most.

        The caller counts the outcome (`metrics.count_rate_limit`) and raises the `refusal()` of a
        decision that does not allow the request.
        """
        if not self.enabled:
            return UNLIMITED
        if self.shared is not None:
            try:
                with self._breaker.guard(*BACKEND_ERRORS), tracing.span("rate limit", **_SPAN):
                    counted = await self.shared.hit(buckets)
            except (CircuitOpenError, SlotMovesError, *BACKEND_ERRORS):
                if self._local is None:
                    raise RateLimiterUnavailable from None
            else:
                return decide(counted, now=time.time())
        if self._local is None:
            raise RateLimiterUnavailable
        return decide(await self._local.hit(buckets), now=time.time())

    async def refund(self, *buckets: Bucket) -> None:
        """Take back one counted request from each bucket; does nothing without the backend."""
        if not self.enabled:
            return
        storage = self.shared or self._local
        if storage is not None:
            guard = self._breaker.guard(*BACKEND_ERRORS)
            with suppress(CircuitOpenError, SlotMovesError, *BACKEND_ERRORS), guard:
                await storage.refund(buckets)

    async def close(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.wait([self._recovery])
        if self.shared is not None:
            await self.shared.close()
        if self._local is not None:
            await self._local.close()
        _log.info("rate_limiter.closed")

    async def _recover(self, shared: SharedStorage) -> None:
        """Check the backend until it works."""
        while self._breaker.state != "closed":
            await asyncio.sleep(RECHECK_SECONDS)
            with suppress(*BACKEND_ERRORS):
                await shared.check()
                self._breaker.close()

    def _last_reason(self) -> str:
        failure = self._breaker.last_failure
        return "unreachable" if failure is None else backend_reason(failure).word

    def _on_change(self, state: circuit_breaker.State) -> None:
        if state == "open" and self.shared and (self._recovery is None or self._recovery.done()):
            self._recovery = asyncio.create_task(
                self._recover(self.shared), name="rate limit recovery"
            )
        if state == "closed":
            metrics.set_limiter_state("shared")
            _log.info("rate_limiter.recovered")
        elif state == "half_open":
            metrics.set_limiter_state("half_open")
        elif self._local is not None:
            metrics.set_limiter_state("in_memory")
            _log.warning("rate_limiter.in_memory", reason=self._last_reason())
        else:
            metrics.set_limiter_state("open")
            _log.error("rate_limiter.unavailable", limited_routes="503", reason=self._last_reason())


_SPAN: Final = {"db.system.name": "redis", "db.operation.name": "EVALSHA"}
