"""How long a client may take for a head, a body, a response, and between requests."""

import asyncio

import pytest

from scholarship_api.platform.server.limits import Limits
from tests.platform.server.service import HEAD, KIB, POST, assert_rejected, parse, serving, until

pytestmark = pytest.mark.anyio


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
