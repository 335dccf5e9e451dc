"""Where buckets are counted: in this process, or in Redis (`shared_storage`).

The rule is that of `limits`. Its own calls take one bucket each: two buckets and their states would
be four round trips, and a request that the second bucket refuses would already have been counted by
the first.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from scholarship_api.platform.rate_limiting.buckets import Bucket, BucketState, Hit


class WindowStorage(Protocol):
    async def hit(self, buckets: Sequence[Bucket]) -> Hit:
        """Count one request in all buckets if each has room for it, in one step."""

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        """Take back one counted request from each bucket, as long as its window is the current."""

    async def close(self) -> None: ...


class InMemoryStorage:
    """For development and tests: each process counts for itself."""

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._lock = asyncio.Lock()

    async def hit(self, buckets: Sequence[Bucket]) -> Hit:
        async with self._lock:
            allowed = True
            for bucket in buckets:
                allowed = allowed and await self._limiter.test(bucket.limit, *_identifiers(bucket))
            if allowed:
                for bucket in buckets:
                    await self._limiter.hit(bucket.limit, *_identifiers(bucket))
            return Hit(allowed, tuple([await self._state(bucket) for bucket in buckets]))

    async def refund(self, buckets: Sequence[Bucket]) -> None:
        async with self._lock:
            for bucket in buckets:
                key = bucket.limit.key_for(*_identifiers(bucket))
                expiry = bucket.limit.get_expiry()
                _, current_key = self._storage.sliding_window_keys(key, expiry, time.time())
                await self._storage.decr(current_key)

    async def _state(self, bucket: Bucket) -> BucketState:
        expiry = bucket.limit.get_expiry()
        key = bucket.limit.key_for(*_identifiers(bucket))
        previous, previous_ttl, current, ttl = await self._storage.get_sliding_window(key, expiry)
        return BucketState(bucket, previous, previous_ttl, current, ttl - expiry)

    async def close(self) -> None:
        await self._storage.reset()


def _identifiers(bucket: Bucket) -> tuple[str, str]:
    return bucket.group, bucket.identity
