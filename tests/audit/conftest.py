"""The fixtures are those of the API keys, whose events the audit records."""

from tests.api_keys.conftest import (
    address,
    admin,
    app,
    apps,
    awards,
    client,
    clients,
    make_headers,
    make_key,
    settings,
)

__all__ = [
    "address",
    "admin",
    "app",
    "apps",
    "awards",
    "client",
    "clients",
    "make_headers",
    "make_key",
    "settings",
]
