"""Cross-origin resource sharing: which origins may read the responses, and what they may send."""

from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware as StarletteCorsMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.errors import BadRequest, to_response
from scholarship_api.settings.settings import Settings

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALLOWED_HEADERS: Final = (
    "Accept",
    "Accept-Language",
    "Content-Language",
    "Content-Type",
    "Authorization",
    "If-Match",
    "If-None-Match",
    "Idempotency-Key",
    "X-API-Key",
    "X-Request-ID",
)
EXPOSED_HEADERS: Final = (
    "X-Request-ID",
    "X-Trace-ID",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Tier",
    "ETag",
    "Location",
)
MAX_AGE_SECONDS: Final = 600
"""How long a browser may reuse the result of a preflight."""
_REPLACED_HEADERS: Final = {b"content-length", b"content-type"}
"""Headers of Starlette's plain text rejection that its JSON replacement sets anew."""


class CorsMiddleware(StarletteCorsMiddleware):
    """Starlette's middleware with rejected preflights in the error schema."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_allowed_origins,
            allow_methods=METHODS,
            allow_headers=ALLOWED_HEADERS,
            allow_credentials=settings.cors_allow_credentials,
            expose_headers=EXPOSED_HEADERS,
            max_age=MAX_AGE_SECONDS,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == BadRequest.status:
            return _RejectedPreflight(response)
        return response


class _RejectedPreflight(Response):
    """Renders when it is sent, because the trace id is in the scope."""

    def __init__(self, rejection: Response) -> None:
        super().__init__(status_code=rejection.status_code)
        self.raw_headers = rejection.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = to_response(
            BadRequest(
                "The preflight asks for an origin, a method or a header that is not allowed."
            ),
            scope,
        )
        response.raw_headers += [
            item for item in self.raw_headers if item[0] not in _REPLACED_HEADERS
        ]
        await response(scope, receive, send)
