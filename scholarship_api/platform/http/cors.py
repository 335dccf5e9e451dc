"""Which pages of other origins may read the answers."""

from collections.abc import Awaitable
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware as StarletteCorsMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    "X-Request-ID",
)
EXPOSED_HEADERS: Final = (
    "X-Request-ID",
    "X-Trace-ID",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "ETag",
    "Location",
)
MAX_AGE_SECONDS: Final = 600
_VARY: Final = (b"vary", b"Origin")
_NO_HEADERS: Final = Headers()
_REPLACED: Final = {b"content-length", b"content-type"}


class CorsMiddleware(StarletteCorsMiddleware):
    """Starlette's, with refusals in the error schema."""

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

    def __call__(  # type: ignore[override] # awaited all the same
        self, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        if scope["type"] != "http" or b"origin" in [name for name, _ in scope["headers"]]:
            return super().__call__(scope, receive, send)

        def send_with_vary(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = message.get("headers", ())
                if b"vary" in [name for name, _ in headers]:
                    return super(CorsMiddleware, self).send(message, send, _NO_HEADERS)
                message["headers"] = [*headers, _VARY]
            return send(message)

        # Without an origin all that Starlette would do is this, for four times the cost.
        return self.app(scope, receive, send_with_vary)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code == BadRequest.status:
            return _RefusedPreflight(response)
        return response


class _RefusedPreflight(Response):
    """Renders when it is sent: only then the trace id is at hand."""

    def __init__(self, refusal: Response) -> None:
        super().__init__(status_code=refusal.status_code)
        self.raw_headers = refusal.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = to_response(
            BadRequest("The preflight asks for an origin, a method or a header that is refused."),
            scope,
        )
        answer.raw_headers += [item for item in self.raw_headers if item[0] not in _REPLACED]
        await answer(scope, receive, send)
