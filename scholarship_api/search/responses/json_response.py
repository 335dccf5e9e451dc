"""A response of JSON as bytes, and how it is sent: whole, or as 304 to a client that has it."""

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
_TOOK_MS: Final = b'"took_ms":'
# A client that keeps the response has to revalidate it: a write is visible to the next request.
_CACHE_CONTROL: Final = b"public, no-cache"
_CACHEABLE_METHODS: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class RenderedJson:
    """The JSON of a response with status 200. The value of `took_ms` is inserted when it is sent,
    if the JSON has this field."""

    head: bytes
    tail: bytes | None
    """The JSON after the value of `took_ms`; None without this field."""
    etag: bytes
    """Weak with `took_ms`, which differs each time."""

    @classmethod
    def of(cls, body: bytes) -> Self:
        # Inside a JSON text the quotes are escaped, so this is the field.
        before, key, after = body.partition(_TOOK_MS)
        if not key:
            return cls(body, None, entity_tag(digest(body)))
        _, comma, rest = after.partition(b",")
        return cls(before + key, comma + rest, entity_tag(digest(before, rest), weak=True))

    def body(self, seconds: float) -> bytes:
        """The JSON; `seconds` is the value for `took_ms`."""
        if self.tail is None:
            return self.head
        return b"".join((self.head, b"%.3f" % (seconds * 1000), self.tail))

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.head) + len(self.tail or b"") + len(self.etag)

    async def send(
        self, scope: Scope, send: Send, *, seconds: float, headers: Headers, shared: Headers = ()
    ) -> tuple[int, int]:
        """Send it, and return the status and the bytes of the body that were sent.

        `seconds` is the value for `took_ms`. `headers` and `shared` are further headers; `shared`
        is the same object for many responses.
        """
        method = scope["method"]
        caching: Headers = (
            caching_headers(self.etag, _CACHE_CONTROL) if method in _CACHEABLE_METHODS else ()
        )
        if caching and is_not_modified(self.etag, scope["headers"]):
            await send(_start(scope, NOT_MODIFIED, (*caching, *headers), shared))
            await send({"type": "http.response.body"})
            return NOT_MODIFIED, 0
        body = self.body(seconds)
        length = (b"content-length", b"%d" % len(body))
        await send(_start(scope, 200, (_JSON, length, *caching, *headers), shared))
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


class RenderedJsonResponse(Response):
    """A RenderedJson for a route to return."""

    def __init__(self, rendered: RenderedJson, *, seconds: float, headers: Headers = ()) -> None:
        super().__init__()
        self._rendered = rendered
        self._seconds = seconds
        self._further_headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await self._rendered.send(scope, send, seconds=self._seconds, headers=self._further_headers)
