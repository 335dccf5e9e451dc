"""Rejects requests for hosts that are not ours."""

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.errors import InvalidHost, send_error
from scholarship_api.settings.settings import Settings


class HostsMiddleware(TrustedHostMiddleware):
    """Starlette's middleware with rejections in the error schema.

    A request with two Host headers is rejected as well.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._inner = app
        super().__init__(self._accept, allowed_hosts=settings.allowed_hosts, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self.allow_any:
            names = [name for name, _ in scope["headers"]]
            if names.count(b"host") > 1:
                await send_error(InvalidHost(), scope, receive, send)
                return
        await super().__call__(scope, receive, _RejectionSend(scope, receive, send))

    async def _accept(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._inner(
            scope, receive, send.original if isinstance(send, _RejectionSend) else send
        )


class _RejectionSend:
    """The `send` of Starlette's own plain text rejection; accepted requests get the original."""

    def __init__(self, scope: Scope, receive: Receive, original: Send) -> None:
        self.original = original
        self._scope = scope
        self._receive = receive

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await send_error(InvalidHost(), self._scope, self._receive, self.original)
