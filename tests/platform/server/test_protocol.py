"""The end of a connection while the server drains, and what the protocol uses of uvicorn."""

import asyncio

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState

from scholarship_api.platform.server.protocol import BoundedHttpProtocol
from tests.platform.server.service import HEAD, assert_rejected, parse, serving, until

pytestmark = pytest.mark.anyio


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
