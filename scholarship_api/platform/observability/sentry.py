"""Sentry, when SENTRY_DSN is set: what broke and where, never whose or with which values.

With no DSN every function here does nothing, and Sentry's package is not even imported.
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
    """Start reporting if it is asked for. `transport` replaces HTTP, in tests."""
    if not settings.sentry_dsn.get_secret_value():
        return
    # Here, as workers that report to nobody shall not pay for its memory: 6 MB with what it uses.
    from scholarship_api.platform.observability.sentry_client import SentryClient  # noqa: PLC0415

    _Configured.client = SentryClient(settings, transport=transport)


def report(error: BaseException) -> None:
    """Send an unhandled fault, tagged with the trace id of the request that it broke."""
    if _Configured.client is not None:
        _Configured.client.report(error)


def shutdown() -> None:
    """Send what is queued (up to 2 s, blocking)."""
    if _Configured.client is not None:
        _Configured.client.flush()
