"""Faults of a dependency: it stops, freezes, refuses, answers late or not at all."""

import asyncio
import os
import secrets
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Self

from sqlalchemy import make_url

Mode = Literal["forward", "refuse", "blackhole"]


class FaultyProxy:
    """A TCP proxy in a thread, whose behaviour can be changed at any time.

    `refuse` ends all connections and stops listening, like a stopped server. `blackhole` accepts
    connections and forwards nothing on new and old ones, like a lost network.
    `delay_seconds` holds back every answer. Once a client sends `hold_answers_to`, no client gets
    an answer before the next `set("forward")`. `target` is a unix socket or a (host, port).
    """

    def __init__(self, target: str | tuple[str, int]) -> None:
        self.target = target
        self.delay_seconds = 0.0
        self.hold_answers_to: bytes | None = None
        # Its own address, so that no other process takes the port while the proxy does not listen.
        self.host = f"127.{secrets.randbelow(200) + 20}.{secrets.randbelow(250)}.9"
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="faulty proxy")
        self._flowing = asyncio.Event()
        self._answering = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self.set("forward")
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def set(self, mode: Mode) -> None:
        self._run(self._set(mode))

    def redirect(self, target: str | tuple[str, int]) -> None:
        """End all connections; new ones lead to another target."""
        self.target = target
        self.set("refuse")
        self.set("forward")

    def _run(self, what: Awaitable[None]) -> None:
        async def run() -> None:
            await what

        asyncio.run_coroutine_threadsafe(run(), self._loop).result(timeout=10)

    async def _set(self, mode: Mode) -> None:
        if mode == "refuse":
            await self._stop_listening()
            return
        (self._flowing.set if mode == "forward" else self._flowing.clear)()
        self._answering.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _close(self) -> None:
        await self._stop_listening()
        await asyncio.sleep(0.05)  # in which the transports that were aborted are closed

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        if isinstance(self.target, str):
            upstream = await asyncio.open_unix_connection(self.target)
        else:
            upstream = await asyncio.open_connection(*self.target)
        upstream_reader, upstream_writer = upstream
        self._writers.add(upstream_writer)
        pumps = [
            asyncio.create_task(self._pump_requests(reader, upstream_writer)),
            asyncio.create_task(self._pump_answers(upstream_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._writers.discard(upstream_writer)
            upstream_writer.transport.abort()

    async def _pump_requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            if self.hold_answers_to is not None and self.hold_answers_to in data:
                self._answering.clear()
            writer.write(data)
            await writer.drain()

    async def _pump_answers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            await self._flowing.wait()
            if self.delay_seconds:
                await asyncio.sleep(self.delay_seconds)
            await self._answering.wait()
            writer.write(data)
            await writer.drain()


def postgres_socket(url: str) -> str:
    """The unix socket of an embedded server's URL."""
    return f"{make_url(url).query['host']}/.s.PGSQL.5432"


def through_proxy(url: str, proxy: FaultyProxy) -> str:
    """The PostgreSQL URL with the proxy's address."""
    changed = make_url(url).set(host=proxy.host, port=proxy.port, query={"sslmode": "disable"})
    return changed.render_as_string(hide_password=False)


def redis_target(url: str) -> tuple[str, int]:
    parts = make_url(url)
    assert parts.host
    assert parts.port
    return parts.host, parts.port


def redis_through_proxy(url: str, proxy: FaultyProxy) -> str:
    changed = make_url(url).set(host=proxy.host, port=proxy.port)
    return changed.render_as_string(hide_password=False)


def _family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for parent in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found.extend(map(int, (task / "children").read_text().split()))
    return found


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a server and its children with SIGSTOP during the block."""
    family = _family(pid)
    for process in family:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in family:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def postmaster_pid(data_dir: Path) -> int:
    return int((data_dir / "postmaster.pid").read_text().split("\n", 1)[0])


async def eventually(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = 10, every: float = 0.05
) -> bool:
    """Whether the condition becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await condition():
            return True
        await asyncio.sleep(every)
    return False
