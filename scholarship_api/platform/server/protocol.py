"""HTTP/1.1 with bounds: what never reaches the application is refused here, in the error schema.

llhttp refuses malformed messages, but nothing below us bounds the head of a request (httptools
accepted an 8 MB header), chunk extensions, trailers, or the time that a client takes.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, cast

import httptools
import structlog
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from scholarship_api.errors import (
    ApiError,
    BadRequest,
    HeadersTooLarge,
    InvalidHost,
    ServiceUnavailable,
    UriTooLong,
    trace_id_of,
)
from scholarship_api.platform.server.limits import ConnectionState
from scholarship_api.platform.server.rejections import REFUSAL_KEY, encoded_refusal, refusal_scope
from scholarship_api.platform.server.response_writer import ResponseWriter

_log = structlog.stdlib.get_logger(__name__)

Header = tuple[bytes, bytes]

UNCOUNTED_PATHS: Final = frozenset(
    {b"/healthz", b"/readyz", b"/health", b"/health/services", b"/health/database", b"/metrics"}
)
"""Probes and metrics are answered however busy the worker is."""


class _RefusedError(Exception):
    """Carries a refusal out of the parser's callbacks."""

    def __init__(self, error: ApiError) -> None:
        self.error = error
        super().__init__(error.code)


class _AnsweringTransport:
    """The transport as a request sees it: closing it leaves the client time to read the answer."""

    def __init__(self, transport: asyncio.Transport, protocol: "BoundedHttpProtocol") -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = protocol.end


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. Needs a `ConnectionState` as its server state."""

    # Beyond 30 attributes Python stores an instance's less compactly and finds them slower.
    __slots__ = (
        "_answering",
        "_body_bytes",
        "_body_bytes_seen",
        "_body_content_bytes",
        "_ended",
        "_feed_bytes",
        "_head_bytes",
        "_limits",
        "_linger_bytes",
        "_read_timer",
        "_state",
        "_write_timer",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._state = cast("ConnectionState", server_state)
        self._limits = self._state.limits
        self._answering = cast("asyncio.Transport", None)
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

        self._ended = False
        """Whether what still comes in is thrown away."""
        self._feed_bytes = 0
        self._head_bytes = 0
        """Of the present head, in earlier feeds."""
        self._body_bytes = 0
        """Of the present body and its framing, in feeds that began inside of it."""
        self._body_content_bytes = 0
        self._body_bytes_seen = 0
        """`_body_bytes` when the timer was last set."""
        self._linger_bytes = self._limits.linger_bytes

    # --- The connection ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._answering = cast("asyncio.Transport", _AnsweringTransport(transport, self))
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._stop_timers()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._ended:
            self._throw_away(len(data))
            return
        self._feed_bytes = len(data)
        scope, before = self.scope, self.cycle
        began_in_body = before is not None and before.more_body
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # answered as plain HTTP/1.1, see on_headers_complete
        except httptools.HttpParserError as error:
            self._refuse(_refusal_of(error))
            return
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope:
            began_here = self.scope is not scope
            # A feed with parts of other requests says nothing about the size of this one.
            shared = began_here and (began_in_body or cycle is not before)
            self._head_incomplete(0 if shared else len(data), began_here=began_here)
        elif cycle.more_body:
            self._body_incomplete(len(data), began_here=cycle is not before)
        elif not cycle.response_complete:  # else empty lines, which keep nothing alive
            self._head_bytes = 0
            if self._read_timer is not None:
                self._read_timer.cancel()
                self._read_timer = None

    @property
    def _in_head(self) -> bool:
        """Whether the head of a request has begun and not ended: uvicorn makes the scope at the
        first byte, and the cycle after the last."""
        cycle = self.cycle
        return self.scope is not None and (cycle is None or cycle.scope is not self.scope)

    @property
    def _in_body(self) -> bool:
        """Whether a body has not been read to its end. Stays true when the answer came before."""
        cycle = self.cycle
        return cycle is not None and cycle.scope is self.scope and cycle.more_body

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self._limits.write_seconds, self._unread)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    # --- The parser's callbacks -------------------------------------------------------------------

    def on_message_begin(self) -> None:
        # Not in data_received: empty lines between requests must not keep a connection alive.
        self._unset_keepalive_if_required()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._head_bytes + self._feed_bytes > self._limits.head_bytes:
            self._check_head_size(_size_of_head(self.url, self.headers))
        names = [name for name, _ in self.headers]
        coded = b"transfer-encoding" in names
        has_body = coded or b"content-length" in names
        upgrade = self.parser.should_upgrade()
        if coded or names.count(b"host") != 1:
            self._check_framing(names.count(b"host"))
        if upgrade and has_body:
            # llhttp would take the body for the next request.
            raise _RefusedError(BadRequest("Send a request with a body without Upgrade."))
        if self.url[:1] != b"/" and not httptools.parse_url(self.url).path:
            raise _RefusedError(BadRequest("Send a path."))
        if len(self.tasks) >= self._limits.concurrency and not self._is_uncounted():
            app, self.app = self.app, self._answer_overloaded
            try:
                super().on_headers_complete()
            finally:
                self.app = app
        else:
            super().on_headers_complete()
        if has_body:
            self.cycle.transport = self._answering
        if coded:
            # httptools hands trailers over as headers, which no proxy has seen as such.
            self.headers = list(self.headers)
        if upgrade or self._state.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body_content_bytes += len(body)
        super().on_body(body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        ResponseWriter.adopt(cycle)
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    # --- The bounds -------------------------------------------------------------------------------

    def _check_head_size(self, size: int) -> None:
        if size > self._limits.head_bytes:
            raise _RefusedError(self._too_large())

    def _too_large(self) -> ApiError:
        return UriTooLong() if len(self.url) > self._limits.url_bytes else HeadersTooLarge()

    def _check_framing(self, hosts: int) -> None:
        """Refuse what another parser on the way could understand in another way (RFC 9112)."""
        version = self.parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            raise _RefusedError(BadRequest("Speak HTTP/1.1."))
        if hosts > 1 or (hosts == 0 and version == "1.1"):
            raise _RefusedError(InvalidHost("Send exactly one Host header."))
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings and (codings != [b"chunked"] or version == "1.0"):
            raise _RefusedError(BadRequest("Send the body with a length, or chunked."))

    def _is_uncounted(self) -> bool:
        return self.url.partition(b"?")[0] in UNCOUNTED_PATHS

    def _head_incomplete(self, size: int, *, began_here: bool) -> None:
        if cast("Scope | None", self.scope) is None:
            return  # empty lines; the timer runs since the connection was made
        self._head_bytes = size if began_here else self._head_bytes + size
        known = max(self._head_bytes, _size_of_head(self.url, self.headers))
        if known > self._limits.head_bytes:
            self._refuse(self._too_large())
        elif began_here:
            self._await_head()

    def _body_incomplete(self, size: int, *, began_here: bool) -> None:
        if began_here:
            self._head_bytes = self._body_bytes = self._body_content_bytes = 0
            self._linger_bytes = self._limits.linger_bytes
            self._await_body()
            return
        self._body_bytes += size
        overhead = self._body_bytes - self._body_content_bytes
        # A chunk of one byte takes six; what is beyond are chunk extensions and trailers, which
        # llhttp skips however long they are (CVE-2024-22019 of Node).
        if overhead > self._limits.head_bytes + 8 * self._body_content_bytes:
            self._refuse(BadRequest("Send chunks without extensions and trailers."))
        elif self.cycle.response_complete and self._spent(size):
            self._linger()
        elif self._read_timer is None:
            self._await_body()

    # --- Time -------------------------------------------------------------------------------------

    def _await_head(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
        self._read_timer = self.loop.call_later(self._limits.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self._read_timer = None
        if self._in_head:
            self._refuse(BadRequest("The request did not arrive in time."))
        elif self.is_idle:
            self.transport.close()

    def _await_body(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
        self._body_bytes_seen = self._body_bytes
        self._read_timer = self.loop.call_later(self._limits.body_seconds, self._body_is_late)

    def _body_is_late(self) -> None:
        self._read_timer = None
        if not self._in_body:
            return
        waiting_for_us = self.flow.read_paused or self.cycle.waiting_for_100_continue
        progress = self._body_bytes - self._body_bytes_seen
        if not self.is_idle and (waiting_for_us or progress >= self._limits.body_bytes):
            self._await_body()
        elif not self.is_idle:
            self._refuse(BadRequest("The body did not arrive in time."))
        else:
            self.transport.close()

    def _unread(self) -> None:
        self._write_timer = None
        _log.warning("answer.not_read", peer=self._peer())
        self.transport.abort()

    def _stop_timers(self) -> None:
        for timer in (self._read_timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._read_timer = self._write_timer = None

    # --- Draining ---------------------------------------------------------------------------------

    @property
    def is_idle(self) -> bool:
        """Whether no request waits for its answer, not even a part of one."""
        return not self._in_head and (self.cycle is None or self.cycle.response_complete)

    def drain(self) -> None:
        """End with the next answer that can still say so."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def close_idle(self) -> None:
        if self.is_idle:
            self.transport.close()

    def cut_off(self) -> None:
        """Give up the request in progress, with 503 if nothing of its answer has been sent."""
        cycle = self.cycle
        if self.is_idle or self._ended or cycle is None or cycle.response_complete:
            self.transport.close()
            return
        scope = cast("Scope", cycle.scope)
        _log.error("request.cut_off", method=scope["method"], trace_id=trace_id_of(scope))
        self._end_unfinished()
        self._give_up(ServiceUnavailable("The service is shutting down; send this again."))

    # --- Refusals ---------------------------------------------------------------------------------

    def end(self) -> None:
        """Close after an answer that ends the connection."""
        if self._in_body or self._ended:
            self._linger()
        else:
            self.transport.close()

    def _refuse(self, error: ApiError) -> None:
        """Answer `error` and end the connection; nothing more is parsed."""
        if self._ended:
            return
        if self._in_head:
            self._linger_bytes = self._limits.head_linger_bytes
        self._end_unfinished()
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and self._in_head):
            self._answer(error)
        elif cycle.response_complete:
            self._linger()  # the request has had its answer
        elif self._in_head:
            # An answer here would become a part of the one to an earlier request.
            cycle.keep_alive = False
            cycle.transport = self._answering
        else:
            self._give_up(error)

    def _end_unfinished(self) -> None:
        self._ended = True
        self._stop_timers()

    def _give_up(self, error: ApiError) -> None:
        """Answer `error` in place of the application, unless it has begun to answer."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if self.cycle.response_started or self.pipeline:
            self.transport.close()
        else:
            self._answer(error)

    def _answer(self, error: ApiError) -> None:
        task = self.loop.create_task(self._answer_refusal(error), name="refusal")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer_refusal(self, error: ApiError) -> None:
        # The parser knows the method once it has passed it.
        method = self.parser.get_method().decode() if self.scope is not None and self.url else None
        scope = refusal_scope(error, method=method, headers=self.headers or ())
        scope.update(scheme=self.scheme, client=self.client, server=self.server)
        try:
            answer = await encoded_refusal(
                self._state.refusals, scope, self.server_state.default_headers
            )
            if not self.transport.is_closing():
                self.transport.write(answer)
        finally:
            self._linger()

    async def _answer_overloaded(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[REFUSAL_KEY] = ServiceUnavailable("The service is busy; try again shortly.")
        await self._state.refusals(scope, receive, send)

    def _linger(self) -> None:
        """Stop sending, and read on for a moment: closing with unread data would reset the
        connection, and the client might lose the answer (RFC 9112, section 9.6)."""
        self._ended = True
        self._stop_timers()
        self._unset_keepalive_if_required()
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._read_timer = self.loop.call_later(self._limits.linger_seconds, self.transport.close)

    def _throw_away(self, size: int) -> None:
        if self._spent(size):
            self.transport.close()

    def _spent(self, size: int) -> bool:
        self._linger_bytes -= size
        return self._linger_bytes < 0

    def _peer(self) -> str | None:
        return self.client[0] if self.client else None


def _size_of_head(url: bytes, headers: Sequence[Header]) -> int:
    return len(url) + sum(len(name) + len(value) + 4 for name, value in headers)


def _refusal_of(error: httptools.HttpParserError) -> ApiError:
    """The refusal for what the parser, or one of our callbacks, did not accept."""
    cause = error.__context__
    if isinstance(cause, _RefusedError):
        return cause.error
    if cause is not None and not isinstance(cause, httptools.HttpParserError | UnicodeError):
        _log.error("protocol.failed", exc_info=cause)
    return BadRequest()
