"""The items of a page, cached for awards that are asked for often."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.sql import statements
from scholarship_api.search.sql.summaries import Item


class ItemCache:
    """Items without highlights, least recently used out. One per process.

    An item belongs to a version of its row, which the read model knows: a write leaves all other
    items as they are.
    """

    def __init__(self, max_bytes: int = limits.MAX_CACHED_ITEM_BYTES) -> None:
        self._max_bytes: Final = max_bytes
        self._items: OrderedDict[str, Item] = OrderedDict()
        self._bytes = 0

    def get(self, award_id: str, row_version: int) -> Item | None:
        item = self._items.get(award_id)
        if item is None or item.row_version != row_version:
            return None
        self._items.move_to_end(award_id)
        return item

    def put(self, award_id: str, item: Item) -> None:
        replaced = self._items.pop(award_id, None)
        if replaced is not None:
            self._bytes -= _size(award_id, replaced)
        self._items[award_id] = item
        self._bytes += _size(award_id, item)
        while self._bytes > self._max_bytes:
            oldest, removed = self._items.popitem(last=False)
            self._bytes -= _size(oldest, removed)


def _size(award_id: str, item: Item) -> int:
    content = len(award_id) + len(item.availability_source) + len(item.json)
    return content + limits.CACHE_ITEM_OVERHEAD_BYTES


async def read_items(
    fetch: Fetch, cache: ItemCache, wanted: Mapping[str, int], *, highlighted: str | None
) -> dict[str, Item]:
    """The items of published awards, given with the versions of their rows that are wanted.

    An award may come in another version, or not at all. `highlighted` are words to show passages
    of, which are not cached.
    """
    if highlighted is not None:
        return await statements.items(fetch, list(wanted), words=highlighted)
    found = {
        award_id: item
        for award_id, row_version in wanted.items()
        if (item := cache.get(award_id, row_version)) is not None
    }
    missing = [award_id for award_id in wanted if award_id not in found]
    if missing:
        read = await statements.items(fetch, missing)
        for award_id, item in read.items():
            cache.put(award_id, item)
        found |= read
    return found
