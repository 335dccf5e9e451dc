"""The outermost middleware: trace id, client address and access log of each request."""

import os
import re
import time
from collections.abc import Awaitable, Sequence
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from scholarship_api.errors import TRACE_ID_KEY
from scholarship_api.platform.http.client_address import (
    Network,
    TrustedProxies,
    forwarded_scheme,
)
from scholarship_api.platform.observability.access_log import AccessLog, AccessRecord

ACCOUNT_ID_KEY: Final = "account_id"
"""The scope key under which authentication leaves the id of the verified account."""
ROUTE_TEMPLATE_KEY: Final = "route_template"
"""The scope key for the path template of an answer that a middleware gives itself."""
UNMATCHED: Final = "unmatched"
"""The path template of a request without a route; its raw path could hold anything."""
CLIENT_CLOSED_REQUEST: Final = 499
"""The status of a request that ended before its response started; nginx logs the same one."""

_IDS_KEY: Final = "request_ids"
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header; version ff and id 0 are invalid.
_TRACEPARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)


class RequestIds(NamedTuple):
    """The two ids of a request."""

    trace_id: str
    """Made here, or taken from a trusted proxy: no client can choose it."""
    request_id: str
    """The client's own id for the request, if it has sent a valid one; else the trace id."""

    @property
    def sent_id(self) -> str | None:
        """The client's own id for the request; None when it sent none, or it is the trace id."""
        return None if self.request_id == self.trace_id else self.request_id

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers of the response that tell the ids."""
        trace_id = self.trace_id.encode()
        is_own = self.request_id is self.trace_id
        request_id = trace_id if is_own else self.request_id.encode()
        return ((b"x-request-id", request_id), (b"x-trace-id", trace_id))


class RequestContext:
    """Reads what identifies a request, and reports how it ended; one per process."""

    def __init__(
        self, *, trusted_proxies: Sequence[Network] = (), access_log: AccessLog | None = None
    ) -> None:
        self._proxies = TrustedProxies(trusted_proxies)
        self._access_log = access_log or AccessLog()

    def read(self, scope: Scope) -> RequestIds:
        """The ids; puts them, and what trusted proxies say about the client, into the scope."""
        already_read: RequestIds | None = scope.get(_IDS_KEY)
        if already_read is not None:
            return already_read
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
        is_trusted = self._resolve_client(scope, forwarded_for, forwarded_proto)
        sent_id = _sent_id(request_id, traceparent)
        trace_id = sent_id if sent_id and is_trusted else os.urandom(16).hex()
        ids = RequestIds(trace_id, sent_id or trace_id)
        scope[_IDS_KEY] = ids
        scope[TRACE_ID_KEY] = trace_id
        return ids

    def _resolve_client(
        self, scope: Scope, forwarded_for: list[bytes], forwarded_proto: list[bytes]
    ) -> bool:
        """Put the client's address and scheme into the scope; whether the peer is trusted."""
        host, port = scope.get("client") or ("", 0)
        peer = self._proxies.peer(host)
        if peer is None:
            return False
        if not peer.is_trusted:
            scope["client"] = (peer.text, port)
            return False
        client = self._proxies.client(peer, forwarded_for)
        scope["client"] = (str(client), port if client == peer.address else 0)
        if scheme := forwarded_scheme(forwarded_proto):
            scope["scheme"] = scheme
        return True

    def report(
        self, scope: Scope, *, route: str, status: int, started_at: float, response_bytes: int
    ) -> None:
        """Add the request to the access log; `started_at` is of the performance counter."""
        client = scope.get("client")
        ids: RequestIds = scope[_IDS_KEY]
        self._access_log.add(
            AccessRecord(
                scope["method"],
                route,
                status,
                time.perf_counter() - started_at,
                response_bytes,
                ids.trace_id,
                ids.request_id,
                client[0] if client else None,
                scope.get(ACCOUNT_ID_KEY),
                time.time(),
            )
        )


def _sent_id(request_id: bytes | None, traceparent: bytes | None) -> str | None:
    """The id that the peer has sent for the request, if it is valid."""
    if request_id is not None and _REQUEST_ID.fullmatch(request_id):
        return str(request_id, "ascii")
    if traceparent is not None and (match := _TRACEPARENT.fullmatch(traceparent)):
        return str(match[1], "ascii")
    return None


class RequestContextMiddleware:
    """Gives each request its trace id, client address and scheme, and logs how it ended.

    Everything else in the process reads them from the scope.
    """

    def __init__(self, app: ASGIApp, *, context: RequestContext) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        ids = self._context.read(scope)
        status = 0
        response_bytes = 0

        def send_with_ids(message: Message) -> Awaitable[None]:
            nonlocal status, response_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *ids.headers]
            elif message["type"] == "http.response.body":
                response_bytes += len(message.get("body", b""))
            return send(message)

        tokens = bind_contextvars(trace_id=ids.trace_id, request_id=ids.request_id)
        try:
            await self._app(scope, receive, send_with_ids)
        finally:
            self._context.report(
                scope,
                route=route_template(scope),
                status=status or CLIENT_CLOSED_REQUEST,
                started_at=started_at,
                response_bytes=response_bytes,
            )
        # Not after an exception: the server logs it next, in this task, with this trace id.
        reset_contextvars(**tokens)


def route_template(scope: Scope) -> str:
    """The path template of the request's route, with the prefixes of its routers."""
    if ROUTE_TEMPLATE_KEY in scope:
        return str(scope[ROUTE_TEMPLATE_KEY])
    # Since FastAPI 0.137 a router is included without copying its routes, and scope["route"] is
    # the original without the prefix; the route as included stands beside it.
    included = scope.get("fastapi", {}).get("effective_route_context")
    return str(getattr(included or scope.get("route"), "path_format", UNMATCHED))


def ids_of(scope: Scope) -> RequestIds:
    """The ids of a request, inside of RequestContextMiddleware."""
    ids: RequestIds = scope[_IDS_KEY]
    return ids
