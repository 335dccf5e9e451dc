"""A bounded load of raw HTTP/1.1: every request that gets no complete 200 is counted as lost."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Outcome:
    answered: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    closes_announced: int = 0
    """Responses with Connection: close."""


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, path: str) -> tuple[int, bool]:
        """The status, and whether the server announced that it closes."""
        self.writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await self.reader.readexactly(size)
        return int(head.split(b" ", 2)[1]), b"\r\nconnection: close" in head

    def close(self) -> None:
        self.writer.close()


class Load:
    """GETs until `finish`, from clients that open a connection each time, that keep theirs, and
    that let theirs wait before the first request."""

    def __init__(self, port: int, *, seconds: float) -> None:
        self._port = port
        self._finished = False
        self._seconds = seconds
        self.outcome = Outcome()

    def finish(self) -> None:
        """Let the clients send no more; any thread may call this."""
        self._finished = True

    async def run(self, *, fresh: int = 4, kept: int = 8, waiting: int = 8) -> Outcome:
        """Raises TimeoutError when nobody has called `finish` within `seconds`."""
        async with asyncio.timeout(self._seconds), asyncio.TaskGroup() as group:
            for _ in range(fresh):
                group.create_task(self._client(lambda: 0.0, keep=False))
            for _ in range(kept):
                group.create_task(self._client(lambda: 0.0, keep=True))
            for _ in range(waiting):
                group.create_task(self._client(lambda: random.uniform(0, 0.5), keep=False))  # noqa: S311
        return self.outcome

    async def _client(self, pause: Callable[[], float], *, keep: bool) -> None:
        connection: _Connection | None = None
        while not self._finished:
            try:
                if connection is None:
                    connection = _Connection(
                        *await asyncio.open_connection("127.0.0.1", self._port)
                    )
                    await asyncio.sleep(pause())
                status, closes = await connection.ask("/")
            except (OSError, EOFError, ValueError) as error:
                self.outcome.lost[type(error).__name__] += 1
                closes = True
            else:
                if status == 200:
                    self.outcome.answered += 1
                else:
                    self.outcome.lost[str(status)] += 1
                self.outcome.closes_announced += closes
            if connection is not None and (closes or not keep):
                connection.close()
                connection = None
        if connection is not None:
            connection.close()
