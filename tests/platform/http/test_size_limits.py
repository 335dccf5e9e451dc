import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.types import Message

from scholarship_api.app import create_app
from scholarship_api.platform.http.size_limits import SizeLimitsMiddleware
from scholarship_api.settings.settings import Settings
from tests.platform.http.production import assert_error, connect, served, with_test_routes

pytestmark = pytest.mark.anyio

MAX_BODY = 65_536
MAX_FILE = 1_048_576
IMPORT = "/api/v1/scholarships/import"
MAX_URL = 2048


def url_of(length: int, *, query: bool) -> str:
    start = "/notes/a?q=" if query else "/notes/"
    return start + "x" * (length - len(start))


@pytest.mark.parametrize("query", [False, True])
async def test_a_url_above_the_limit_is_rejected(client: httpx.AsyncClient, query: bool) -> None:
    assert (await client.get(url_of(MAX_URL, query=query))).status_code == 200
    assert_error(await client.get(url_of(MAX_URL + 1, query=query)), 414, "URI_TOO_LONG")


async def test_url_length_is_counted_as_sent(client: httpx.AsyncClient) -> None:
    # Three bytes on the wire for each character of the path.
    assert_error(await client.get("/notes/" + "%20" * 700), 414, "URI_TOO_LONG")


def note(size: int) -> bytes:
    start, end = b'{"text":"', b'"}'
    return start + b"x" * (size - len(start) - len(end)) + end


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 10_000):
        yield body[start : start + 10_000]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_rejected(client: httpx.AsyncClient, chunked: bool) -> None:
    headers = {"Content-Type": "application/json"}

    def content(size: int) -> Any:  # noqa: ANN401
        return chunks(note(size)) if chunked else note(size)

    fits = await client.post("/notes/a", headers=headers, content=content(MAX_BODY))
    assert fits.status_code == 200
    large = await client.post("/notes/a", headers=headers, content=content(MAX_BODY + 1))
    assert_error(large, 413, "PAYLOAD_TOO_LARGE")
    assert large.headers["connection"] == "close"


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_import_may_be_larger_than_other_bodies(
    client: httpx.AsyncClient, chunked: bool
) -> None:
    async def status(path: str, size: int) -> int:
        content: Any = chunks(b" " * size) if chunked else b" " * size
        headers = {"Content-Type": "application/x-ndjson"}
        return (await client.post(path, headers=headers, content=content)).status_code

    assert await status(IMPORT, MAX_FILE) == 401
    if not chunked:  # nobody reads a chunked body before the account is checked
        assert await status(IMPORT, MAX_FILE + 1) == 413
        for other in (f"{IMPORT}/", IMPORT.replace("/v1/", "/v1//"), IMPORT.upper()):
            assert await status(other, MAX_BODY + 1) == 413


async def test_the_limit_of_all_bodies_can_be_lowered(production: Settings) -> None:
    app = with_test_routes(create_app(production.model_copy(update={"max_request_size_bytes": 99})))
    async with connect(app) as client:
        for size, status in ((99, 200), (100, 413)):
            headers = {"Content-Type": "application/json"}
            response = await client.post("/notes/a", headers=headers, content=note(size))
            assert response.status_code == status


@pytest.mark.parametrize("path", ["/notes/a", "/api/v1/search", IMPORT])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "identity, gzip", "unknown"])
async def test_a_compressed_body_is_answered_415(
    client: httpx.AsyncClient, path: str, coding: str
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    response = await client.post(path, headers=headers, content=b"\x1f\x8b")
    assert_error(response, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert response.headers["accept-encoding"] == "identity"


async def test_a_body_that_is_declared_as_not_compressed_is_read(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "identity"}
    assert (await client.post("/notes/a", headers=headers, content=note(99))).status_code == 200


@pytest.mark.parametrize(
    "lengths",
    [["-1"], ["+5"], ["5.0"], ["0x5"], ["five"], [""], ["1_0"], ["5", "6"], ["\u00b2"], ["5 5"]],
)
async def test_a_malformed_content_length_is_rejected(
    client: httpx.AsyncClient, lengths: list[str]
) -> None:
    request = client.build_request("POST", "/notes/a", content=b"12345")
    request.headers = httpx.Headers(
        [
            (b"host", b"api.example.org"),
            *((b"content-length", length.encode("latin-1")) for length in lengths),
        ]
    )
    assert_error(await client.send(request), 400, "BAD_REQUEST")


@pytest.mark.parametrize("length", ["1048577", "0001048577", "9" * 5000, str(2**64)])
async def test_a_declared_length_is_rejected_without_reading(
    client: httpx.AsyncClient, length: str
) -> None:
    request = client.build_request("POST", "/notes/a", content=_Unread())
    request.headers = httpx.Headers({"host": "api.example.org", "content-length": length})
    assert_error(await client.send(request), 413, "PAYLOAD_TOO_LARGE")


class _Unread:
    def __aiter__(self) -> AsyncIterator[bytes]:
        raise AssertionError("somebody has read the body")


class Chunked:
    """A chunked ASGI request that counts how often it is read."""

    def __init__(self, *sizes: int) -> None:
        self._messages: Iterator[Message] = iter(
            [{"type": "http.request", "body": b"x" * size, "more_body": True} for size in sizes]
        )
        self.reads = 0
        self.sent: list[Message] = []
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": "/",
            "query_string": b"",
            "headers": [(b"transfer-encoding", b"chunked")],
        }

    async def receive(self) -> Message:
        self.reads += 1
        return next(self._messages, {"type": "http.request", "body": b"", "more_body": False})

    async def send(self, message: Message) -> None:
        self.sent.append(message)


async def test_reading_stops_at_the_limit() -> None:
    async def reads_on(_: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        for _read in range(3):
            await receive()
        for _attempt in range(3):
            with pytest.raises(Exception, match="413"):
                await receive()

    request = Chunked(*[6] * 10)
    settings = Settings(max_request_size_bytes=20)
    await SizeLimitsMiddleware(reads_on, settings=settings)(
        request.scope, request.receive, request.send
    )
    assert request.reads == 4


async def test_an_early_response_to_a_chunked_body_closes_the_connection() -> None:
    async def reads_nothing(_: Any, __: Any, send: Any) -> None:  # noqa: ANN401
        await send({"type": "http.response.start", "status": 404, "headers": [(b"a", b"b")]})

    async def reads_all(_: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    for app, headers in [
        (reads_nothing, [(b"a", b"b"), (b"connection", b"close")]),
        (reads_all, []),
    ]:
        request = Chunked(5, 5)
        await SizeLimitsMiddleware(app, settings=Settings())(
            request.scope, request.receive, request.send
        )
        assert request.sent[0]["headers"] == headers


@pytest.mark.parametrize(
    ("framing", "piece"),
    [
        (b"Transfer-Encoding: chunked", b"10000\r\n" + b"x" * 65_536 + b"\r\n"),
        (b"Content-Length: 9999999999", b"x" * 65_536),
    ],
)
def test_a_real_server_stops_reading(database_url: str, framing: bytes, piece: bytes) -> None:
    settings = Settings(environment="test", database_url=database_url, rate_limit_enabled=False)
    sent = 0
    with served(with_test_routes(create_app(settings))) as base:
        port = int(base.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(
                b"POST /notes/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + framing
                + b"\r\n\r\n"
            )
            with contextlib.suppress(ConnectionError):
                while sent < 256 * MAX_FILE:
                    connection.sendall(piece)
                    sent += len(piece)
            answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert sent < 32 * MAX_FILE, "more than the buffers of the kernel hold"
