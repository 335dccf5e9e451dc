"""Compresses answers with gzip for clients that ask for it (RFC 9110, 12.5.3).

A cached answer is compressed once: its parts before and after `took_ms`, which differs each time,
are compressed apart and kept by the ETag, and put together for each response. Answers with
`no-store` are left as they are: they may hold secrets, and the size of a compressed text can tell
what is in it (the BREACH attack).
"""

import zlib
from collections import OrderedDict
from collections.abc import Awaitable
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIN_BYTES: Final = 1024
"""Smaller bodies fit into one packet as they are."""

LEVEL: Final = 5
"""The level of zlib: a page of 100 awards, 49 KB, becomes 12 KB in about 1 ms."""

CACHED_BODIES: Final = 256
"""Compressed bodies that are kept by their ETags."""

MAX_CACHED_BYTES: Final = 131_072
"""The largest body, before compression, that is kept: with CACHED_BODIES of them, 8 MB."""

_TOOK_MS: Final = b'"took_ms":'
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_TYPES: Final = (b"application/json", b"application/javascript", b"text/")
_OK: Final = frozenset({200, 201})

RawHeader = tuple[bytes, bytes]


class _Parts(NamedTuple):
    """A body with another number in the middle each time, compressed around the number."""

    head: bytes
    tail: bytes


class CompressionMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._cached: OrderedDict[bytes, _Parts] = OrderedDict()

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "http" or scope["method"] == "HEAD":
            return self._app(scope, receive, send)
        return self._app(scope, receive, _Response(self, send, accepts=accepts_gzip(scope)).send)

    def compress(self, body: bytes, etag: bytes | None) -> bytes:
        head, key, rest = body.partition(_TOOK_MS)
        number, comma, tail = rest.partition(b",") if key else (b"", b"", b"")
        head, tail = head + key, comma + tail
        parts = self._cached.get(etag) if etag else None
        if parts is None:
            parts = _Parts(_deflated(head, last=False), _deflated(tail, last=True))
            if etag and len(body) <= MAX_CACHED_BYTES:
                self._cached[etag] = parts
                if len(self._cached) > CACHED_BODIES:
                    self._cached.popitem(last=False)
        elif etag:
            self._cached.move_to_end(etag)
        middle = _deflated(number, last=False) if number else b""
        trailer = zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")
        return b"".join((_GZIP_HEADER, parts.head, middle, parts.tail, trailer))


class _Response:
    """Sends one response, compressed if that is worth it."""

    def __init__(self, compression: CompressionMiddleware, send: Send, *, accepts: bool) -> None:
        self._compression = compression
        self._send = send
        self._accepts = accepts
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
            if self._accepts and is_whole and len(body) >= MIN_BYTES:
                etag = _header(headers, b"etag")
                body = self._compression.compress(body, etag)
                headers = [_of_compressed(name, value, len(body)) for name, value in headers]
                headers.append((b"content-encoding", b"gzip"))
                message = {**message, "body": body}
            await self._send({**start, "headers": headers})
        await self._send(message)


def accepts_gzip(scope: Scope) -> bool:
    """Whether Accept-Encoding lists gzip, or anything, with a weight above 0."""
    weights: dict[bytes, bool] = {}
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            for entry in value.lower().split(b","):
                coding, _, parameter = entry.partition(b";")
                weight = parameter.strip().removeprefix(b"q=").strip()
                weights[coding.strip()] = not weight or bool(weight.strip(b"0."))
    return weights.get(b"gzip", weights.get(b"x-gzip", weights.get(b"*", False)))


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
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    flush = zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH
    return compressor.compress(data) + compressor.flush(flush)
