"""The path under which a proxy publishes the service: ROOT_PATH, or X-Forwarded-Prefix.

Links in headers, the index, the documentation and the OpenAPI document start with the prefix. The
proxy may remove it from the path of a request, or, where ROOT_PATH names it, leave it there.
X-Forwarded-Prefix counts only when it comes from a trusted proxy.
"""

import re
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.platform.http.client_address import Network, TrustedProxies
from scholarship_api.settings.values import read_root_path

_PREFIX_KEY: Final = "path_prefix"
_MAX_LENGTH: Final = 256
"""Characters of X-Forwarded-Prefix that are read: as much as a link may grow by."""

_PATH_HEADERS: Final = frozenset({b"location", b"content-location"})
_LINK_TARGET: Final = re.compile(rb"<(?=/)")


def prefix_of(scope: Scope) -> str:
    """The prefix of this request's links; empty for none."""
    return str(scope.get(_PREFIX_KEY, ""))


class PathPrefixMiddleware:
    def __init__(self, app: ASGIApp, *, root_path: str, trusted_proxies: Sequence[Network]) -> None:
        self._app = app
        self._root_path = root_path
        self._proxies = TrustedProxies(trusted_proxies)
        self._reads_header = bool(trusted_proxies)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        if self._root_path and scope["path"].startswith(f"{self._root_path}/"):
            scope = {**scope, "path": scope["path"][len(self._root_path) :]}
        prefix = (self._forwarded_prefix(scope) if self._reads_header else "") or self._root_path
        if not prefix:
            return self._app(scope, receive, send)
        scope[_PREFIX_KEY] = prefix
        return self._app(scope, receive, _with_prefix(send, prefix.encode()))

    def _forwarded_prefix(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-forwarded-prefix":
                peer = self._proxies.peer((scope.get("client") or ("", 0))[0])
                if peer is None or not peer.is_trusted:
                    return ""
                # The proxy nearest to the client comes first.
                first: bytes = value[:_MAX_LENGTH].partition(b",")[0]
                with suppress(ValueError):
                    return read_root_path(first.decode("ascii"))
        return ""


def _with_prefix(send: Send, prefix: bytes) -> Send:
    def send_with_prefix(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message["headers"] = [
                (name, _prefixed(name.lower(), value, prefix))
                for name, value in message.get("headers", ())
            ]
        return send(message)

    return send_with_prefix


def _prefixed(name: bytes, value: bytes, prefix: bytes) -> bytes:
    if name == b"link":
        return _LINK_TARGET.sub(b"<" + prefix, value)
    if name in _PATH_HEADERS and value.startswith(b"/"):
        return prefix + value
    return value
