"""The counting rule of the sliding window, seen from the state of one bucket."""

import math

import pytest
from limits import parse

from scholarship_api.platform.rate_limiting.buckets import Bucket, BucketState


def wait_is_minimal(state: BucketState) -> bool:
    wait = state.seconds_to_wait
    return _passes_after(state, wait + 0.002) and not _passes_after(state, wait - 0.002)


def _passes_after(state: BucketState, seconds: float) -> bool:
    """The counting rule itself, at a later time without further requests."""
    length, amount = state.bucket.limit.get_expiry(), state.bucket.limit.amount
    if seconds < state.current_seconds:
        previous, current = state.previous_count, state.current_count
        left = max(state.previous_seconds - seconds, 0)
    else:
        previous, current = state.current_count, 0
        left = max(state.current_seconds + length - seconds, 0)
    return math.floor(previous * left / length) + current < amount


@pytest.mark.parametrize(
    "numbers",
    [(0, 0, 10, 30), (10, 30, 5, 30), (10, 59.5, 1, 59.5), (7, 12.3, 9, 12.3), (3, 50, 8, 50)],
)
def test_seconds_to_wait_is_the_shortest_wait_that_the_rule_allows(
    numbers: tuple[int, float, int, float],
) -> None:
    state = BucketState(Bucket("search", "client", parse("10/minute")), *numbers)
    assert state.remaining == 0
    assert wait_is_minimal(state)
