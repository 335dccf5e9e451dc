"""Requests for a host that is not ours end here."""

from collections.abc import Awaitable
from typing import Final

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.errors import InvalidHost, send_error
from scholarship_api.settings.settings import Settings

_KNOWN_HOSTS: Final = 64
"""How many values are remembered; with other ones Starlette decides each time."""


class HostsMiddleware(TrustedHostMiddleware):
    """Starlette's, with refusals in the error schema; two Host headers are refused as well."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        self._below = app
        self._known: set[bytes] = set()
        """Values that Starlette has accepted."""
        super().__init__(self._accepted, allowed_hosts=settings.allowed_hosts, www_redirect=False)

    def __call__(  # type: ignore[override] # awaited all the same
        self, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        if scope["type"] != "http" or self.allow_any:
            return self._below(scope, receive, send)
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) > 1:
            return send_error(InvalidHost(), scope, receive, send)
        if hosts and hosts[0] in self._known:
            return self._below(scope, receive, send)
        return super().__call__(scope, receive, _SendOfRefusals(scope, receive, send))

    async def _accepted(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(self._known) < _KNOWN_HOSTS:
            self._known.update(value for name, value in scope["headers"] if name == b"host")
        below = send.original if isinstance(send, _SendOfRefusals) else send
        await self._below(scope, receive, below)


class _SendOfRefusals:
    """What Starlette sends its own plain text to; requests that it accepts get the original."""

    __slots__ = ("original", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive, original: Send) -> None:
        self.scope = scope
        self.receive = receive
        self.original = original

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await send_error(InvalidHost(), self.scope, self.receive, self.original)
