"""The short way of an address whose answer is known: past all layers and routes.

What the layers decide on an anonymous GET (is the host ours, may the origin read it, which headers
belong to it) depends on the path, the query, the Host and the Origin alone. So the headers of the
first answer are remembered for these four, and sent again with each later one. What does depend on
the request is done for each: its trace id, its rate limits, the version of the catalogue, its log
line and metrics. That takes half the CPU of all layers in turn.
"""

import dataclasses
import functools
import time
from collections.abc import Awaitable, Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.platform.http.rate_limiting import RateLimits
from scholarship_api.platform.http.request_context import CLIENT_CLOSED, RequestContext
from scholarship_api.platform.observability import tracing
from scholarship_api.platform.rate_limiting.limiter import RateLimiterUnavailable
from scholarship_api.search.responses.answers import KNOWN_KEY, Answering
from scholarship_api.search.responses.json_response import Headers
from scholarship_api.search.responses.response_cache import Address, Known

Header = tuple[bytes, bytes]

_METHODS: Final = frozenset({"GET", "HEAD"})
_FOR_THE_LAYERS: Final = frozenset({b"authorization", b"content-length", b"transfer-encoding"})
"""Headers with which a layer may decide otherwise."""
_OF_ONE_ANSWER: Final = frozenset(
    {
        b"cache-control",
        b"content-length",
        b"content-type",
        b"etag",
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
        b"x-request-id",
        b"x-trace-id",
    }
)


class KnownAnswersMiddleware:
    """Above everything else."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        answering: Answering,
        context: RequestContext,
        limits: RateLimits,
    ) -> None:
        self._app = app
        self._answering = answering
        self._context = context
        self._limits = limits

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or scope["method"] not in _METHODS or tracing.is_on():
            return self._app(scope, receive, send)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if len(headers) != len(scope["headers"]) or not _FOR_THE_LAYERS.isdisjoint(headers):
            return self._app(scope, receive, send)  # sent twice, or of concern to a layer
        host, origin = headers.get(b"host"), headers.get(b"origin")
        address = (scope["path"], scope["query_string"], host, origin)
        known = self._answering.cache.known(address)
        if known is None:
            return self._app(scope, receive, self._remembering(address, scope, send))
        return self._answer(known, scope, receive, send)

    async def _answer(self, known: Known, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        status = response_bytes = 0
        is_ours = True
        try:
            trace_id = self._context.read(scope).encode()
            headers = ((b"x-request-id", trace_id), (b"x-trace-id", trace_id))
            counted = await self._count(scope) if self._limits.enabled else ()
            found = (
                await self._answering.known_answer(known, scope) if counted is not None else None
            )
            if counted is None or found is None:
                is_ours = False
                await self._app(scope, receive, send)
                return
            answer, seconds = found
            status, response_bytes = await answer.send(
                scope, send, seconds=seconds, headers=headers + counted, shared=known.headers
            )
        finally:
            if is_ours:
                self._context.report(
                    scope,
                    route=known.route,
                    status=status or CLIENT_CLOSED,
                    started_at=started_at,
                    response_bytes=response_bytes,
                )

    async def _count(self, scope: Scope) -> Headers | None:
        """What the rate limits say to the client; None if they have more to do than that."""
        try:
            verdict = await self._limits.verdict(scope)
        except RateLimiterUnavailable:
            return None
        return verdict.raw_headers if verdict is not None and verdict.passed else None

    def _remembering(self, address: Address, scope: Scope, send: Send) -> Send:
        def send_and_remember(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start" and KNOWN_KEY in scope:
                known: Known = scope[KNOWN_KEY]
                headers = _kept_headers(message["headers"])
                self._answering.cache.remember(address, dataclasses.replace(known, headers=headers))
            return send(message)

        return send_and_remember


def _kept_headers(headers: Iterable[Header]) -> Headers:
    return _one_object(tuple(header for header in headers if header[0] not in _OF_ONE_ANSWER))


@functools.lru_cache(maxsize=256)
def _one_object(headers: Headers) -> Headers:
    """The same one for all addresses with equal headers."""
    return headers
