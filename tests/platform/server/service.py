"""A small application behind the bounded protocol, on a loopback socket."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config

from scholarship_api.platform.server.client_limits import ClientLimits
from scholarship_api.platform.server.limits import ConnectionState, Limits
from scholarship_api.platform.server.protocol import BoundedHttpProtocol
from scholarship_api.platform.server.rejections import rejection_app
from scholarship_api.settings.settings import Settings

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
