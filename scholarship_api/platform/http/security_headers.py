"""The headers that every response has, whichever middleware or route made it."""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.settings.settings import Settings

CONTENT_SECURITY_POLICY: Final = b"default-src 'none'; frame-ancestors 'none'"
_HSTS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains; preload")
_PERMISSIONS: Final = (
    "accelerometer",
    "camera",
    "display-capture",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "usb",
)
_NO_STORE: Final = (b"cache-control", b"no-store")
_FIRST_ERROR_STATUS: Final = 400


_CREDENTIAL_HEADERS: Final = frozenset({b"authorization", b"x-api-key"})
"""Answers to requests with one of them are for their sender alone."""


class SecurityHeadersMiddleware:
    """Adds the security headers; a docs page keeps its own Content-Security-Policy.

    Errors and responses to requests with credentials are marked so that no cache stores them.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._app = app
        self._policy = (b"content-security-policy", CONTENT_SECURITY_POLICY)
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY" if settings.is_production else b"SAMEORIGIN"),
            (b"x-xss-protection", b"1; mode=block"),
            (b"permissions-policy", ", ".join(f"{name}=()" for name in _PERMISSIONS).encode()),
            (b"cross-origin-resource-policy", b"same-origin"),
        ]
        if settings.enable_hsts:
            self._headers.append(_HSTS)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)

        def send_with_headers(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                message["headers"] = self._with_security_headers(scope, message)
            return send(message)

        return self._app(scope, receive, send_with_headers)

    def _with_security_headers(self, scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        names = [name for name, _ in headers]
        if any(name in _CREDENTIAL_HEADERS for name, _ in scope["headers"]):
            headers = [header for header in headers if header[0] != b"cache-control"]
            headers.append(_NO_STORE)
        elif message["status"] >= _FIRST_ERROR_STATUS and b"cache-control" not in names:
            headers.append(_NO_STORE)
        if b"content-security-policy" not in names:
            headers.append(self._policy)
        return headers + self._headers
