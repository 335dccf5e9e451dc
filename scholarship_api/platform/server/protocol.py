"""HTTP/1.1 with limits: rejects in the error schema what must not reach the application.

Below this protocol nothing limits the size of a request's head (httptools accepts 8 MB), of chunk
extensions and trailers, or the time that a client takes.
"""

import asyncio
from functools import partial
from typing import Any, Final, cast

import httptools
import structlog
from starlette.types import ASGIApp, Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from scholarship_api.errors import (
    ApiError,
    BadRequest,
    HeadersTooLarge,
    RateLimited,
    ServiceUnavailable,
    UriTooLong,
    trace_id_of,
)
from scholarship_api.platform.server.body_progress import BodyProgress
from scholarship_api.platform.server.framing import (
    RequestRejected,
    check_head,
    head_size,
    is_proxy_protocol,
    rejection_of,
    replace_host,
)
from scholarship_api.platform.server.limits import ConnectionState
from scholarship_api.platform.server.rejections import (
    REJECTION_KEY,
    encoded_rejection,
    rejection_scope,
)
from scholarship_api.platform.server.response_writer import ResponseWriter
from scholarship_api.platform.server.timers import Timer

_NO_PROXY_PROTOCOL: Final = (
    "The PROXY protocol is not supported; let the proxy send X-Forwarded-For over HTTP."
)
_CLIENT_KEY: Final = "client_identity"
"""The scope key of the client for which a request is counted."""

_log = structlog.stdlib.get_logger(__name__)


