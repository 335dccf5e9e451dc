"""The body of a request: its framing, its size, and a response that comes early."""

import asyncio
from contextlib import suppress

import pytest

from scholarship_api.platform.server.limits import Limits
from tests.platform.server.service import HEAD, KIB, POST, assert_rejected, parse, serving

pytestmark = pytest.mark.anyio


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
