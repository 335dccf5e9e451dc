"""The part of `sentry` that needs its package."""

from collections.abc import Callable
from typing import Final

import sentry_sdk
import structlog
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint

from scholarship_api import __version__
from scholarship_api.settings.settings import Settings

_SHUTDOWN_SECONDS: Final = 1.0
_PERSONAL: Final = ("request", "user", "breadcrumbs", "extra")


class SentryClient:
    """One per process, as the package keeps global state."""

    def __init__(
        self, settings: Settings, *, transport: Transport | Callable[[Event], None] | None = None
    ) -> None:
        sentry_sdk.init(
            dsn=settings.sentry_dsn.get_secret_value(),
            environment=settings.environment,
            release=f"scholarship-api@{__version__}",
            transport=transport,
            include_local_variables=False,
            include_source_context=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            traces_sample_rate=None,
            before_send=_scrub,
            # The default ones for frameworks would attach the URL, the query and the headers.
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[
                AtexitIntegration(callback=lambda *_: None),  # the default one prints to stderr
                DedupeIntegration(),
                ExcepthookIntegration(),
            ],
        )

    def report(self, error: BaseException) -> None:
        sentry_sdk.capture_exception(error)

    def flush(self) -> None:
        sentry_sdk.flush(timeout=_SHUTDOWN_SECONDS)


def _scrub(event: Event, _: Hint) -> Event:
    for key in _PERSONAL:
        event.pop(key, None)  # type: ignore[misc]
    for exception in event.get("exception", {}).get("values", ()):
        exception["value"] = "see the log"  # messages quote input or rows of the database
    trace_id = structlog.contextvars.get_contextvars().get("trace_id")
    if trace_id is not None:
        event.setdefault("tags", {})["trace_id"] = trace_id
    return event