class _LingeringTransport:
    """The transport of a request with a body: closing it gives the client time to read."""

    def __init__(self, transport: asyncio.Transport, protocol: "BoundedHttpProtocol") -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = protocol.close_after_response


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection. Its server state is a `ConnectionState`."""

    # Python finds the attributes of an object more slowly when its dictionary has more than 30.
    __slots__ = (
        "_body",
        "_body_client",
        "_discards_input",
        "_head_bytes",
        "_idle_timer",
        "_is_unused",
        "_limits",
        "_linger_bytes",
        "_lingering_transport",
        "_peer",
        "_read_timer",
        "_received_bytes",
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
        self._read_timer = Timer(self.loop)
        self._write_timer = Timer(self.loop)
        self._idle_timer = Timer(self.loop)
        """Runs between a response and the next request, instead of uvicorn's."""
        self._is_unused = True
        """Whether no data have arrived yet."""
        self._discards_input = False
        """Whether all further input is thrown away."""
        self._received_bytes = 0
        """Size of the data that is being parsed."""
        self._head_bytes = 0
        """Size of the current head, as far as it came with earlier data."""
        self._body = BodyProgress(self._limits)
        self._linger_bytes = self._limits.linger_bytes
        """How many more bytes may be thrown away."""
        self._peer: str | None = None
        """The peer as a client of its own; None for a trusted proxy."""
        self._body_client: str | None = None
        """The client for which an unfinished body is counted."""

    # --- The connection ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._lingering_transport = cast("asyncio.Transport", _LingeringTransport(transport, self))
        self._peer = self._state.clients.peer(self._peer_host)
        if self._peer is not None:
            self._state.clients.add_connection(self._peer, self)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_reading()
        for timer in (self._read_timer, self._write_timer, self._idle_timer):
            timer.close()
        if self._peer is not None:
            self._state.clients.remove_connection(self._peer, self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._discards_input:
            self._discard(len(data))
            return
        self._received_bytes = len(data)
        if self._is_unused and is_proxy_protocol(data):
            self._reject(BadRequest(_NO_PROXY_PROTOCOL))
            return
        self._is_unused = False
        scope_before, cycle_before = self.scope, self.cycle
        began_in_body = cycle_before is not None and cycle_before.more_body
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # answered as plain HTTP/1.1, see on_headers_complete
        except httptools.HttpParserError as error:
            self._reject(rejection_of(error))
            return
        cycle = self.cycle
        if self._body_client is not None and not self._in_body:
            self._end_body()
        if cycle is None or cycle.scope is not self.scope:
            is_new = self.scope is not scope_before
            # Data with parts of other requests tells nothing about the size of this one.
            is_shared = is_new and (began_in_body or cycle is not cycle_before)
            self._on_partial_head(0 if is_shared else len(data), is_new=is_new)
        elif cycle.more_body:
            self._on_partial_body(len(data), is_new=cycle is not cycle_before)
        elif not cycle.response_complete:  # else these were empty lines, which change no timer
            self._head_bytes = 0
            self._read_timer.stop()

    @property
    def _in_head(self) -> bool:
        """Whether the head of a request has begun and not ended.

        uvicorn makes the scope at the first byte of a head, and the cycle after the last.
        """
        cycle = self.cycle
        return self.scope is not None and (cycle is None or cycle.scope is not self.scope)

    @property
    def _in_body(self) -> bool:
        """Whether a body has not arrived completely, even if it has been answered already."""
        cycle = self.cycle
        return cycle is not None and cycle.scope is self.scope and cycle.more_body

    @property
    def is_idle(self) -> bool:
        """Whether no request, not even the beginning of one, awaits its response."""
        return not self._in_head and (self.cycle is None or self.cycle.response_complete)

    @property
    def is_idle_or_in_head(self) -> bool:
        """Whether no request of this connection is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def _peer_host(self) -> str:
        return self.client[0] if self.client else ""

    def abort(self) -> None:
        """Close the connection at once, without sending what is buffered."""
        self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer.start(self._limits.write_seconds, self._abort_unread)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._write_timer.stop()
        if self.is_idle_or_in_head:
            self._await_reading()

    # --- The parser's callbacks -------------------------------------------------------------------

    def on_message_begin(self) -> None:
        # Not in data_received: empty lines between requests must not keep a connection alive.
        self._idle_timer.stop()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._head_bytes + self._received_bytes > self._limits.head_bytes:
            self._check_head_size(head_size(self.url, self.headers))
        is_upgrade = self.parser.should_upgrade()
        names = [name for name, _ in self.headers]
        is_chunked = b"transfer-encoding" in names
        if is_chunked or is_upgrade or names.count(b"host") != 1 or self.url[:1] != b"/":
            check_head(
                version=self.parser.get_http_version(),
                url=self.url,
                headers=self.headers,
                is_upgrade=is_upgrade,
            )
            replace_host(self.url, self.headers)
        has_body = is_chunked or b"content-length" in names
        rejection = self._rejection_for_load(has_body=has_body)
        if rejection is None:
            super().on_headers_complete()
        else:
            self.scope[REJECTION_KEY] = rejection  # type: ignore[typeddict-unknown-key]
            app, self.app = self.app, self._state.rejections
            try:
                super().on_headers_complete()
            finally:
                self.app = app
        if has_body:
            self.cycle.transport = self._lingering_transport
        if is_chunked:
            # httptools reports trailers as headers, which no proxy has checked: they go into a
            # copy that the scope does not have.
            self.headers = list(self.headers)
        # A client that has too much in progress gets no answers to what it has pipelined.
        if is_upgrade or self._state.draining or isinstance(rejection, RateLimited):
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body.add_content(len(body))
        super().on_body(body)

    def on_response_complete(self) -> None:
        """As uvicorn's, with another timer."""
        self._await_reading()
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())  # type: ignore[arg-type]
        else:
            self._idle_timer.start(self.timeout_keep_alive, self.transport.close)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        """Run `app`; unlike uvicorn's method, this one counts the request for its client."""
        ResponseWriter.adopt(cycle)
        task = self.loop.create_task(cycle.run_asgi(app))  # type: ignore[arg-type]
        self.tasks.add(task)
        client: str | None = cast("Scope", cycle.scope).get(_CLIENT_KEY)
        if client is None:
            task.add_done_callback(self.tasks.discard)
        else:
            self._state.clients.begin_request(client)
            task.add_done_callback(partial(self._end_request, client))

    def _end_request(self, client: str, task: "asyncio.Task[None]") -> None:
        self.tasks.discard(task)
        self._state.clients.end_request(client)

    # --- Limits -----------------------------------------------------------------------------------

    def _rejection_for_load(self, *, has_body: bool) -> ApiError | None:
        """The error to answer if the worker or the client has too many requests in progress."""
        if self.url.partition(b"?")[0] in self._state.always_answered_paths:
            return None
        if len(self.tasks) >= self._limits.concurrent_requests:
            return ServiceUnavailable("The service is busy; try again shortly.")
        clients = self._state.clients
        client = self._peer or clients.client(self._peer_host, self.headers)
        if client is None:
            return None
        rejection = clients.request_rejection(client)
        if rejection is None and has_body:
            rejection = clients.body_rejection(client)
        if rejection is None:
            self.scope[_CLIENT_KEY] = client  # type: ignore[typeddict-unknown-key]
        return rejection

    def _begin_body(self) -> None:
        self._end_body()
        self._body_client = cast("Scope", self.scope).get(_CLIENT_KEY)
        if self._body_client is not None:
            self._state.clients.begin_body(self._body_client)

    def _end_body(self) -> None:
        if self._body_client is not None:
            self._state.clients.end_body(self._body_client)
            self._body_client = None

    def _check_head_size(self, size: int) -> None:
        if size > self._limits.head_bytes:
            raise RequestRejected(self._head_too_large())

    def _head_too_large(self) -> ApiError:
        return UriTooLong() if len(self.url) > self._limits.url_bytes else HeadersTooLarge()

    def _on_partial_head(self, size: int, *, is_new: bool) -> None:
        if cast("Scope | None", self.scope) is None:
            return  # empty lines; the timer runs since the connection was made
        self._head_bytes = size if is_new else self._head_bytes + size
        if max(self._head_bytes, head_size(self.url, self.headers)) > self._limits.head_bytes:
            self._reject(self._head_too_large())
        elif is_new:
            self._await_head()

    def _on_partial_body(self, size: int, *, is_new: bool) -> None:
        if is_new:
            self._head_bytes = 0
            self._body.begin()
            self._linger_bytes = self._limits.linger_bytes
            self._begin_body()
            self._await_body()
            return
        self._body.add(size)
        if self._body.is_mostly_framing:
            self._reject(BadRequest("Send chunks without extensions and trailers."))
        elif self.cycle.response_complete and self._exceeds_linger_bytes(size):
            self._linger()
        elif not self._read_timer.is_running:
            self._await_body()

    # --- Time limits ------------------------------------------------------------------------------

    def _await_head(self) -> None:
        self._read_timer.start(self._limits.head_seconds, self._on_late_head)

    def _on_late_head(self) -> None:
        if self._in_head:
            self._reject(BadRequest("The request did not arrive in time."))
        elif self.is_idle:
            self.transport.close()

    def _await_body(self) -> None:
        self._read_timer.start(self._body.begin_interval(), self._check_body_progress)

    def _check_body_progress(self) -> None:
        if not self._in_body:
            return
        if self.is_idle:
            self.transport.close()
        elif self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._await_body()  # the client waits for the application
        elif self._body.is_too_slow():
            self._reject(BadRequest("The body did not arrive in time."))
        else:
            self._await_body()

    def _await_reading(self) -> None:
        """Give the client time to read a response that is complete but not sent."""
        if not self.transport.get_write_buffer_size():
            self._write_timer.stop()
        elif not self._write_timer.is_running:
            self._write_timer.start(self._limits.write_seconds, self._abort_unread)

    def _abort_unread(self) -> None:
        if self.transport.get_write_buffer_size():
            _log.warning("answer.not_read", peer=self._peer_host or None)
            self.transport.abort()

    # --- Shutdown ---------------------------------------------------------------------------------

    def drain(self) -> None:
        """End the connection with the next response that can still say so."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def close_idle(self) -> None:
        if self.is_idle:
            self.transport.close()

    def abort_request(self) -> None:
        """Give up the request in progress: 503 if none of its response has been sent."""
        cycle = self.cycle
        if self.is_idle or self._discards_input or cycle is None or cycle.response_complete:
            self.transport.close()
            return
        scope = cast("Scope", cycle.scope)
        _log.error("request.cut_off", method=scope["method"], trace_id=trace_id_of(scope))
        self._stop_reading()
        self._respond_instead(ServiceUnavailable("The service is shutting down; send this again."))

    # --- Rejections and the end of the connection -------------------------------------------------

    def close_after_response(self) -> None:
        """Close the connection, which may still have to receive the rest of a body."""
        if self._in_body or self._discards_input:
            self._linger()
        else:
            self.transport.close()

    def _reject(self, error: ApiError) -> None:
        """Answer `error` and end the connection; nothing more is parsed."""
        if self._discards_input:
            return
        if self._in_head:
            self._linger_bytes = self._limits.head_linger_bytes
        self._stop_reading()
        cycle = self.cycle
        if cycle is None or (cycle.response_complete and self._in_head):
            self._respond(error)
        elif cycle.response_complete:
            self._linger()  # the request has its response
        elif self._in_head:
            # A response here would become a part of the response to an earlier request.
            cycle.keep_alive = False
            cycle.transport = self._lingering_transport
        else:
            self._respond_instead(error)

    def _stop_reading(self) -> None:
        self._discards_input = True
        self._read_timer.stop()
        self._end_body()

    def _respond_instead(self, error: ApiError) -> None:
        """Answer `error` in place of the application, unless its response has begun."""
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        if self.cycle.response_started or self.pipeline:
            self.transport.close()
        else:
            self._respond(error)

    def _respond(self, error: ApiError) -> None:
        # The parser knows the method once it has passed it.
        method = self.parser.get_method().decode() if self.scope is not None and self.url else None
        scope = rejection_scope(error, method=method, headers=self.headers or ())
        scope.update(scheme=self.scheme, client=self.client, server=self.server)
        task = self.loop.create_task(self._send_rejection(scope), name="rejection")
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _send_rejection(self, scope: Scope) -> None:
        try:
            response = await encoded_rejection(
                self._state.rejections, scope, self.server_state.default_headers
            )
            if not self.transport.is_closing():
                self.transport.write(response)
        finally:
            self._linger()

    def _linger(self) -> None:
        """Stop sending, and discard input for a moment.

        Closing with unread data would reset the connection, and the client might lose the response
        (RFC 9112, section 9.6).
        """
        self._stop_reading()
        self._idle_timer.stop()
        if self.transport.is_closing():
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._read_timer.start(self._limits.linger_seconds, self.transport.close)
        self._await_reading()

    def _discard(self, size: int) -> None:
        if self._exceeds_linger_bytes(size):
            self.transport.close()

    def _exceeds_linger_bytes(self, size: int) -> bool:
        self._linger_bytes -= size
        return self._linger_bytes < 0
