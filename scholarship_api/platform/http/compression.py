"""Compresses answers for clients that ask for it, with the coding they prefer (RFC 9110, 12.5.3).

A cached answer is compressed once and kept by its ETag. One with `took_ms`, which differs each
time, can be kept with gzip only: its parts before and after the number are compressed apart and put
together for each response. Such an answer therefore gets gzip from clients that like all codings
alike. Answers with `no-store` are left as they are: they may hold secrets, and the size of a
compressed text can tell what is in it (the BREACH attack).
"""

import sys
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

import brotli
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.platform.http.content_codings import GZIP, preferred_coding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIN_BYTES: Final = 1024
"""Smaller bodies fit into one packet as they are."""

GZIP_LEVEL: Final = 5
"""The level of zlib: a page of 100 awards, 49 KB, becomes 10 KB in 0.7 ms."""

ZSTD_LEVEL: Final = 6
"""The same page becomes 9.3 KB in 0.4 ms."""

BROTLI_QUALITY: Final = 5
"""The same page becomes 8.7 KB in 0.7 ms."""

CACHED_BODIES: Final = 256
"""Compressed bodies that are kept by their ETags."""

MAX_CACHED_BYTES: Final = 131_072
"""The largest body, before compression, that is kept: with CACHED_BODIES of them, 8 MB."""

_TOOK_MS: Final = b'"took_ms":'
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_TYPES: Final = (b"application/json", b"application/javascript", b"text/")
_OK: Final = frozenset({200, 201})

_WHOLE: Final[Mapping[bytes, Callable[[bytes], bytes]]] = {
    b"zstd": lambda body: zstd.compress(body, ZSTD_LEVEL),
    b"br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY),
}
CODINGS: Final = (*_WHOLE, GZIP)
"""Ours, in the order in which they are taken when the client likes them alike."""

_AROUND_TOOK_MS: Final = (GZIP, *_WHOLE)
"""The same for answers with `took_ms`."""

RawHeader = tuple[bytes, bytes]


class _Parts(NamedTuple):
    """A body with another number in the middle each time, compressed around the number.

    A body without such a number is all in `head`.
    """

    head: bytes
    tail: bytes


class CompressionMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._cached: OrderedDict[tuple[bytes, bytes], _Parts] = OrderedDict()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or scope["method"] == "HEAD":
            return self._app(scope, receive, send)
        return self._app(scope, receive, _Response(self, send, scope).send)

    def compress(self, body: bytes, coding: bytes, etag: bytes | None) -> bytes:
        head, key, rest = body.partition(_TOOK_MS)
        if coding != GZIP:
            if key:
                return _WHOLE[coding](body)
            return self._kept(coding, etag, body, lambda: _Parts(_WHOLE[coding](body), b"")).head
        number, comma, tail = rest.partition(b",") if key else (b"", b"", b"")
        head, tail = head + key, comma + tail
        parts = self._kept(
            coding,
            etag,
            body,
            lambda: _Parts(_deflated(head, last=False), _deflated(tail, last=True)),
        )
        middle = _deflated(number, last=False) if number else b""
        trailer = zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")
        return b"".join((_GZIP_HEADER, parts.head, middle, parts.tail, trailer))

    def _kept(
        self, coding: bytes, etag: bytes | None, body: bytes, make: Callable[[], _Parts]
    ) -> _Parts:
        """The parts of the body with this ETag, which are made once."""
        if not etag or len(body) > MAX_CACHED_BYTES:
            return make()
        parts = self._cached.get((coding, etag))
        if parts is None:
            parts = self._cached[coding, etag] = make()
            if len(self._cached) > CACHED_BODIES:
                self._cached.popitem(last=False)
        else:
            self._cached.move_to_end((coding, etag))
        return parts


class _Response:
    """Sends one response, compressed if that is worth it."""

    def __init__(self, compression: CompressionMiddleware, send: Send, scope: Scope) -> None:
        self._compression = compression
        self._send = send
        self._request_headers: list[RawHeader] = scope["headers"]
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_compressible(message):
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            body: bytes = message.get("body", b"")
            is_whole = not message.get("more_body", False)
            headers: list[RawHeader] = [*start["headers"], (b"vary", b"Accept-Encoding")]
            if is_whole and len(body) >= MIN_BYTES and (coding := self._coding_of(body)):
                etag = _header(headers, b"etag")
                body = self._compression.compress(body, coding, etag)
                headers = [_of_compressed(name, value, len(body)) for name, value in headers]
                headers.append((b"content-encoding", coding))
                message = {**message, "body": body}
            await self._send({**start, "headers": headers})
        await self._send(message)

    def _coding_of(self, body: bytes) -> bytes | None:
        codings = _AROUND_TOOK_MS if _TOOK_MS in body else CODINGS
        return preferred_coding(self._request_headers, codings)


def _is_compressible(start: Message) -> bool:
    headers = start.get("headers", ())
    return (
        start["status"] in _OK
        and (_header(headers, b"content-type") or b"").startswith(_TYPES)
        and _header(headers, b"content-encoding") is None
        and b"no-store" not in (_header(headers, b"cache-control") or b"")
    )


def _header(headers: "list[RawHeader] | tuple[RawHeader, ...]", wanted: bytes) -> bytes | None:
    return next((value for name, value in headers if name.lower() == wanted), None)


def _of_compressed(name: bytes, value: bytes, length: int) -> RawHeader:
    if name.lower() == b"content-length":
        return name, b"%d" % length
    if name.lower() == b"etag" and not value.startswith(b"W/"):
        return name, b"W/" + value  # other bytes than those that the strong tag names
    return name, value


def _deflated(data: bytes, *, last: bool) -> bytes:
    """A part of a raw deflate stream that ends at a whole byte and refers to no other part."""
    compressor = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    flush = zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH
    return compressor.compress(data) + compressor.flush(flush)
