"""HTTP/1.1 as bytes: a client that adds nothing to a request and reads answers strictly."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

BODILESS: Final = frozenset({204, 304})
LONGEST_HEAD_BYTES: Final = 64 * 1024


class BrokenAnswerError(Exception):
    """The received bytes are not a complete HTTP/1.1 answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """Header names are in lower case."""
    body: bytes

    def json(self) -> Any:  # noqa: ANN401
        return json.loads(self.body)

    @property
    def closes(self) -> bool:
        return self.headers.get("connection", "").lower() == "close"


def _parse_head(head: bytes, method: str) -> tuple[int, dict[str, str], int]:
    """Status, headers and the length of the body; `head` ends with its empty line."""
    line, *lines = head[:-4].decode("latin-1").split("\r\n")
    version, _, rest = line.partition(" ")
    status = rest[:3]
    if version not in {"HTTP/1.0", "HTTP/1.1"} or not status.isdigit() or len(status) != 3:
        raise BrokenAnswerError(f"status line {line[:80]!r}")
    headers: dict[str, str] = {}
    for text in lines:
        name, colon, value = text.partition(":")
        if not colon or not name or name != name.strip():
            raise BrokenAnswerError(f"header {text[:80]!r}")
        name = name.lower()
        if name in headers and name in {"content-length", "content-type", "x-trace-id"}:
            raise BrokenAnswerError(f"{name} twice")
        headers[name] = value.strip()
    code = int(status)
    if method == "HEAD" or code in BODILESS or code < 200:
        return code, headers, 0
    length = headers.get("content-length", "")
    if not length.isdigit():
        raise BrokenAnswerError(f"{code} without Content-Length")
    return code, headers, int(length)


def parse_answers(raw: bytes, methods: Iterable[str]) -> tuple[list[Answer], bytes]:
    """The complete answers to requests with these methods, and the rest of `raw`.

    Further answers are read like answers to GET. Interim answers (1xx) are left out. Raises
    BrokenAnswerError.
    """
    expected = iter(methods)
    answers: list[Answer] = []
    method = next(expected, "GET")
    while raw:
        head, end, rest = raw.partition(b"\r\n\r\n")
        if not end:
            break
        status, headers, length = _parse_head(head + end, method)
        if len(rest) < length:
            break
        raw = rest[length:]
        if status >= 200:
            answers.append(Answer(status, headers, rest[:length]))
            method = next(expected, "GET")
    return answers, raw


class Connection:
    """A kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=LONGEST_HEAD_BYTES))

    @property
    def usable(self) -> bool:
        """Whether the connection is still open."""
        return not (self._reader.at_eof() or self._writer.is_closing())

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Raises OSError, EOFError or BrokenAnswerError."""
        lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method in {"POST", "PUT", "PATCH"}:
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self._writer.drain()
        while True:
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, received, length = _parse_head(head, method)
            if status >= 200:
                return Answer(status, received, await self._reader.readexactly(length))

    def close(self) -> None:
        self._writer.transport.abort()
