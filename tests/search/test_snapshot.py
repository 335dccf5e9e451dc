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
STATISTICS = b'["law","law",7,true,true,["law","lawyer"],9,100]'


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


def test_a_write_leaves_alone_what_was_learnt_of_words_and_deadlines() -> None:
    caches = SnapshotCaches()
    first = caches.of(Version(NOW, 1, words=b"7", midnights=5, closes_at=b"soon"))
    after_write = caches.of(Version(NOW, 2, words=b"7", midnights=5, closes_at=b"soon"))
    assert after_write is first
    new_words = caches.of(Version(NOW, 3, words=b"8", midnights=5, closes_at=b"soon"))
    assert new_words.terms is not first.terms
    assert new_words.availability_fields is first.availability_fields
    next_day = caches.of(Version(NOW, 4, words=b"8", midnights=6, closes_at=b"soon"))
    assert next_day.terms is new_words.terms
    assert next_day.availability_fields is not first.availability_fields
    closed = caches.of(Version(NOW, 5, words=b"8", midnights=6, closes_at=b"later"))
    assert closed.availability_fields is not next_day.availability_fields


def test_words_are_looked_up_again_after_a_while() -> None:
    caches = SnapshotCaches()
    first = caches.of(Version(NOW, 1))
    later = NOW + dt.timedelta(seconds=limits.MAX_TERM_AGE_SECONDS + 1)
    assert caches.of(Version(later, 1)).terms is not first.terms


def test_a_request_that_was_overtaken_leaves_the_caches_alone() -> None:
    caches = SnapshotCaches()
    newest = caches.of(Version(NOW, 2))
    late = caches.of(Version(NOW, 1))
    assert late.terms is not newest.terms
    assert late.availability_fields is not newest.availability_fields
    assert caches.of(Version(NOW, 2)) is newest


def test_the_oldest_item_leaves_first() -> None:
    cache: BoundedCache[int, int] = BoundedCache()
    for number in range(limits.MAX_SNAPSHOT_CACHE_ITEMS + 1):
        cache.put(number, number)
    assert cache.get(0) is None
    assert cache.get(1) == 1
    assert cache.get(limits.MAX_SNAPSHOT_CACHE_ITEMS) == limits.MAX_SNAPSHOT_CACHE_ITEMS
