"""The service with small caches, which are full within the warm-up of a worker.

With their usual bounds they take minutes to fill: without any write, a worker of the soak grew by
3.9 MiB a minute, up to the 13 MiB that they may have together. A leak could not be told from that.
"""

from scholarship_api.search import limits

# Before the import of the modules that use them.
limits.MAX_CACHED_RESPONSE_BYTES = 524_288  # type: ignore[misc]
limits.MAX_CACHED_ROUTE_BYTES = 131_072  # type: ignore[misc]
limits.MAX_CACHED_ITEM_BYTES = 262_144  # type: ignore[misc]
limits.MAX_SNAPSHOT_CACHE_ITEMS = 500  # type: ignore[misc]

from scholarship_api.app import create_app  # noqa: E402

__all__ = ["create_app"]
