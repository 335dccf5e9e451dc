"""HEAD for every GET route (RFC 9110, 9.3.2), and a complete Allow header."""

from collections.abc import Awaitable

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.errors import MethodNotAllowed


class MethodsMiddleware:
    """The innermost middleware.

    A FastAPI route answers only the methods that it names, and its 405 lists only the methods of
    the first route with that path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        def send_with_allow(message: Message) -> Awaitable[None]:
            if message.get("status") == MethodNotAllowed.status:
                message["headers"] = _with_allow(message["headers"], scope)
            return send(message)

        if scope["method"] == "HEAD":
            await self._respond_to_head(scope, receive, send_with_allow)
        else:
            await self._app(scope, receive, send_with_allow)

    async def _respond_to_head(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        # A copy, because the server has to see that the request was HEAD.
        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive, send_without_body)
        finally:
            scope.update({**as_get, "method": "HEAD"})


def _with_allow(headers: list[tuple[bytes, bytes]], scope: Scope) -> list[tuple[bytes, bytes]]:
    app: FastAPI = scope["app"]
    path = get_route_path(scope)
    methods: set[str] = set()
    for route in iter_route_contexts(app.routes):
        regex = getattr(route, "path_regex", None)
        if regex is not None and regex.match(path):
            methods |= route.methods or set()
    if "GET" in methods:
        methods.add("HEAD")
    kept = [header for header in headers if header[0] != b"allow"]
    return [*kept, (b"allow", ", ".join(sorted(methods)).encode())]
