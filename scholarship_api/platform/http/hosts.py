"""Requests for a host that is not ours end here."""

from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.errors import InvalidHost, send_error
from scholarship_api.settings import Settings


class HostsLayer(TrustedHostMiddleware):
    """Starlette's, with refusals in the error schema; two Host headers are refused as well."""

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        super().__init__(_accepted(app), allowed_hosts=settings.allowed_hosts, www_redirect=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.allow_any:
            await super().__call__(scope, receive, send)
        elif [name for name, _ in scope["headers"]].count(b"host") > 1:
            await send_error(InvalidHost(), scope, receive, send)
        else:
            await super().__call__(scope, receive, _SendOfRefusals(scope, receive, send))


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


def _accepted(app: ASGIApp) -> ASGIApp:
    async def with_original_send(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send.original if isinstance(send, _SendOfRefusals) else send)

    return with_original_send
