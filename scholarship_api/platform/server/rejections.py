"""Responses to requests that the application never sees, made by the same outer middleware.

So they carry the trace id, the security headers and the CORS headers, and are logged and counted.
"""

from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from scholarship_api.errors import ApiError, InternalError, send_error
from scholarship_api.platform.http.cors import CorsMiddleware
from scholarship_api.platform.http.request_context import RequestContext, RequestContextMiddleware
from scholarship_api.platform.http.security_headers import SecurityHeadersMiddleware
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.observability.access_log import AccessLog
from scholarship_api.settings.settings import Settings

REJECTION_KEY: Final = "rejection"
"""The scope key of the `ApiError` to answer."""

# The headers that the outer middleware reads. Access-Control-Request-Method is left out: a rejected
# OPTIONS is no preflight.
_PASSED_HEADERS: Final = frozenset(
    {b"origin", b"x-request-id", b"traceparent", b"x-forwarded-for", b"x-forwarded-proto"}
)


def rejection_app(settings: Settings) -> ASGIApp:
    """An ASGI application that answers `scope[REJECTION_KEY]`."""
    with_cors = CorsMiddleware(_respond, settings=settings)
    with_security_headers = SecurityHeadersMiddleware(with_cors, settings=settings)
    context = RequestContext(
        trusted_proxies=settings.trusted_proxy_ips,
        access_log=AccessLog(observers=[metrics.observe_request]),
    )
    return RequestContextMiddleware(with_security_headers, context=context)


async def _respond(scope: Scope, receive: Receive, send: Send) -> None:
    rejection = scope.get(REJECTION_KEY)
    error = rejection if isinstance(rejection, ApiError) else InternalError()
    await send_error(error, scope, receive, send)


def rejection_scope(
    error: ApiError, *, method: str | None, headers: Iterable[tuple[bytes, bytes]]
) -> Scope:
    """The scope of a request that was not understood, or not read to its end."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method or "UNKNOWN",
        "path": "",
        "raw_path": b"",
        "query_string": b"",
        "root_path": "",
        "headers": [header for header in headers if header[0] in _PASSED_HEADERS],
        "state": {},
        REJECTION_KEY: error,
    }


async def encoded_rejection(
    app: ASGIApp, scope: Scope, default_headers: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """The response of `app` as HTTP/1.1 that ends the connection."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *rest = messages
    parts = [STATUS_LINE[start["status"]]]
    for name, value in (*default_headers, *start["headers"], (b"connection", b"close")):
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    if scope["method"] != "HEAD":
        parts += (message.get("body", b"") for message in rest)
    return b"".join(parts)
