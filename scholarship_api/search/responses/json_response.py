"""An answer as bytes, and how it is sent: whole, or 304 to a client that has it already."""

from dataclasses import dataclass
from typing import Final, Self

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from scholarship_api.platform.http.conditional import (
    NOT_MODIFIED,
    caching_headers,
    digest,
    entity_tag,
    is_not_modified,
)
from scholarship_api.platform.server.response_writer import SHARED_HEADERS

Headers = tuple[tuple[bytes, bytes], ...]

_JSON: Final = (b"content-type", b"application/json")
_TOOK: Final = b'"took_ms":'
# Whoever keeps it has to ask whether it is still true: a write is visible to the next request.
_CACHE_CONTROL: Final = b"public, no-cache"
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
        if not key:
            return cls(body, None, entity_tag(digest(body)))
        _, comma, rest = after.partition(b",")
        return cls(before + key, comma + rest, entity_tag(digest(before, rest), weak=True))

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
        kept: Headers = (
            caching_headers(self.etag, _CACHE_CONTROL) if method in _KEPT_METHODS else ()
        )
        if kept and is_not_modified(self.etag, scope["headers"]):
            await send(_start(scope, NOT_MODIFIED, (*kept, *headers), shared))
            await send({"type": "http.response.body"})
            return NOT_MODIFIED, 0
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
