"""The smallest ASGI application, the reference of all ratios to a bare hello."""

from typing import Final

from starlette.types import Receive, Scope, Send

_BODY: Final = b"hello"
_HEADERS: Final = [(b"content-type", b"text/plain"), (b"content-length", b"5")]


async def application(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _BODY})
