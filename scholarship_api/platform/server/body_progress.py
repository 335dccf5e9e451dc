"""Whether a body arrives fast enough, and is not made of framing."""

from typing import Final

from scholarship_api.platform.server.framing import has_endless_framing
from scholarship_api.platform.server.limits import Limits

_MIN_CHECK_SECONDS: Final = 0.1
"""Shortest interval between two checks."""


class BodyProgress:
    """The sizes and times of the current body of a connection.

    Data that came together with the head is not counted.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.begin()

    def begin(self) -> None:
        """A new body has begun."""
        self._bytes = 0
        self._content_bytes = 0
        self._bytes_at_last_check = 0
        self._interval_seconds = 0.0
        self._client_seconds = 0.0
        """Time that the client has taken so far."""

    def add(self, size: int) -> None:
        """`size` bytes have arrived, content and framing."""
        self._bytes += size

    def add_content(self, size: int) -> None:
        """`size` bytes of those are content."""
        self._content_bytes += size

    @property
    def is_mostly_framing(self) -> bool:
        return has_endless_framing(
            framed_bytes=self._bytes,
            content_bytes=self._content_bytes,
            allowance_bytes=self._limits.head_bytes,
        )

    def begin_interval(self) -> float:
        """The seconds after which the progress has to be checked next."""
        self._bytes_at_last_check = self._bytes
        self._interval_seconds = min(
            self._limits.body_seconds, max(self._seconds_left(), _MIN_CHECK_SECONDS)
        )
        return self._interval_seconds

    def is_too_slow(self) -> bool:
        """Count the interval as time of the client; whether the body has to be rejected."""
        limits = self._limits
        self._client_seconds += self._interval_seconds
        progress = self._bytes - self._bytes_at_last_check
        wanted = limits.body_bytes * self._interval_seconds / limits.body_seconds
        return progress < wanted or self._seconds_left() <= 0

    def _seconds_left(self) -> float:
        limits = self._limits
        allowed = limits.whole_body_seconds + self._bytes / limits.whole_body_bytes_per_second
        return allowed - self._client_seconds
