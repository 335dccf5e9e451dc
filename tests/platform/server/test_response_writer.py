"""Responses: each is one write, framed as its headers say, and never malformed."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, cast

import pytest
from starlette.types import Message
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from scholarship_api.platform.server.response_writer import SHARED_HEADERS, ResponseWriter

pytestmark = pytest.mark.anyio

Header = tuple[bytes, bytes]
DATE: Header = (b"date", b"Tue, 01 Jan 2030 00:00:00 GMT")


class Written(asyncio.Transport):
    """A transport that keeps the written pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


async def respond(
    *messages: Message, method: str = "GET", keep_alive: bool = True
) -> tuple[Written, RequestResponseCycle]:
    """Send the messages of a response; the transport and the cycle."""
    transport = Written()
    logger = logging.getLogger(__name__)
    cycle = RequestResponseCycle(
        scope=cast("Any", {"type": "http", "method": method}),
        transport=transport,
        flow=FlowControl(transport),
        logger=logger,
        access_logger=logger,
        access_log=False,
        default_headers=[DATE],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )
    ResponseWriter.adopt(cycle)
    for message in messages:
        await cycle.send(cast("Any", message))
    return transport, cycle


def start(status: int = 200, headers: Sequence[Header] = ()) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(content: bytes = b"", *, more_body: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more_body}


def length(size: int) -> Header:
    return b"content-length", b"%d" % size


async def test_head_and_body_are_one_write() -> None:
    written, cycle = await respond(start(headers=[(b"X-Name", b"a"), length(2)]), body(b"ok"))
    [piece] = written.pieces
    assert piece == (
        b"HTTP/1.1 200 OK\r\ndate: Tue, 01 Jan 2030 00:00:00 GMT\r\n"
        b"x-name: a\r\ncontent-length: 2\r\n\r\nok"
    )
    assert cycle.response_complete
    assert not written.closed


async def test_shared_headers_are_sent_with_the_others() -> None:
    shared = ((b"vary", b"Origin"), (b"X-Shared", b"b"))
    for _ in range(2):
        written, _ = await respond({**start(headers=[length(0)]), SHARED_HEADERS: shared}, body())
        assert written.pieces[0].endswith(
            b"content-length: 0\r\nvary: Origin\r\nx-shared: b\r\n\r\n"
        )


@pytest.mark.parametrize("header", [length(0), (b"Connection", b"close"), (b"a", b"b\r\nc: d")])
async def test_shared_headers_are_well_formed_and_do_not_concern_the_framing(
    header: Header,
) -> None:
    with pytest.raises(RuntimeError, match=r"framing|malformed"):
        await respond({**start(headers=[length(0)]), SHARED_HEADERS: (header,)}, body())


async def test_without_a_length_the_body_is_chunked() -> None:
    written, _ = await respond(
        start(), body(b"first", more_body=True), body(b"", more_body=True), body(b"second")
    )
    text = b"".join(written.pieces)
    assert b"transfer-encoding: chunked\r\n" in text
    assert text.endswith(b"\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n")


async def test_a_response_to_head_has_no_body() -> None:
    written, cycle = await respond(start(headers=[length(2)]), body(b"ok"), method="HEAD")
    assert written.pieces[0].endswith(b"content-length: 2\r\n\r\n")
    assert cycle.response_complete


@pytest.mark.parametrize("status", [204, 304])
async def test_a_bodiless_response_has_no_framing(status: int) -> None:
    written, _ = await respond(start(status, [(b"etag", b'"a"')]), body())
    assert written.pieces[0].endswith(b'etag: "a"\r\n\r\n')
    assert b"chunked" not in written.pieces[0]


@pytest.mark.parametrize("token", [b"close", b"Close", b"x, close"])
async def test_a_response_can_end_the_connection(token: bytes) -> None:
    headers = [(b"connection", token), length(0)]
    written, cycle = await respond(start(headers=headers), body())
    assert written.closed
    assert not cycle.keep_alive
    assert written.pieces[0].lower().count(b"connection:") == 1


async def test_the_last_response_of_a_connection_says_so() -> None:
    written, _ = await respond(start(headers=[length(0)]), body(), keep_alive=False)
    assert b"connection: close\r\n" in written.pieces[0]
    assert written.closed


@pytest.mark.parametrize(
    "header",
    [
        (b"x-split", b"a\r\nset-cookie: b"),
        (b"x-request-id", b"a\nb"),
        (b"x split", b"a"),
        (b"x-split:", b"a"),
    ],
)
async def test_a_header_cannot_contain_another_one(header: Header) -> None:
    with pytest.raises(RuntimeError, match="malformed"):
        await respond(start(headers=[header, length(0)]), body())


@pytest.mark.parametrize(("content", "what"), [(b"too long", "longer"), (b"", "shorter")])
async def test_a_body_has_its_declared_length(content: bytes, what: str) -> None:
    with pytest.raises(RuntimeError, match=what):
        await respond(start(headers=[length(3)]), body(content))


@pytest.mark.parametrize("messages", [[body()], [start(), start()]])
async def test_messages_out_of_order_are_an_error(messages: list[Message]) -> None:
    with pytest.raises(RuntimeError):
        await respond(*messages)
