"""The rules of production. Each names the variable and the remedy, never the value."""

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from scholarship_api.settings.errors import SettingError
from scholarship_api.settings.identity_providers import insecure_issuer_errors
from scholarship_api.settings.weak_secrets import weakness

if TYPE_CHECKING:
    from scholarship_api.settings.settings import Settings

MIN_METRICS_TOKEN_LENGTH: Final = 16
"""Characters: 64 bits when they are random hexadecimal digits, too many to guess over HTTP."""

_OTLP_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http"


def shared_limiter_errors(settings: "Settings") -> Iterator[SettingError]:
    """The in-memory limiter exists in development and test only."""
    if settings.disable_rate_limit_backend:
        yield SettingError(
            "DISABLE_RATE_LIMIT_BACKEND", "is for development and test only; leave it unset"
        )


def missing_extra_errors(settings: "Settings") -> Iterator[SettingError]:
    """Optional packages that a setting needs and that are not installed."""
    if settings.otel_exporter_otlp_endpoint and not _is_installed(_OTLP_EXPORTER):
        yield SettingError(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "needs the extra `otel`: install scholarship-api[otel], build the image with"
            " --build-arg EXTRA=otel, or leave it unset",
        )


def mail_errors(settings: "Settings") -> Iterator[SettingError]:
    """The settings without which no mail can be sent."""
    if not settings.smtp_url.get_secret_value():
        return
    if not settings.smtp_from:
        yield SettingError("SMTP_FROM", "is required with SMTP_URL: the sender of the mails")
    if not settings.public_base_url:
        yield SettingError(
            "PUBLIC_BASE_URL", "is required with SMTP_URL: links in mails begin with it"
        )


def production_errors(settings: "Settings") -> Iterator[SettingError]:
    yield from _signing_key_errors(settings)
    yield from _metrics_token_errors(settings)
    yield from _backend_errors(settings)
    yield from _address_errors(settings)
    yield from insecure_issuer_errors(settings.oidc_issuers)
    if settings.smtp_url.get_secret_value().startswith("smtp+insecure:"):
        yield SettingError(
            "SMTP_URL", "must use TLS in production: smtp:// with STARTTLS, or smtps://"
        )
    if settings.webhook_allow_private:
        yield SettingError(
            "WEBHOOK_ALLOW_PRIVATE",
            "would let clients reach hosts of the internal network; leave it unset",
        )
    if settings.debug:
        yield SettingError("DEBUG", "must be off in production; leave it unset")


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # a package above it is missing
        return False


def _signing_key_errors(settings: "Settings") -> Iterator[SettingError]:
    key = settings.jwt_secret_key.get_secret_value()
    if not key:
        yield SettingError(
            "JWT_SECRET_KEY", "is required in production; make one with: openssl rand -hex 32"
        )
    elif reason := weakness(key):
        yield SettingError("JWT_SECRET_KEY", reason)
    for position, previous in enumerate(settings.jwt_previous_secret_keys, start=1):
        if reason := weakness(previous.get_secret_value()):
            yield SettingError("JWT_PREVIOUS_SECRET_KEYS", f"key {position}: {reason}")


def _metrics_token_errors(settings: "Settings") -> Iterator[SettingError]:
    token = settings.metrics_token.get_secret_value()
    if not token:
        return
    if len(token) < MIN_METRICS_TOKEN_LENGTH:
        yield SettingError(
            "METRICS_TOKEN",
            f"shorter than {MIN_METRICS_TOKEN_LENGTH} characters; make one with:"
            " openssl rand -hex 32",
        )
    elif not (token.isascii() and token.isprintable()) or " " in token:
        yield SettingError(
            "METRICS_TOKEN",
            "has characters that no Authorization header can carry; make one with:"
            " openssl rand -hex 32",
        )


def _backend_errors(settings: "Settings") -> Iterator[SettingError]:
    if not settings.database_url.get_secret_value():
        yield SettingError(
            "DATABASE_URL", "is required in production: postgresql://user:password@host/database"
        )
    if not settings.rate_limit_backend_url.get_secret_value():
        yield SettingError(
            "RATE_LIMIT_BACKEND_URL", "is required in production: redis://:password@host:6379/0"
        )
    if not settings.rate_limit_enabled:
        yield SettingError("RATE_LIMIT_ENABLED", "cannot be off in production; leave it unset")


def _address_errors(settings: "Settings") -> Iterator[SettingError]:
    origins = settings.cors_allowed_origins
    if not origins:
        yield SettingError(
            "CORS_ALLOWED_ORIGINS",
            "is required in production: the origins of browser applications, such as"
            " https://app.example.org",
        )
    elif "*" in origins:
        yield SettingError("CORS_ALLOWED_ORIGINS", "name each origin; `*` is not for production")
    elif not all(origin.startswith("https://") for origin in origins):
        yield SettingError(
            "CORS_ALLOWED_ORIGINS", "every origin must start with https:// in production"
        )
    if not settings.allowed_hosts:
        yield SettingError(
            "ALLOWED_HOSTS",
            "is required in production: the host names of this service, such as api.example.org",
        )
    elif "*" in settings.allowed_hosts:
        yield SettingError("ALLOWED_HOSTS", "name each host; `*` is not for production")
