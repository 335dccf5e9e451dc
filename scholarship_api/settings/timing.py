"""The arithmetic of the shutdown.

    SHUTDOWN_DELAY + time for requests in flight + CLOSING_SECONDS = GRACEFUL_TIMEOUT
    GRACEFUL_TIMEOUT < TERMINATION_GRACE_PERIOD

gunicorn kills a worker GRACEFUL_TIMEOUT after SIGTERM, the platform kills gunicorn
TERMINATION_GRACE_PERIOD after it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from scholarship_api.settings.errors import SettingError

if TYPE_CHECKING:
    from scholarship_api.settings.settings import Settings

CLOSING_SECONDS: Final = 2
"""Time in seconds that a worker keeps to close the limiter and the engine, after the last request.

Closing takes well under a second, and a frozen server is given up within this time.
"""

MIN_DRAIN_SECONDS: Final = 1
"""The least time in seconds that requests in flight must be left with."""


def drain_seconds(*, graceful_timeout: int, shutdown_delay: int) -> int:
    """The time that requests in flight get after SHUTDOWN_DELAY; all in seconds."""
    return graceful_timeout - shutdown_delay - CLOSING_SECONDS


def timing_errors(settings: "Settings") -> Iterator[SettingError]:
    """Times that cannot be met together. The variable that was set is named, not the default."""
    yield from _drain_errors(settings)
    yield from _grace_errors(settings)


def _drain_errors(settings: "Settings") -> Iterator[SettingError]:
    needed = MIN_DRAIN_SECONDS + CLOSING_SECONDS
    if settings.graceful_timeout >= settings.shutdown_delay + needed:
        return
    parts = f"{MIN_DRAIN_SECONDS} s for requests in flight + {CLOSING_SECONDS} s for closing"
    if _only("shutdown_delay", settings, other="graceful_timeout"):
        yield SettingError(
            "SHUTDOWN_DELAY",
            f"must leave GRACEFUL_TIMEOUT ({settings.graceful_timeout} s) time for {parts}:"
            f" {settings.graceful_timeout - needed} or less, or raise GRACEFUL_TIMEOUT",
        )
    else:
        yield SettingError(
            "GRACEFUL_TIMEOUT",
            f"must be at least SHUTDOWN_DELAY ({settings.shutdown_delay} s) + {parts}:"
            f" {settings.shutdown_delay + needed} or more",
        )


def _grace_errors(settings: "Settings") -> Iterator[SettingError]:
    if settings.graceful_timeout < settings.termination_grace_period:
        return
    if _only("graceful_timeout", settings, other="termination_grace_period"):
        grace_period = settings.termination_grace_period
        yield SettingError(
            "GRACEFUL_TIMEOUT",
            f"must be shorter than TERMINATION_GRACE_PERIOD ({grace_period} s):"
            f" {grace_period - 1} or less, or set TERMINATION_GRACE_PERIOD to what the platform"
            " grants",
        )
    else:
        yield SettingError(
            "TERMINATION_GRACE_PERIOD",
            f"must be longer than GRACEFUL_TIMEOUT ({settings.graceful_timeout} s):"
            f" {settings.graceful_timeout + 1} or more, or lower GRACEFUL_TIMEOUT",
        )


def _only(name: str, settings: "Settings", *, other: str) -> bool:
    """Whether `name` was set and `other` is a default."""
    return name in settings.model_fields_set and other not in settings.model_fields_set
