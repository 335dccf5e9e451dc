"""The caches of a snapshot: used until the catalogue changes."""

import datetime as dt
from collections.abc import Mapping

from anyio import run

from scholarship_api.catalogue.versions import Version
from scholarship_api.platform.database.libpq import Row
from scholarship_api.search import limits
from scholarship_api.search.snapshot import BoundedCache, Snapshot, SnapshotCaches
from scholarship_api.search.text import dictionary

NOW = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
STATISTICS = b'["law","law",7,true,["law","lawyer"],9,100]'


class Dictionary:
    """Gives every word the same statistics, and notes which words were looked up."""

    def __init__(self) -> None:
        self.words: list[object] = []

    async def __call__(self, _: str, parameters: Mapping[str, object]) -> list[Row]:
        asked = parameters["words"]
        assert isinstance(asked, list)
        self.words.append(asked)
        return [(STATISTICS,) for _ in asked]


def test_a_word_is_looked_up_once() -> None:
    async def look_up() -> None:
        asked = Dictionary()
        snapshot = Snapshot(asked, NOW)
        first = await dictionary.look_up(snapshot, ["law", "school", "law"])
        assert [term.lexeme for term in first] == ["law", "law", "law"]
        assert first[0].completions == ("law", "lawyer")
        await dictionary.look_up(snapshot, ["school", "tax"])
        await dictionary.look_up(
            snapshot, ["tax"], completed=0
        )  # its completions are looked up now
        assert asked.words == [["law", "school"], ["tax"], ["tax"]]

    run(look_up)


def test_each_version_has_its_own_cache() -> None:
    caches = SnapshotCaches()
    first = caches.of(Version(NOW, 1))
    assert caches.of(Version(NOW, 1)) is first
    second = caches.of(Version(NOW, 2))
    assert second is not first
    late = caches.of(Version(NOW, 1))
    assert late is not first
    assert late is not second
    assert caches.of(Version(NOW, 2)) is second


def test_the_oldest_item_leaves_first() -> None:
    cache: BoundedCache[int, int] = BoundedCache()
    for number in range(limits.MAX_SNAPSHOT_CACHE_ITEMS + 1):
        cache.put(number, number)
    assert cache.get(0) is None
    assert cache.get(1) == 1
    assert cache.get(limits.MAX_SNAPSHOT_CACHE_ITEMS) == limits.MAX_SNAPSHOT_CACHE_ITEMS
