"""The bounded protocol on a loopback socket, with a small application."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState

from scholarship_api.platform.server.client_limits import ClientLimits
from scholarship_api.platform.server.limits import ConnectionState, Limits
from scholarship_api.platform.server.protocol import BoundedHttpProtocol
from scholarship_api.platform.server.rejections import rejection_app
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio

ORIGIN = "https://app.example.org"
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
KIB = 1024


class Application:
    """Sends back what it received.

    /slow waits, /unread and /close do not read the body, /large is 8 MiB. /medium fits into the
    buffers of the server, but not into those of the system; with ?close it ends the connection.
    """

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.disconnected = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        path = scope["path"]
        if path == "/slow":
            await self.release.wait()
        body = b""
        while path not in {"/unread", "/close"}:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected.set()
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(body)
        sizes = {"/large": 8 * KIB * KIB, "/medium": 60 * KIB}
        response = bytes(sizes[path]) if path in sizes else path.encode() + b":" + body
        headers = [(b"content-length", b"%d" % len(response))]
        if path == "/close" or scope["query_string"] == b"close":
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": response})


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


def parse(raw: bytes) -> list[Response]:
    responses = []
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(text.lower().split(": ", 1) for text in lines)
        size = int(headers["content-length"])
        responses.append(Response(int(line.split(" ")[1]), headers, rest[:size]))
        raw = rest[size:]
    return responses


class Service:
    def __init__(self, app: Application, state: ConnectionState, port: int) -> None:
        self.app = app
        self.state = state
        self.port = port

    def connections(self) -> list[BoundedHttpProtocol]:
        return cast("list[BoundedHttpProtocol]", list(self.state.connections))

    async def connect(
        self, receive_buffer: int | None = None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        connection = socket.socket()
        if receive_buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=connection)

    async def ask(self, *parts: bytes, pause: float = 0.02) -> list[Response]:
        """Send `parts` one after the other; all responses until the server closes."""
        return parse(await self.raw(*parts, pause=pause))

    async def raw(self, *parts: bytes, pause: float = 0.02) -> bytes:
        reader, writer = await self.connect()
        reading = asyncio.create_task(reader.read())
        try:
            for part in parts:
                if reading.done():
                    break
                writer.write(part)
                await asyncio.sleep(pause)
            async with asyncio.timeout(10):
                return await reading
        finally:
            writer.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(
    limits: Limits | None = None,
    keep_alive: int = 5,
    clients: ClientLimits | None = None,
    send_buffer: int | None = None,
) -> AsyncIterator[Service]:
    settings = Settings(environment="test", cors_allowed_origins=ORIGIN)
    app = Application()
    config = Config(
        app,
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        timeout_keep_alive=keep_alive,
    )
    state = ConnectionState(
        rejection_app(settings), limits, clients=clients, always_answered_paths=["/healthz"]
    )
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0))
    if send_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    server = await loop.create_server(lambda: BoundedHttpProtocol(config, state, {}), sock=listener)
    try:
        yield Service(app, state, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        app.release.set()
        for connection in list(state.connections):
            connection.transport.abort()
        await until(lambda: not state.connections and not state.tasks)


def assert_rejected(responses: Sequence[Response], status: int, code: str) -> Response:
    assert [response.status for response in responses] == [status]
    response = responses[0]
    assert response.error["code"] == code
    assert response.error["status"] == status
    assert set(response.error) == {"trace_id", "code", "message", "status", "timestamp"}
    assert response.headers["x-trace-id"] == response.error["trace_id"]
    assert response.headers["connection"] == "close"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"]
    return response


class TestHead:
    async def test_requests_of_one_connection_are_answered_in_order(self) -> None:
        async with serving() as service:
            requests = b"".join(
                b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%d" % (n, n)
                for n in range(5)
            )
            responses = await service.ask(requests + b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [response.body for response in responses[:5]] == [
            b"/%d:%d" % (n, n) for n in range(5)
        ]
        assert responses[5].headers["connection"] == "close"

    async def test_bytes_one_by_one(self) -> None:
        request = POST + b"Connection: close\r\nContent-Length: 2\r\n\r\nab"
        async with serving() as service:
            responses = await service.ask(*(bytes([byte]) for byte in request), pause=0.001)
        assert [response.body for response in responses] == [b"/:ab"]

    @pytest.mark.parametrize("parts", [1, 2, 7])
    async def test_64_kib_of_headers_are_rejected(self, parts: int) -> None:
        head = HEAD + b"X: " + b"a" * 64 * KIB + b"\r\n\r\n"
        size = -(-len(head) // parts)
        async with serving() as service:
            responses = await service.ask(*(head[i * size : (i + 1) * size] for i in range(parts)))
            assert service.app.scopes == []
        assert_rejected(responses, 431, "HEADERS_TOO_LARGE")

    async def test_many_small_headers_are_rejected(self) -> None:
        head = HEAD + b"".join(b"X-%d: a\r\n" % n for n in range(3000)) + b"\r\n"
        async with serving() as service:
            assert_rejected(await service.ask(head), 431, "HEADERS_TOO_LARGE")

    async def test_a_head_that_never_ends_is_rejected_at_the_limit(self) -> None:
        async with serving() as service:
            responses = await service.ask(HEAD + b"X: ", b"a" * 10 * KIB, b"a" * 10 * KIB)
        assert_rejected(responses, 431, "HEADERS_TOO_LARGE")

    async def test_a_large_head_behind_another_request_is_rejected(self) -> None:
        large = HEAD + b"X: " + b"a" * 20 * KIB + b"\r\n\r\n"
        async with serving() as service:
            raw = await service.raw(HEAD + b"\r\n" + large)
            assert len(service.app.scopes) == 1
        # The second request is rejected before the first response is sent, which is the last one.
        assert [response.status for response in parse(raw)] == [200]
        assert parse(raw)[0].headers["connection"] == "close"

    async def test_a_head_within_the_limit_passes_with_a_large_body(self) -> None:
        body = b"b" * 100 * KIB
        head = POST + b"X: " + b"a" * 15 * KIB + b"\r\nConnection: close\r\n"
        async with serving() as service:
            responses = await service.ask(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        assert [response.body for response in responses] == [b"/:" + body]

    async def test_a_request_line_that_is_too_long_is_answered_414(self) -> None:
        async with serving() as service:
            responses = await service.ask(b"GET /" + b"a" * 20 * KIB)
        assert_rejected(responses, 414, "URI_TOO_LONG")

    @pytest.mark.parametrize(
        "request_bytes",
        [
            b"GARBAGE\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n",
            b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\nHost: x\n\n",
            HEAD + b"X: a\x00b\r\n\r\n",
            HEAD + b"X: a\r\n folded\r\n\r\n",
            HEAD + b"X : a\r\n\r\n",
            HEAD + b"no colon\r\n\r\n",
        ],
    )
    async def test_malformed_requests_are_rejected(self, request_bytes: bytes) -> None:
        async with serving() as service:
            assert_rejected(await service.ask(request_bytes), 400, "BAD_REQUEST")
            assert service.app.scopes == []

    @pytest.mark.parametrize(
        "header",
        [
            b"PROXY TCP4 203.0.113.5 10.0.0.1 5000 80\r\n",
            b"PROXY UNKNOWN\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12),
        ],
    )
    async def test_the_proxy_protocol_is_rejected_with_a_reason(self, header: bytes) -> None:
        async with serving() as service:
            responses = await service.ask(header + HEAD + b"\r\n")
            assert service.app.scopes == []
        response = assert_rejected(responses, 400, "BAD_REQUEST")
        assert "X-Forwarded-For" in response.error["message"]

    @pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nHost: y\r\n"])
    async def test_a_request_has_exactly_one_host(self, hosts: bytes) -> None:
        async with serving() as service:
            responses = await service.ask(b"GET / HTTP/1.1\r\n" + hosts + b"\r\n")
            assert service.app.scopes == []
        assert_rejected(responses, 400, "INVALID_HOST")

    @pytest.mark.parametrize("version", [b"1.0", b"1.1"])
    @pytest.mark.parametrize(
        ("target", "host"),
        [
            (b"/a", b"x"),
            (b"http://other.example/a", b"other.example"),
            (b"http://other.example:81/a?b=//x", b"other.example:81"),
            (b"https://user@other.example/a", b"user@other.example"),
            (b"http://[::1]:81/a", b"[::1]:81"),
        ],
    )
    async def test_the_authority_of_an_absolute_url_wins_over_host(
        self, version: bytes, target: bytes, host: bytes
    ) -> None:
        head = b"GET %b HTTP/%b\r\nHost: x\r\nConnection: close\r\n\r\n" % (target, version)
        async with serving() as service:
            await service.ask(head)
            [scope] = service.app.scopes
        assert [value for name, value in scope["headers"] if name == b"host"] == [host]
        assert scope["path"] == "/a"

    async def test_http_1_0_needs_no_host(self) -> None:
        async with serving() as service:
            responses = await service.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert [response.status for response in responses] == [200]

    async def test_the_rejection_of_head_has_no_body(self) -> None:
        async with serving() as service:
            raw = await service.raw(b"HEAD / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n")
        assert raw.startswith(b"HTTP/1.1 400 ")
        assert raw.endswith(b"\r\n\r\n")

    async def test_rejections_keep_the_request_id_and_have_cors_headers(self) -> None:
        head = HEAD + b"X-Request-ID: my-id\r\nOrigin: " + ORIGIN.encode() + b"\r\n"
        async with serving() as service:
            responses = await service.ask(head + b"Host: y\r\n\r\n")
        response = assert_rejected(responses, 400, "INVALID_HOST")
        assert response.headers["x-request-id"] == "my-id"
        assert response.headers["access-control-allow-origin"] == ORIGIN

    async def test_a_malformed_preflight_is_not_answered_as_a_preflight(self) -> None:
        head = b"OPTIONS / HTTP/1.1\r\nHost: x\r\nHost: y\r\nOrigin: " + ORIGIN.encode()
        async with serving() as service:
            responses = await service.ask(head + b"\r\nAccess-Control-Request-Method: GET\r\n\r\n")
        assert_rejected(responses, 400, "INVALID_HOST")


class TestBody:
    @pytest.mark.parametrize(
        "rest",
        [
            b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
            b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"Content-Length: 1, 1\r\n\r\na",
            b"Content-Length: +1\r\n\r\na",
            b"Content-Length: -1\r\n\r\n",
            b"Content-Length: 99999999999999999999999\r\n\r\na",
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: identity\r\n\r\n",
            b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
            b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc",
        ],
    )
    async def test_ambiguous_framing_does_not_reach_the_application(self, rest: bytes) -> None:
        async with serving() as service:
            assert_rejected(await service.ask(POST + rest), 400, "BAD_REQUEST")
            assert service.app.scopes == []

    async def test_http_1_0_has_no_chunked_bodies(self) -> None:
        head = b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        async with serving() as service:
            assert_rejected(await service.ask(head), 400, "BAD_REQUEST")

    @pytest.mark.parametrize(
        "chunks", [b"-1\r\n", b"zz\r\n", b"1 \r\na\r\n", b"1\na\n", b"1\r\nabc\r\n"]
    )
    @pytest.mark.parametrize("split", [False, True])
    async def test_malformed_chunks_are_rejected(self, chunks: bytes, split: bool) -> None:
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        async with serving() as service:
            responses = await service.ask(*((head, chunks) if split else (head + chunks,)))
            async with asyncio.timeout(5):
                await service.app.disconnected.wait()
        assert_rejected(responses, 400, "BAD_REQUEST")

    async def test_endless_chunk_extensions_are_rejected(self) -> None:
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n1;"
        async with serving() as service:
            responses = await service.ask(head, b"a" * 10 * KIB, b"a" * 10 * KIB)
        assert_rejected(responses, 400, "BAD_REQUEST")

    async def test_endless_trailers_are_rejected(self) -> None:
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
        async with serving() as service:
            responses = await service.ask(head, *(b"X: " + b"a" * 5 * KIB + b"\r\n",) * 4)
        assert_rejected(responses, 400, "BAD_REQUEST")

    async def test_small_chunks_pass(self) -> None:
        head = POST + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunks = b"1\r\na\r\n" * 5 * KIB
        async with serving() as service:
            responses = await service.ask(head, chunks, chunks, b"0\r\n\r\n")
        assert [response.body for response in responses] == [b"/:" + b"a" * 10 * KIB]

    @pytest.mark.parametrize("split", [False, True])
    async def test_trailers_do_not_become_headers(self, split: bool) -> None:
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
        trailers = b"Authorization: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n"
        last = b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n"
        parts = (head, trailers, last) if split else (head + trailers + last,)
        async with serving() as service:
            responses = await service.ask(*parts)
            names = [[name for name, _ in scope["headers"]] for scope in service.app.scopes]
        assert [response.status for response in responses] == [200, 200]
        assert names == [[b"host", b"transfer-encoding"], [b"host"]]

    async def test_the_body_of_a_rejected_upgrade_is_not_parsed_as_a_request(self) -> None:
        head = POST + b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 40\r\n\r\n"
        async with serving() as service:
            responses = await service.ask(head, HEAD + b"\r\n")
            assert service.app.scopes == []
        assert_rejected(responses, 400, "BAD_REQUEST")

    async def test_an_upgrade_without_a_body_is_answered_in_http_1_1(self) -> None:
        async with serving() as service:
            responses = await service.ask(HEAD + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        assert [(response.status, response.headers["connection"]) for response in responses] == [
            (200, "close")
        ]

    async def test_an_early_response_reaches_a_client_that_goes_on_sending(self) -> None:
        """Closing with unread data would reset the connection before the response is read."""
        async with serving() as service:
            reader, writer = await service.connect()
            writer.write(b"POST /close HTTP/1.1\r\nHost: x\r\nContent-Length: 800000\r\n\r\n")
            writer.write(bytes(400_000))
            await asyncio.sleep(0.1)
            writer.write(bytes(400_000))
            await writer.drain()
            async with asyncio.timeout(5):
                raw = await reader.read()
            writer.close()
        assert [response.body for response in parse(raw)] == [b"/close:"]

    async def test_after_an_early_response_the_connection_goes_on(self) -> None:
        head = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
        async with serving() as service:
            responses = await service.ask(head, b"abcde", b"GET /close HTTP/1.1\r\nHost: x\r\n\r\n")
        assert [response.status for response in responses] == [200, 200]

    async def test_after_an_early_response_reading_ends(self) -> None:
        head = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n"
        async with serving(Limits(linger_bytes=200 * KIB)) as service:
            _, writer = await service.connect()
            writer.write(head)
            sent = 0
            with suppress(OSError):
                while sent < 100_000_000:
                    writer.write(bytes(64 * KIB))
                    await writer.drain()
                    sent += 64 * KIB
            writer.close()
        assert sent < 20_000_000  # what the kernel buffers take


class TestTime:
    LIMITS = Limits(head_seconds=0.3, body_seconds=0.3, body_bytes=10, linger_seconds=0.1)

    async def test_a_slow_head_is_rejected(self) -> None:
        async with serving(self.LIMITS) as service:
            responses = await service.ask(HEAD, *(b"X: a\r\n",) * 40, pause=0.03)
        assert_rejected(responses, 400, "BAD_REQUEST")

    async def test_a_connection_without_a_request_is_closed(self) -> None:
        async with serving(self.LIMITS) as service:
            assert await service.raw() == b""

    @pytest.mark.parametrize("first", [b"", HEAD + b"\r\n"])
    async def test_empty_lines_do_not_keep_a_connection_open(self, first: bytes) -> None:
        async with serving(self.LIMITS, keep_alive=1) as service:
            raw = await service.raw(first, *(b"\r\n",) * 3)
        assert [response.status for response in parse(raw)] == [200] * bool(first)

    async def test_keep_alive_counts_from_the_last_response(self) -> None:
        async with serving(keep_alive=2) as service:
            responses = await service.ask(HEAD + b"\r\n", HEAD + b"\r\n", HEAD + b"\r\n", pause=1.1)
        assert [response.status for response in responses] == [200] * 3

    async def test_keep_alive_does_not_end_a_slow_response(self) -> None:
        slow = HEAD.replace(b"/", b"/slow", 1)
        async with serving(keep_alive=1) as service:
            asking = asyncio.create_task(service.ask(HEAD + b"\r\n", slow + b"\r\n"))
            await asyncio.sleep(1.3)
            service.app.release.set()
            assert [response.body for response in await asking] == [b"/:", b"/slow:"]

    async def test_a_slow_body_is_rejected(self) -> None:
        head = POST + b"Content-Length: 100\r\n\r\n"
        async with serving(self.LIMITS) as service:
            responses = await service.ask(head, *(b"a",) * 20, pause=0.05)
            assert service.app.bodies == []
        assert_rejected(responses, 400, "BAD_REQUEST")

    async def test_a_body_with_progress_may_take_its_time(self) -> None:
        head = POST + b"Connection: close\r\nContent-Length: 100\r\n\r\n"
        async with serving(self.LIMITS) as service:
            responses = await service.ask(head, *(b"a" * 10,) * 10, pause=0.1)
        assert [response.body for response in responses] == [b"/:" + b"a" * 100]

    async def test_the_next_head_has_its_own_time(self) -> None:
        async with serving(self.LIMITS) as service:
            reader, writer = await service.connect()
            for _ in range(8):  # each request ends and the next one begins in one packet
                writer.write(b"GET / HTTP/1.1\r\n")
                await asyncio.sleep(0.1)
                writer.write(b"Host: x\r\n\r\n")
                assert await reader.readuntil(b"/:")
            writer.close()

    async def test_a_body_after_its_response_does_not_stop_keep_alive(self) -> None:
        head = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
        async with serving(self.LIMITS) as service:
            raw = await service.raw(head, b"abcde")
        assert [response.status for response in parse(raw)] == [200]

    async def test_a_client_waiting_for_100_continue_is_not_late(self) -> None:
        head = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
        async with serving(self.LIMITS) as service:
            reader, writer = await service.connect()
            writer.write(head + b"Connection: close\r\n\r\n")
            await asyncio.sleep(0.8)
            service.app.release.set()
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"ab")
            responses = parse(await reader.read())
            writer.close()
        assert [response.body for response in responses] == [b"/slow:ab"]

    async def test_an_unread_response_ends_the_connection(self) -> None:
        async with serving(Limits(write_seconds=0.2)) as service:
            _, writer = await service.connect()
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            await until(lambda: bool(service.app.scopes) and not service.state.connections)
            writer.close()

    async def test_a_body_that_makes_little_progress_is_rejected_in_the_end(self) -> None:
        limits = Limits(body_seconds=0.2, body_bytes=1, whole_body_seconds=0.5, linger_seconds=0.1)
        head = POST + b"Content-Length: 1000\r\n\r\n"
        async with serving(limits) as service:
            responses = await service.ask(head, *(b"aa",) * 100, pause=0.05)
        assert_rejected(responses, 400, "BAD_REQUEST")

    async def test_the_time_of_the_application_is_not_counted(self) -> None:
        """The application reads nothing of a body that is larger than the buffer."""
        limits = Limits(body_seconds=0.1, whole_body_seconds=0.2)
        size = 400 * KIB
        head = b"POST /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        async with serving(limits) as service:
            asking = asyncio.create_task(
                service.ask(head + b"Content-Length: %d\r\n\r\n" % size + bytes(size))
            )
            await asyncio.sleep(0.8)
            service.app.release.set()
            assert [len(response.body) for response in await asking] == [size + len("/slow:")]

    @pytest.mark.parametrize("path", [b"/medium", b"/medium?close"])
    async def test_an_unread_complete_response_ends_the_connection(self, path: bytes) -> None:
        async with serving(
            Limits(write_seconds=0.3), keep_alive=60, send_buffer=4 * KIB
        ) as service:
            _, writer = await service.connect(receive_buffer=4 * KIB)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path)
            await until(lambda: bool(service.app.bodies) and not service.state.connections)
            writer.close()


class TestClients:
    async def test_a_client_with_too_many_requests_is_answered_429(self) -> None:
        clients = ClientLimits([ip_network("127.0.0.1")], requests=2)
        slow = b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-For: %b\r\n\r\n"
        async with serving(clients=clients) as service:
            waiting = [asyncio.create_task(service.ask(slow % b"198.51.100.1")) for _ in range(2)]
            await until(lambda: len(service.app.scopes) == 2)
            rejected = await service.ask(
                slow.replace(b"Connection: close\r\n", b"") % b"198.51.100.1"
            )
            other = asyncio.create_task(service.ask(slow % b"198.51.100.2"))
            await until(lambda: len(service.app.scopes) == 3)
            probe = await service.ask(
                b"GET /healthz HTTP/1.0\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n"
            )
            service.app.release.set()
            responses = [response for task in [*waiting, other] for response in await task]
            again = await service.ask(slow % b"198.51.100.1")
        [response] = rejected
        assert (response.status, response.error["code"]) == (429, "RATE_LIMITED")
        assert response.error["details"] == {"retry_after_seconds": 1}
        assert response.headers["retry-after"] == "1"
        assert response.headers["connection"] == "close"
        assert [response.status for response in [*responses, *probe, *again]] == [200] * 5

    async def test_a_client_with_too_many_unfinished_bodies_is_answered_429(self) -> None:
        head = POST + b"Connection: close\r\nContent-Length: 2\r\n\r\n"
        async with serving(clients=ClientLimits(unfinished_bodies=2)) as service:
            connections = [await service.connect() for _ in range(2)]
            for _, writer in connections:
                writer.write(head + b"a")
            await until(lambda: len(service.app.scopes) == 2)
            rejected = await service.ask(head + b"ab")
            read = await service.ask(HEAD + b"Connection: close\r\n\r\n")
            connections[0][1].write(b"b")
            first = parse(await connections[0][0].read())
            again = await service.ask(head + b"ab")
            connections[1][1].close()
            connections[0][1].close()
        assert [response.status for response in rejected] == [429]
        assert [response.status for response in [*read, *first, *again]] == [200] * 3

    async def test_connections_of_a_peer_are_limited(self) -> None:
        async with serving(clients=ClientLimits(connections=3)) as service:
            connections = [await service.connect() for _ in range(5)]
            for reader, _ in connections[:2]:
                with suppress(ConnectionResetError):
                    assert await reader.read() == b""
            _, writer = connections[4]
            writer.write(HEAD + b"\r\n")
            assert await connections[4][0].readuntil(b"/:")
            assert len(service.state.connections) == 3
            for _, writer in connections:
                writer.close()


class TestConcurrency:
    async def test_above_the_limit_requests_are_answered_503_with_retry_after(self) -> None:
        async with serving(Limits(concurrent_requests=2)) as service:
            waiting = [
                asyncio.create_task(
                    service.ask(b"GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                )
                for _ in range(2)
            ]
            await until(lambda: len(service.app.scopes) == 2)
            rejected = await service.ask(HEAD + b"Connection: close\r\n\r\n")
            probe = await service.ask(b"GET /healthz?x HTTP/1.0\r\nHost: x\r\n\r\n")
            service.app.release.set()
            responses = [response for task in waiting for response in await task]
        response = assert_rejected(rejected, 503, "SERVICE_UNAVAILABLE")
        assert int(response.headers["retry-after"]) >= 1
        assert [response.status for response in [*responses, *probe]] == [200, 200, 200]

    async def test_idle_connections_do_not_count(self) -> None:
        async with serving(Limits(concurrent_requests=1)) as service:
            idle = [await service.connect() for _ in range(5)]
            responses = await service.ask(HEAD + b"Connection: close\r\n\r\n")
            for _, writer in idle:
                writer.close()
        assert [response.status for response in responses] == [200]


class TestDraining:
    async def test_the_next_response_ends_the_connection(self) -> None:
        async with serving() as service:
            reader, writer = await service.connect()
            writer.write(HEAD + b"\r\n")
            first = await reader.readuntil(b"/:")
            service.state.draining = True
            for connection in service.connections():
                connection.drain()
            await asyncio.sleep(0.05)
            writer.write(HEAD + b"\r\n")
            async with asyncio.timeout(5):
                second = await reader.read()
            writer.close()
        assert b"connection" not in first.lower()
        assert parse(second)[0].headers["connection"] == "close"

    async def test_an_aborted_request_is_answered_503(self) -> None:
        async with serving() as service:
            asking = asyncio.create_task(service.ask(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"))
            await until(lambda: bool(service.app.scopes))
            for connection in service.connections():
                connection.abort_request()
            assert_rejected(await asking, 503, "SERVICE_UNAVAILABLE")


def test_overridden_methods_exist_in_uvicorn() -> None:
    """uvicorn's protocol is no public interface: a renamed method must not go unnoticed."""
    for name in (
        "connection_made",
        "connection_lost",
        "data_received",
        "pause_writing",
        "resume_writing",
        "on_headers_complete",
        "on_body",
        "on_message_begin",
        "on_response_complete",
        "_start_asgi_task",
    ):
        assert callable(getattr(HttpToolsProtocol, name)), name
        assert name in vars(BoundedHttpProtocol), name
    for name in ("handle_exit", "startup", "on_tick", "shutdown"):
        assert callable(getattr(Server, name)), name
    assert {"total_requests", "connections", "tasks", "default_headers"} <= set(vars(ServerState()))


async def test_used_attributes_exist_in_uvicorn() -> None:
    async with serving() as service:
        reader, writer = await service.connect()
        writer.write(HEAD + b"\r\n")
        await reader.readuntil(b"/:")
        (connection,) = service.connections()
        plain = HttpToolsProtocol(connection.config, ServerState(), {})
        used = (
            "app parser tasks pipeline cycle scope headers loop client server scheme flow url"
            " timeout_keep_alive"
        )
        assert set(used.split()) - {"url"} <= set(vars(plain))
        assert isinstance(connection.cycle, RequestResponseCycle)
        used = "transport keep_alive message_event disconnected response_started response_complete"
        assert set(used.split()) <= set(vars(connection.cycle))
        assert {"more_body", "scope", "waiting_for_100_continue"} <= set(vars(connection.cycle))
        writer.close()
