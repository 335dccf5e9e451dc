"""The outermost layer: who asks, under which trace id, and what came of it."""

import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from scholarship_api.errors import TRACE_ID_KEY
from scholarship_api.platform.http.address import (
    Address,
    Network,
    TrustedProxies,
    forwarded_scheme,
)
from scholarship_api.platform.logging import write_access

ACCOUNT_ID_KEY: Final = "account_id"
"""The scope key under which authentication leaves the id of the verified account."""
ROUTE_TEMPLATE_KEY: Final = "route_template"
"""The scope key for the path template of an answer that a layer gives itself."""
UNMATCHED: Final = "unmatched"
"""The path template of a request that no route took; a raw path could hold anything."""
CLIENT_CLOSED: Final = 499
"""The status, as nginx names it, of a request that ended before its answer started."""

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header; version ff and id 0 are invalid.
_TRACEPARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)

_EVENT: Final = "request.finished"
_LOGGER: Final = "scholarship_api.access"

_log = structlog.stdlib.get_logger(_LOGGER)


@dataclass(slots=True)
class Exchange:
    """A request and its answer."""

    method: str
    route: str
    """The path template, such as /api/v1/scholarships/{id}; `unmatched` without a route."""
    status: int
    seconds: float
    """From the first look at the request to the end of the answer."""
    body_bytes: int
    """Of the answer."""


Observer = Callable[[Exchange], None]
"""Hears of every exchange, after the answer; must neither block nor raise."""


class RequestContextLayer:
    """Gives each request its trace id, client address and scheme, and logs how it ended.

    Everything else in the process reads them from the scope.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        trusted_proxies: Sequence[Network] = (),
        observers: Sequence[Observer] = (),
    ) -> None:
        self._app = app
        self._proxies = TrustedProxies(trusted_proxies)
        self._observers = tuple(observers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        trace_id = self._read_headers(scope)
        scope[TRACE_ID_KEY] = trace_id
        encoded_id = trace_id.encode()
        status = 0
        body_bytes = 0

        def send_with_ids(message: Message) -> Awaitable[None]:
            nonlocal status, body_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", encoded_id),
                    (b"x-trace-id", encoded_id),
                ]
            elif message["type"] == "http.response.body":
                body_bytes += len(message.get("body", b""))
            return send(message)

        tokens = bind_contextvars(trace_id=trace_id, request_id=trace_id)
        try:
            await self._app(scope, receive, send_with_ids)
        finally:
            exchange = Exchange(
                method=scope["method"],
                route=route_template(scope),
                status=status or CLIENT_CLOSED,
                seconds=time.perf_counter() - started_at,
                body_bytes=body_bytes,
            )
            self._report(exchange, scope)
        # Not after an exception: the server logs it next, in this task, under this trace id.
        reset_contextvars(**tokens)

    def _read_headers(self, scope: Scope) -> str:
        """The trace id; puts what trusted proxies say about the client into the scope."""
        request_id = traceparent = None
        forwarded_for: list[bytes] = []
        forwarded_proto: list[bytes] = []
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value
            elif name == b"traceparent":
                traceparent = value
            elif name == b"x-forwarded-for":
                forwarded_for.append(value)
            elif name == b"x-forwarded-proto":
                forwarded_proto.append(value)
        self._resolve_client(scope, forwarded_for, forwarded_proto)
        if request_id is not None and _REQUEST_ID.fullmatch(request_id):
            return str(request_id, "ascii")
        if traceparent is not None and (match := _TRACEPARENT.fullmatch(traceparent)):
            return str(match[1], "ascii")
        return os.urandom(16).hex()

    def _resolve_client(
        self, scope: Scope, forwarded_for: list[bytes], forwarded_proto: list[bytes]
    ) -> None:
        host, port = scope.get("client") or ("", 0)
        stranger = self._proxies.stranger(host)
        if stranger is not None:
            scope["client"] = (stranger, port)
            return
        peer = self._proxies.peer(host)
        if peer is None:
            return
        client = self._proxies.client(peer, forwarded_for) if forwarded_for else peer
        scope["client"] = (_text_of(client), port if client == peer else 0)
        if scheme := forwarded_scheme(forwarded_proto):
            scope["scheme"] = scheme

    def _report(self, exchange: Exchange, scope: Scope) -> None:
        client = scope.get("client")
        client_ip = client[0] if client else None
        latency_ms = round(exchange.seconds * 1000, 2)
        if not write_access(
            event=_EVENT,
            logger=_LOGGER,
            trace_id=scope[TRACE_ID_KEY],
            method=exchange.method,
            path=exchange.route,
            status=exchange.status,
            latency_ms=latency_ms,
            client_ip=client_ip,
            user_id=scope.get(ACCOUNT_ID_KEY),
            body_bytes=exchange.body_bytes,
        ):
            _log.info(
                _EVENT,
                method=exchange.method,
                path=exchange.route,
                status=exchange.status,
                latency_ms=latency_ms,
                client_ip=client_ip,
                user_id=scope.get(ACCOUNT_ID_KEY),
                bytes=exchange.body_bytes,
            )
        for observe in self._observers:
            observe(exchange)


@lru_cache(maxsize=4096)
def _text_of(address: Address) -> str:
    return str(address)


def route_template(scope: Scope) -> str:
    """The template of the route that took the request, with the prefixes of its routers."""
    if ROUTE_TEMPLATE_KEY in scope:
        return str(scope[ROUTE_TEMPLATE_KEY])
    # Since FastAPI 0.137 a router is included without copying its routes, and scope["route"] is
    # the original without the prefix; the route as included stands beside it.
    included = scope.get("fastapi", {}).get("effective_route_context")
    return str(getattr(included or scope.get("route"), "path_format", UNMATCHED))
