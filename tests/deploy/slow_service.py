"""A small ASGI application with the lifecycle of the real one, for tests of the server process."""

import asyncio
import os
import time
from pathlib import Path
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from scholarship_api.platform import shutdown

_log = structlog.stdlib.get_logger("slow_service")


class SlowService:
    """/pid answers the worker's id, /slow?seconds= waits, /echo sends the body back.

    /large sends 8 MiB, piece by piece.
    """

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.tasks = shutdown.TaskRegistry()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"]
        query = parse_qs(scope["query_string"].decode())
        body = str(os.getpid()).encode()
        status = 200
        if path == "/slow":
            _log.info("slow.started")
            await asyncio.sleep(float(query["seconds"][0]))
        elif path == "/echo":
            body = b""
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    _log.info("client.gone")
                    return
                body += message["body"]
                more = message["more_body"]
        elif path == "/large":
            await self._stream(send)
            return
        elif path == "/readyz" and shutdown.state.draining:
            status = 503
        elif path == "/headers":
            body = b"\n".join(name + b": " + value for name, value in scope["headers"])
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(128):
            piece = bytes(64 * 1024)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        if self.fault == "startup" or self._is_faulty():
            await send({"type": "lifespan.startup.failed", "message": "no database"})
            return
        self.tasks.spawn(self._work(), "work")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self.fault == "shutdown":
            await asyncio.sleep(60)
        await self.tasks.close()
        _log.info("service.closed")
        await send({"type": "lifespan.shutdown.complete"})

    def _is_faulty(self) -> bool:
        return Path(self.fault or ".").is_file()

    async def _work(self) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            _log.info("work.cancelled")


def create(fault: str = "") -> SlowService:
    """`fault`: startup, shutdown, or a file; while the file exists, no worker can start."""
    return SlowService(fault)


def create_when_gone(path: str) -> SlowService:
    """A slow start: it lasts while there is a file at `path`."""
    while Path(path).exists():
        time.sleep(0.02)
    return SlowService()


def fail() -> SlowService:
    raise RuntimeError("the application cannot be made")
