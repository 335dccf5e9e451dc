"""Responses in memory: those of one version of the catalogue, within bounds."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from scholarship_api.catalogue.versions import Version
from scholarship_api.search import limits
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
    counted_query: str | None
    """The text that the search trends count."""
    headers: Headers
    """Headers of the first response that are the same for every response."""


class ResponseCache:
    """The responses of the newest version that was asked for or put; the least recently used one
    leaves first.

    Each worker has a cache of its own, so a frequent response is in all of them.
    """

    def __init__(
        self,
        *,
        max_response_bytes: int = limits.MAX_CACHED_RESPONSE_BYTES,
        max_route_bytes: int = limits.MAX_CACHED_ROUTE_BYTES,
    ) -> None:
        self._version = 0
        self._responses: _BoundedCache[str, RenderedJson] = _BoundedCache(max_response_bytes)
        self._routes: _BoundedCache[CacheKey, CachedRoute] = _BoundedCache(max_route_bytes)

    def get(self, version: Version, response_key: str) -> RenderedJson | None:
        return self._responses.get(response_key) if self._is_newest(version) else None

    def put(self, version: Version, response_key: str, rendered: RenderedJson) -> None:
        if self._is_newest(version):
            self._responses.put(response_key, rendered, size=len(response_key) + rendered.size)

    def get_route(self, cache_key: CacheKey) -> CachedRoute | None:
        return self._routes.get(cache_key)

    def put_route(self, cache_key: CacheKey, route: CachedRoute) -> None:
        key_bytes = sum(len(part or b"") for part in cache_key)
        value_bytes = len(route.response_key) + len(route.counted_query or "")
        self._routes.put(cache_key, route, size=key_bytes + value_bytes)

    @property
    def size(self) -> int:
        """The bytes of everything in the cache."""
        return self._responses.size + self._routes.size

    def _is_newest(self, version: Version) -> bool:
        if version.number > self._version:
            self._version = version.number
            self._responses.clear()
        return version.number == self._version


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

    def clear(self) -> None:
        self._items.clear()
        self.size = 0
