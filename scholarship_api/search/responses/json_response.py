"""An answer as bytes, and how it is sent: whole, or 304 to a client that has it already."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from scholarship_api.platform.server.response_writer import SHARED_HEADERS

Headers = tuple[tuple[bytes, bytes], ...]

_JSON: Final = (b"content-type", b"application/json")
_TOOK: Final = b'"took_ms":'
# Whoever keeps it has to ask whether it is still true: a write is visible to the next request.
_CACHING: Final = (b"cache-control", b"public, no-cache")
_KEPT_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Answer:
    """A 200 of JSON; `took_ms`, if it has that, is put in when it is sent."""

    head: bytes
    tail: bytes | None
    """What stands after `took_ms`."""
    etag: bytes
    """Weak where `took_ms` differs between two sendings."""

    @classmethod
    def of(cls, body: bytes) -> Self:
        # Within a JSON text the quotes would be escaped.
        before, key, after = body.partition(_TOOK)
        digest = hashlib.blake2b(before, digest_size=9)
        if not key:
            return cls(body, None, b'"%b"' % digest.hexdigest().encode())
        _, comma, rest = after.partition(b",")
        digest.update(rest)
        return cls(before + key, comma + rest, b'W/"%b"' % digest.hexdigest().encode())

    @property
    def size(self) -> int:
        return len(self.head) + len(self.tail or b"") + len(self.etag)

    async def send(
        self, scope: Scope, send: Send, *, seconds: float, headers: Headers, shared: Headers = ()
    ) -> tuple[int, int]:
        """The status and the bytes of body that were sent.

        `seconds` is how long the answer took; `headers` and `shared` are further headers, the
        second as one object for many answers.
        """
        method = scope["method"]
        kept: Headers = ((b"etag", self.etag), _CACHING) if method in _KEPT_METHODS else ()
        if kept and _is_known(self.etag, scope["headers"]):
            await send(_start(scope, 304, (*kept, *headers), shared))
            await send({"type": "http.response.body"})
            return 304, 0
        body = self.head
        if self.tail is not None:
            body = b"".join((body, b"%.3f" % (seconds * 1000), self.tail))
        length = (b"content-length", b"%d" % len(body))
        await send(_start(scope, 200, (_JSON, length, *kept, *headers), shared))
        if method == "HEAD":
            body = b""
        await send({"type": "http.response.body", "body": body})
        return 200, len(body)


def _start(scope: Scope, status: int, headers: Headers, shared: Headers) -> Message:
    start: Message = {"type": "http.response.start", "status": status, "headers": headers}
    if SHARED_HEADERS in (scope.get("extensions") or ()):
        start[SHARED_HEADERS] = shared
    else:
        start["headers"] = headers + shared
    return start


class AnswerResponse(Response):
    """An Answer for a route to return."""

    def __init__(self, answer: Answer, *, seconds: float, headers: Headers = ()) -> None:
        super().__init__()
        self._answer = answer
        self._seconds = seconds
        self._further = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await self._answer.send(scope, send, seconds=self._seconds, headers=self._further)


def _is_known(etag: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """RFC 9110, 13.1.2: If-None-Match is a list of tags or `*`, compared weakly."""
    for name, value in headers:
        if name == b"if-none-match":
            if value == etag:
                return True
            tags = {tag.strip().removeprefix(b"W/") for tag in value.split(b",")}
            if b"*" in tags or etag.removeprefix(b"W/") in tags:
                return True
    return False
