"""Writes the head of a response together with the first part of its body.

uvicorn writes the head by itself, and each write is a system call, which takes a quarter of the
time of a small response.
"""

from collections.abc import Iterable
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
"""An ASGI extension: further headers of a start message, as one tuple that many responses share.

Their lines are made once. None of them may concern the framing.
"""
_EXTENSIONS: Final[dict[str, dict[object, object]]] = {SHARED_HEADERS: {}}
_FRAMING_HEADERS: Final = frozenset({b"connection", b"content-length", b"transfer-encoding"})
_BODILESS_STATUSES: Final = frozenset({204, 304})


class ResponseWriter(RequestResponseCycle):
    """uvicorn's request and response, which keeps the head until the first part of the body."""

    _start: Message | None = None

    @classmethod
    def adopt(cls, cycle: RequestResponseCycle) -> None:
        """Turn `cycle` into one of this class; uvicorn has no setting for the class."""
        cycle.__class__ = cls
        cast("Scope", cycle.scope)["extensions"] = _EXTENSIONS

    async def send(self, message: Message) -> None:  # type: ignore[override]
        if self._start is None and self.response_started:
            await super().send(message)  # type: ignore[arg-type] # the rest of a streamed response
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if self._start is None:
            if message["type"] != "http.response.start":
                raise RuntimeError(f"a response starts with its head, not with {message['type']}")
            self.response_started = True
            self.waiting_for_100_continue = False
            self._start = message
            return
        if message["type"] != "http.response.body":
            raise RuntimeError(f"the head is followed by the body, not by {message['type']}")
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
            raise RuntimeError("the response is longer than its Content-Length")
        return [body]

    def _end(self) -> None:
        if self.expected_content_length != 0:
            raise RuntimeError("the response is shorter than its Content-Length")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()

    def _head(self, start: Message) -> list[bytes]:
        status: int = start["status"]
        parts = [STATUS_LINE[status]]
        says_close = False
        headers = [*self.default_headers, *start.get("headers", ())]
        _check_values(headers)
        for name, value in headers:
            lowered = _lowered(name)
            parts += (lowered, b": ", value, b"\r\n")
            if lowered in _FRAMING_HEADERS:
                says_close = self._note_framing(lowered, value) or says_close
        shared = start.get(SHARED_HEADERS)
        if shared is not None:
            parts.append(_shared_lines(shared))
        if not self.keep_alive and not says_close:
            parts.append(b"connection: close\r\n")
        if (
            self.chunked_encoding is None
            and self.scope["method"] != "HEAD"
            and status not in _BODILESS_STATUSES
        ):
            self.chunked_encoding = True
            parts.append(b"transfer-encoding: chunked\r\n")
        parts.append(b"\r\n")
        return parts

    def _note_framing(self, name: bytes, value: bytes) -> bool:
        """Take note of a header that concerns the framing; whether it closes the connection."""
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


@lru_cache(maxsize=256)
def _lowered(name: bytes) -> bytes:
    """The name of a header as it is sent; responses use few names."""
    if HEADER_RE.search(name):
        raise RuntimeError("the name of a response header is malformed")
    return name.lower()


def _check_values(headers: Iterable[tuple[bytes, bytes]]) -> None:
    # The expression looks for single bytes, so it finds them in all values at once.
    if HEADER_VALUE_RE.search(b"".join([value for _, value in headers])):
        raise RuntimeError("the value of a response header is malformed")


@lru_cache(maxsize=256)
def _shared_lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    if not _FRAMING_HEADERS.isdisjoint(_lowered(name) for name, _ in headers):
        raise RuntimeError("a shared header concerns the framing of the response")
    _check_values(headers)
    return b"".join(b"%b: %b\r\n" % (_lowered(name), value) for name, value in headers)
