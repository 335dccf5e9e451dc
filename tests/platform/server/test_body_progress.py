"""A body has to make progress, and to arrive within a time that grows with its size."""

from scholarship_api.platform.server.body_progress import BodyProgress
from scholarship_api.platform.server.limits import Limits

LIMITS = Limits(
    body_seconds=10, body_bytes=1000, whole_body_seconds=25, whole_body_bytes_per_second=2000
)


def rejected_after(*sizes: int) -> list[bool]:
    """Whether the body is rejected after each interval, in which so many bytes arrive."""
    progress = BodyProgress(LIMITS)
    rejected = []
    for size in sizes:
        progress.begin_interval()
        progress.add(size)
        rejected.append(progress.is_too_slow())
    return rejected


def test_a_body_without_progress_is_rejected() -> None:
    assert rejected_after(1000, 999) == [False, True]
    assert rejected_after(0) == [True]


def test_a_body_with_little_progress_is_rejected_in_the_end() -> None:
    progress = BodyProgress(LIMITS)
    seconds = 0.0
    while seconds < 100:
        interval = progress.begin_interval()
        seconds += interval
        progress.add(int(110 * interval))
        if progress.is_too_slow():
            break
    assert 25 < seconds < 28


def test_a_large_body_gets_time_for_its_size() -> None:
    assert rejected_after(*[20_000] * 50) == [False] * 50


def test_a_new_body_begins_anew() -> None:
    progress = BodyProgress(LIMITS)
    for _ in range(5):
        for _ in range(2):
            progress.begin_interval()
            progress.add(1000)
            assert not progress.is_too_slow()
        progress.begin()
