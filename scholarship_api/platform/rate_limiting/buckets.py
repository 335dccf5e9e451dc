"""The buckets that a request counts in, and the decision of the sliding window.

The rule is that of limits' sliding-window-counter: of the previous window only the share counts
that the sliding window still covers. Times are in seconds.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from limits import RateLimitItem


@dataclass(frozen=True, slots=True)
class Bucket:
    """A counter: what it counts, for whom, and how many it allows."""

    group: str
    identity: str
    limit: RateLimitItem
    tag: str = ""
    """The part of the key that decides which node of a Redis Cluster has the bucket: the same for
    all buckets of a client. Empty for the identity itself."""

    @property
    def hash_tag(self) -> str:
        return self.tag or self.identity


class BucketState(NamedTuple):
    """A bucket after a request was counted or refused."""

    bucket: Bucket
    previous_count: int
    previous_seconds: float
    """Until the previous window has left the sliding one."""
    current_count: int
    current_seconds: float
    """Until the current window becomes the previous one."""

    @property
    def remaining(self) -> int:
        """How many requests would pass now."""
        limit = self.bucket.limit
        previous = 0
        if self.previous_count:
            previous = math.floor(self.previous_count * self.previous_seconds / limit.get_expiry())
        return max(limit.amount - previous - self.current_count, 0)

    @property
    def seconds_to_wait(self) -> float:
        """Until the next request would pass; 0 when it would pass now."""
        if self.remaining:
            return 0.0
        length, amount = self.bucket.limit.get_expiry(), self.bucket.limit.amount
        free = amount - self.current_count
        if free > 0:
            # floor(previous * s / length) < free from s < free * length / previous on
            return self.previous_seconds - free * length / self.previous_count
        full = amount * length / self.current_count if self.current_count else length
        return self.current_seconds + max(length - full, 0)

    @property
    def seconds_to_reset(self) -> float:
        """Until more requests would pass than now."""
        return self.current_seconds or float(self.bucket.limit.get_expiry())


class Hit(NamedTuple):
    """The outcome of one request in all of its buckets."""

    allowed: bool
    states: tuple[BucketState, ...]
