"""The MCP server over HTTP, at /mcp: streamable HTTP without sessions, answered in JSON."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from mcp.server.mcpserver import Context
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.errors import ServiceUnavailable
from scholarship_api.exchange.mcp.calls import Api, InProcess
from scholarship_api.exchange.mcp.server import build_server

PATH: Final = "/mcp"
MAX_BODY_BYTES: Final = 65_536
"""As for other requests."""


class McpEndpoint:
    """An ASGI application; it works while `running` does."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is the application with all its middleware."""
        self._app = app
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = build_server(self._api_of)
        # It makes the manager, and an application of its own, which is not needed.
        server.streamable_http_app(
            json_response=True,
            stateless_http=True,
            max_request_body_size=MAX_BODY_BYTES,
            # Our own middleware checks hosts and origins.
            transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        manager = server.session_manager
        async with manager.run():
            self._manager = manager
            try:
                yield
            finally:
                self._manager = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._manager is None:
            raise ServiceUnavailable
        await self._manager.asgi_app(scope, receive, send)

    def _api_of(self, context: Context[Any, Any]) -> Api:
        request: Request | None = context.request_context.request
        if request is None:
            raise RuntimeError("a tool call over HTTP has a request")
        return InProcess(self._app, request.scope)
