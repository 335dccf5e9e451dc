"""Responses in memory, within bounds, each with what it rests on."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from scholarship_api.activity.searches.recording import CountedSearch
from scholarship_api.catalogue.versions import Version
from scholarship_api.search import limits
from scholarship_api.search.basis import Basis
from scholarship_api.search.responses.json_response import Headers, RenderedJson

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

CacheKey = tuple[str, bytes, bytes | None, bytes | None]
"""The path and the query string as they were sent, the Host and the Origin."""


@dataclass(frozen=True, slots=True)
class CachedRoute:
    """The result of routing and validating a request."""

    response_key: str
    """The same for all requests that have the same response."""
    route: str
    """The path template, for logs and metrics."""
    headers: Headers
    """Headers of the first response that are the same for every response."""


@dataclass(slots=True)
class CachedResponse:
    """A response, and since when it is known to be true."""

    rendered: RenderedJson
    version: Version
    """The newest version at which it is true."""
    basis: Basis | None
    """None for a response that any write may change."""
    counted: CountedSearch | None = None
    """The search that analytics count each time that it is sent, if any."""
    checking: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the request that finds out whether it is still true."""

    @property
    def size(self) -> int:
        """In bytes."""
        words = 0 if self.counted is None else len(self.counted.query)
        return self.rendered.size + words + (0 if self.basis is None else self.basis.size)


class ResponseCache:
    """Responses within bounds; the least recently used one leaves first.

    Each worker has a cache of its own, so a frequent response is in all of them.
    """

    def __init__(
        self,
        *,
        max_response_bytes: int = limits.MAX_CACHED_RESPONSE_BYTES,
        max_route_bytes: int = limits.MAX_CACHED_ROUTE_BYTES,
    ) -> None:
        self._responses: _BoundedCache[str, CachedResponse] = _BoundedCache(max_response_bytes)
        self._routes: _BoundedCache[CacheKey, CachedRoute] = _BoundedCache(max_route_bytes)

    def get(self, response_key: str) -> CachedResponse | None:
        """The response as it was; the caller compares its version."""
        return self._responses.get(response_key)

    def put(self, response_key: str, response: CachedResponse) -> None:
        present = self._responses.get(response_key)
        if present is None or present.version.number <= response.version.number:
            size = len(response_key) + response.size
            self._responses.put(response_key, response, size=size)

    def discard(self, response_key: str, response: CachedResponse) -> None:
        """Remove a response that is not true any more, unless another one has replaced it."""
        if self._responses.get(response_key) is response:
            self._responses.discard(response_key)

    def get_route(self, cache_key: CacheKey) -> CachedRoute | None:
        return self._routes.get(cache_key)

    def put_route(self, cache_key: CacheKey, route: CachedRoute) -> None:
        key_bytes = sum(len(part or b"") for part in cache_key)
        self._routes.put(cache_key, route, size=key_bytes + len(route.response_key))

    @property
    def size(self) -> int:
        """The bytes of everything in the cache."""
        return self._responses.size + self._routes.size


class _BoundedCache(Generic[_Key, _Value]):
    def __init__(self, max_bytes: int) -> None:
        self.size = 0
        self._max_bytes = max_bytes
        self._items: OrderedDict[_Key, tuple[_Value, int]] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        found = self._items.get(key)
        if found is None:
            return None
        self._items.move_to_end(key)
        return found[0]

    def put(self, key: _Key, value: _Value, *, size: int) -> None:
        size += limits.CACHE_ITEM_OVERHEAD_BYTES
        if size > self._max_bytes:
            return
        _, replaced = self._items.pop(key, (None, 0))
        self._items[key] = (value, size)
        self.size += size - replaced
        while self.size > self._max_bytes:
            _, (_, freed) = self._items.popitem(last=False)
            self.size -= freed

    def discard(self, key: _Key) -> None:
        _, freed = self._items.pop(key)
        self.size -= freed
