"""Sentry, when SENTRY_DSN is set: errors and their places, without people and values.

Without a DSN every function here does nothing, and Sentry's package is not imported.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from scholarship_api.settings.settings import Settings

if TYPE_CHECKING:
    from sentry_sdk.transport import Transport
    from sentry_sdk.types import Event

    from scholarship_api.platform.observability.sentry_client import SentryClient


class _Configured:
    client: "SentryClient | None" = None


def configure(
    settings: Settings, *, transport: "Transport | Callable[[Event], None] | None" = None
) -> None:
    """Start reporting if SENTRY_DSN is set. `transport` replaces HTTP, in tests."""
    if not settings.sentry_dsn.get_secret_value():
        return
    # Imported here, as it takes 6 MB of each worker's memory.
    from scholarship_api.platform.observability.sentry_client import SentryClient  # noqa: PLC0415

    _Configured.client = SentryClient(settings, transport=transport)


def report(error: BaseException) -> None:
    """Send an unexpected exception, tagged with the trace id of its request."""
    if _Configured.client is not None:
        _Configured.client.report(error)


def shutdown() -> None:
    """Send what is queued; blocks for up to 1 s."""
    if _Configured.client is not None:
        _Configured.client.flush()
