"""Limits of the length of a URL and of the size of a body, which must not be compressed."""

from collections.abc import Awaitable, Mapping
from typing import Final

from starlette.exceptions import HTTPException  # noqa: TID251 - see where it is raised
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.errors import (
    ApiError,
    BadRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
    UriTooLong,
    send_error,
)
from scholarship_api.settings.settings import Settings

BODY_BYTES: Final = 64 * 1024
"""Largest body of a path that has no limit of its own. The largest that a client needs, an award
whose description has 20 000 characters, has 20 KiB in ASCII."""

# The rest of the body follows unread: the connection cannot be used again.
_CLOSE: Final = {"Connection": "close"}


class SizeLimitsMiddleware:
    """Rejects a body that is declared too large, and stops reading a chunked one that grows so.

    The limit is that of the path in `body_bytes`, otherwise BODY_BYTES; it is never more than
    MAX_REQUEST_SIZE_BYTES.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, body_bytes: Mapping[str, int] | None = None
    ) -> None:
        largest = settings.max_request_size_bytes
        self._app = app
        self._path_limits = {path: min(own, largest) for path, own in (body_bytes or {}).items()}
        self._max_body_bytes = min(BODY_BYTES, largest)
        self._max_url_bytes = settings.max_url_length

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        chunked = False
        codings: list[bytes] = []
        lengths: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"content-length":
                lengths.append(value)
            elif name == b"transfer-encoding":
                chunked = True
            elif name == b"content-encoding":
                codings.append(value.strip().lower())
        max_body_bytes = self._path_limits.get(scope["path"], self._max_body_bytes)
        rejection = self._rejection(scope, lengths, max_body_bytes)
        if rejection is None and codings not in ([], [b"identity"]):
            # The size of a body is limited as it is sent; a coded one could be far larger.
            rejection = UnsupportedMediaType(
                "Send the body as it is, without Content-Encoding.",
                headers={"Accept-Encoding": "identity", **_CLOSE},
            )
        if rejection is not None:
            return send_error(rejection, scope, receive, send)
        if chunked:
            body = _CountedBody(receive, send, max_body_bytes)
            return self._app(scope, body.receive, body.send)
        return self._app(scope, receive, send)

    def _rejection(
        self, scope: Scope, lengths: list[bytes], max_body_bytes: int
    ) -> ApiError | None:
        query = scope["query_string"]
        path = scope.get("raw_path") or scope["path"].encode()
        if len(path) + (len(query) + 1 if query else 0) > self._max_url_bytes:
            return UriTooLong()
        if not lengths:
            return None
        declared = lengths[0]
        if not declared.isdigit() or lengths.count(declared) != len(lengths):
            return BadRequest("The Content-Length header is malformed.", headers=_CLOSE)
        # The digits are counted first, as int() rejects thousands of them. Leading zeros are legal.
        if len(declared.lstrip(b"0")) > len(str(max_body_bytes)) or (
            int(declared) > max_body_bytes
        ):
            return PayloadTooLarge(headers=_CLOSE)
        return None


class _CountedBody:
    """A chunked body that is counted while it is read, and not read on once it is too large."""

    def __init__(self, receive: Receive, send: Send, max_bytes: int) -> None:
        self._receive = receive
        self._send = send
        self._bytes_left = max_bytes
        self._complete = False

    async def receive(self) -> Message:
        if self._bytes_left >= 0:
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._bytes_left -= len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._bytes_left >= 0:
                return message
        # FastAPI turns any other exception of `receive` into a 400.
        raise HTTPException(PayloadTooLarge.status)

    async def send(self, message: Message) -> None:
        # A response to a body that was not read to its end: without this the server would read on,
        # without a limit, to find the next request.
        if message["type"] == "http.response.start" and not self._complete:
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await self._send(message)
