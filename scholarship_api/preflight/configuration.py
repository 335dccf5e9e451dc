"""The rows of the checklist that need the settings alone."""

from collections.abc import Callable, Sequence
from typing import Final

from scholarship_api.preflight.peers import bridge_gateway, peers_of
from scholarship_api.preflight.results import CheckResult, Finding
from scholarship_api.settings.errors import SettingError
from scholarship_api.settings.settings import Settings

MIN_PROXY_PREFIX: Final = 8
"""The shortest prefix of a trusted network, in bits. No private network is larger (10.0.0.0/8)."""


def rows_of_errors(errors: Sequence[SettingError]) -> list[CheckResult]:
    """The rows of settings that production refuses; empty if it refuses none."""
    rows = []
    for name, variables in _VARIABLES.items():
        own = [error for error in errors if error.variable.removesuffix("_FILE") in variables]
        if own:
            rows.append(CheckResult(name, "failed", _detail(own)))
    known = {variable for variables in _VARIABLES.values() for variable in variables}
    others = [error for error in errors if error.variable.removesuffix("_FILE") not in known]
    if others:
        rows.append(CheckResult("settings", "failed", _detail(others)))
    return rows


def rows_of(settings: Settings, errors: Sequence[SettingError]) -> list[CheckResult]:
    """All rows. `errors` are the settings that production would refuse, with the reasons."""
    failed = {row.name: row for row in rows_of_errors(errors)}
    return [
        failed[name] if name in failed else CheckResult(name, *look(settings))
        for name, look in _ROWS.items()
    ]


def _detail(errors: Sequence[SettingError]) -> str:
    return "; ".join(f"{error.variable} {error.reason}" for error in errors)


def _signing_key(settings: Settings) -> Finding:
    length = len(settings.jwt_secret_key.get_secret_value())
    previous = len(settings.jwt_previous_secret_keys)
    return "passed", f"JWT_SECRET_KEY: {length} characters without a pattern; previous: {previous}"


def _cors(settings: Settings) -> Finding:
    return "passed", f"CORS_ALLOWED_ORIGINS: {len(settings.cors_allowed_origins)}, all https"


def _hosts(settings: Settings) -> Finding:
    return "passed", f"ALLOWED_HOSTS: {len(settings.allowed_hosts)} named, none of them `*`"


def _other_settings(_: Settings) -> Finding:
    return "passed", "production refuses no other setting"


def _environment(settings: Settings) -> Finding:
    detail = f"ENVIRONMENT is {settings.environment}"
    return "passed" if settings.is_production else "failed", detail


def _docs(settings: Settings) -> Finding:
    if settings.enable_docs:
        return "failed", "ENABLE_DOCS is on: /docs, /redoc and /openapi.json can be seen"
    return "passed", "ENABLE_DOCS is off"


def _hsts(settings: Settings) -> Finding:
    if settings.enable_hsts:
        return "passed", "ENABLE_HSTS is on"
    return "warning", "ENABLE_HSTS is off: right only if the proxy sends Strict-Transport-Security"


def _metrics(settings: Settings) -> Finding:
    length = len(settings.metrics_token.get_secret_value())
    if not length:
        return "warning", "METRICS_TOKEN is not set: there is no /metrics"
    return "passed", f"METRICS_TOKEN: {length} characters"


def _logins(settings: Settings) -> Finding:
    providers = f"identity providers: {len(settings.oidc_issuers)}"
    if settings.local_login_enabled:
        return "passed", f"LOCAL_LOGIN_ENABLED is on; {providers}"
    if not settings.oidc_issuers:
        detail = "LOCAL_LOGIN_ENABLED is off and OIDC_ISSUERS is empty: only API keys are accepted"
        return "warning", detail
    return "passed", f"LOCAL_LOGIN_ENABLED is off: no passwords; {providers}"


def _proxies(settings: Settings) -> Finding:
    networks = settings.trusted_proxy_ips
    if not networks:
        detail = (
            "TRUSTED_PROXY_IPS is empty: right without a proxy; behind one, all clients share"
            " the proxy's address and its rate limit"
        )
        return "warning", detail
    if any(network.prefixlen < MIN_PROXY_PREFIX for network in networks):
        return "failed", "TRUSTED_PROXY_IPS has a network that is larger than any private one"
    trusted = f"trusted networks: {len(networks)}"
    peers = peers_of(settings.port)
    if peers:
        known = {peer for peer in peers if any(peer in network for network in networks)}
        if known:
            return "passed", f"{trusted}; {len(known)} of {len(peers)} peers of PORT are in them"
        detail = (
            f"TRUSTED_PROXY_IPS contains none of the peers of PORT, such as {min(map(str, peers))}:"
            " if that is the proxy, all clients share its rate limit"
        )
        return "warning", detail
    if (gateway := bridge_gateway()) and all(network.is_loopback for network in networks):
        detail = (
            "TRUSTED_PROXY_IPS is loopback only, and this is a container: a proxy on the host"
            f" arrives from {gateway}"
        )
        return "warning", detail
    return "passed", f"{trusted}; no peer of PORT to compare with"


_VARIABLES: Final = {
    "signing key": ("JWT_SECRET_KEY", "JWT_PREVIOUS_SECRET_KEYS"),
    "cors": ("CORS_ALLOWED_ORIGINS",),
    "hosts": ("ALLOWED_HOSTS",),
    "metrics": ("METRICS_TOKEN",),
    "logins": ("LOCAL_LOGIN_ENABLED", "OIDC_ISSUERS"),
}
_ROWS: Final[dict[str, Callable[[Settings], Finding]]] = {
    "signing key": _signing_key,
    "cors": _cors,
    "hosts": _hosts,
    "settings": _other_settings,
    "environment": _environment,
    "docs": _docs,
    "hsts": _hsts,
    "metrics": _metrics,
    "logins": _logins,
    "proxies": _proxies,
}
NAMES: Final = tuple(_ROWS)
