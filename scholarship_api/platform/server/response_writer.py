"""Answers leave in one piece.

uvicorn writes the head of an answer by itself, and each write is a system call: 10 us and more of
the 40 that a small answer takes. It also checks each header of each answer, which are mostly the
same ones.
"""

from functools import lru_cache
from typing import Final, cast

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

SHARED_HEADERS: Final = "scholarship_api.shared_headers"
_EXTENSIONS: Final[dict[str, dict[object, object]]] = {SHARED_HEADERS: {}}
_FRAMING: Final = frozenset({b"connection", b"content-length", b"transfer-encoding"})
_OFTEN_NEW: Final = frozenset(
    {
        b"etag",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
        b"x-request-id",
        b"x-trace-id",
    }
)
"""Differ from answer to answer: to keep their lines would cost more than to make them."""
_MOST_LINES: Final = 512
_lines: Final[dict[tuple[bytes, bytes], bytes]] = {}
"""Of headers that were sent before and on which no framing depends."""
_BODILESS: Final = frozenset({204, 304})


class WholeAnswerCycle(RequestResponseCycle):
    """The head waits for the first part of the body.

    An ASGI extension, SHARED_HEADERS, takes headers that many answers have in common: as one tuple
    of the start message, of which the lines are made once. None of them may concern the framing.
    """

    _start: Message | None = None

    @classmethod
    def adopt(cls, cycle: RequestResponseCycle) -> None:
        """Make `cycle` one of us: uvicorn has no place to say so before it makes one."""
        cycle.__class__ = cls
        cast("Scope", cycle.scope)["extensions"] = _EXTENSIONS

    async def send(self, message: Message) -> None:  # type: ignore[override]
        if self._start is None and self.response_started:
            await super().send(message)  # type: ignore[arg-type] # the rest of a streamed answer
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self._start is None:
            if message["type"] != "http.response.start":
                raise RuntimeError(f"an answer starts with its head, not with {message['type']}")
            self.response_started = True
            self.waiting_for_100_continue = False
            self._start = message
            return
        if message["type"] != "http.response.body":
            raise RuntimeError(f"after its head comes an answer's body, not {message['type']}")
        start, self._start = self._start, None
        more_body: bool = message.get("more_body", False)
        parts = self._head(start)
        parts += self._framed(message.get("body", b""), more_body=more_body)
        self.transport.write(b"".join(parts))
        if not more_body:
            self._end()

    def _framed(self, body: bytes, *, more_body: bool) -> list[bytes]:
        if self.scope["method"] == "HEAD":
            self.expected_content_length = 0
            return []
        if self.chunked_encoding:
            chunk = [b"%x\r\n" % len(body), body, b"\r\n"] if body else []
            return chunk if more_body else [*chunk, b"0\r\n\r\n"]
        self.expected_content_length -= len(body)
        if self.expected_content_length < 0:
            raise RuntimeError("the answer is longer than its Content-Length")
        return [body]

    def _end(self) -> None:
        if self.expected_content_length != 0:
            raise RuntimeError("the answer is shorter than its Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _head(self, start: Message) -> list[bytes]:
        status: int = start["status"]
        parts = [STATUS_LINE[status]]
        closes = False
        for headers in (self.default_headers, start.get("headers", ())):
            for name, value in headers:
                line = _lines.get((name, value))
                if line is None:
                    line, name = _line(name, value)  # noqa: PLW2901 - in lower case
                    if name in _FRAMING:
                        closes = self._frame(name, value) or closes
                parts.append(line)
        shared = start.get(SHARED_HEADERS)
        if shared is not None:
            parts.append(_shared_lines(shared))
        if not self.keep_alive and not closes:
            parts.append(b"connection: close\r\n")
        if (
            self.chunked_encoding is None
            and self.scope["method"] != "HEAD"
            and status not in _BODILESS
        ):
            self.chunked_encoding = True
            parts.append(b"transfer-encoding: chunked\r\n")
        parts.append(b"\r\n")
        return parts

    def _frame(self, name: bytes, value: bytes) -> bool:
        """Take note of a header on which the framing depends; whether it closes the connection."""
        if name == b"content-length" and self.chunked_encoding is None:
            self.expected_content_length = int(value)
            self.chunked_encoding = False
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        elif name == b"connection":
            closes = b"close" in [token.strip() for token in value.lower().split(b",")]
            self.keep_alive = self.keep_alive and not closes
            return closes
        return False


def _line(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A header as it is sent, and its name in lower case."""
    if HEADER_VALUE_RE.search(value) or (name not in _OFTEN_NEW and HEADER_RE.search(name)):
        raise RuntimeError("a header of the answer is malformed")
    lowered = name.lower()
    line = lowered + b": " + value + b"\r\n"
    if lowered not in _OFTEN_NEW and lowered not in _FRAMING:
        if len(_lines) >= _MOST_LINES:
            _lines.clear()
        _lines[name, value] = line
    return line, lowered


@lru_cache(maxsize=256)
def _shared_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    lines = [_line(name, value) for name, value in headers]
    if not _FRAMING.isdisjoint(name for _, name in lines):
        raise RuntimeError("a shared header concerns the framing of the answer")
    return b"".join(line for line, _ in lines)
