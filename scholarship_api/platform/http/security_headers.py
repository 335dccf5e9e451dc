"""The headers that every answer carries, whichever middleware or route gave it."""

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
_FIRST_ERROR: Final = 400


class SecurityHeadersMiddleware:
    """Adds the security headers; a docs page brings a policy of its own.

    Answers to requests with credentials, and errors, are never stored by a cache.
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
                message["headers"] = self._complete(scope, message)
            return send(message)

        return self._app(scope, receive, send_with_headers)

    def _complete(self, scope: Scope, message: Message) -> list[tuple[bytes, bytes]]:
        own: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        names = [name for name, _ in own]
        if b"authorization" in [name for name, _ in scope["headers"]]:
            own = [header for header in own if header[0] != b"cache-control"]
            own.append(_NO_STORE)
        elif message["status"] >= _FIRST_ERROR and b"cache-control" not in names:
            own.append(_NO_STORE)
        if b"content-security-policy" not in names:
            own.append(self._policy)
        own += self._headers
        return own
