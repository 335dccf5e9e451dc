"""What production refuses. Each rule names the variable and the remedy, never the value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from scholarship_api.settings.errors import Fault
from scholarship_api.settings.weak_secrets import weakness

if TYPE_CHECKING:
    from scholarship_api.settings.settings import Settings

CLOSING_SECONDS: Final = 2
"""What the worker needs after the last request to close the limiter and the engine."""
_SHORTEST_DRAIN_SECONDS: Final = 1


def timing_faults(settings: "Settings") -> Iterator[Fault]:
    """Times that cannot be met, in any environment."""
    if settings.drain_seconds < _SHORTEST_DRAIN_SECONDS:
        yield Fault(
            "GRACEFUL_TIMEOUT",
            f"must be at least SHUTDOWN_DELAY + {_SHORTEST_DRAIN_SECONDS} s for requests in "
            f"flight + {CLOSING_SECONDS} s for closing",
        )
    if settings.graceful_timeout >= settings.termination_grace_period:
        yield Fault("TERMINATION_GRACE_PERIOD", "must be longer than GRACEFUL_TIMEOUT")


def shared_limiter_faults(settings: "Settings") -> Iterator[Fault]:
    """The in-memory limiter exists in development and test only."""
    if settings.disable_rate_limit_backend:
        yield Fault("DISABLE_RATE_LIMIT_BACKEND", "is for development and test only")


def production_faults(settings: "Settings") -> Iterator[Fault]:
    yield from _signing_key_faults(settings)
    yield from _backend_faults(settings)
    yield from _address_faults(settings)
    if settings.debug:
        yield Fault("DEBUG", "must be off in production")


def _signing_key_faults(settings: "Settings") -> Iterator[Fault]:
    key = settings.jwt_secret_key.get_secret_value()
    if not key:
        yield Fault("JWT_SECRET_KEY", "is required in production")
    elif reason := weakness(key):
        yield Fault("JWT_SECRET_KEY", reason)
    for position, previous in enumerate(settings.jwt_previous_secret_keys, start=1):
        if reason := weakness(previous.get_secret_value()):
            yield Fault("JWT_PREVIOUS_SECRET_KEYS", f"key {position}: {reason}")


def _backend_faults(settings: "Settings") -> Iterator[Fault]:
    if not settings.database_url.get_secret_value():
        yield Fault("DATABASE_URL", "is required in production")
    if not settings.rate_limit_backend_url.get_secret_value():
        yield Fault("RATE_LIMIT_BACKEND_URL", "is required in production")
    if not settings.rate_limit_enabled:
        yield Fault("RATE_LIMIT_ENABLED", "cannot be off in production")


def _address_faults(settings: "Settings") -> Iterator[Fault]:
    origins = settings.cors_allowed_origins
    if not origins:
        yield Fault("CORS_ALLOWED_ORIGINS", "is required in production")
    elif "*" in origins:
        yield Fault("CORS_ALLOWED_ORIGINS", "name each origin; `*` is not for production")
    elif not all(origin.startswith("https://") for origin in origins):
        yield Fault("CORS_ALLOWED_ORIGINS", "every origin must start with https:// in production")
    if not settings.allowed_hosts:
        yield Fault("ALLOWED_HOSTS", "is required in production")
    elif "*" in settings.allowed_hosts:
        yield Fault("ALLOWED_HOSTS", "name each host; `*` is not for production")
