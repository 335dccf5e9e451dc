"""Limits of what one client, and all clients together, may have in progress."""

import asyncio
from contextlib import suppress
from ipaddress import ip_network

import pytest

from scholarship_api.platform.server.client_limits import ClientLimits
from scholarship_api.platform.server.limits import Limits
from tests.platform.server.service import HEAD, POST, assert_rejected, parse, serving, until

pytestmark = pytest.mark.anyio


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
