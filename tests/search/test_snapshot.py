"""What was learnt of the catalogue is used until the catalogue changes."""

import datetime as dt
from collections.abc import Mapping

from anyio import run

from scholarship_api.catalogue.versions import Version
from scholarship_api.platform.database.libpq import Row
from scholarship_api.search import snapshot
from scholarship_api.search.snapshot import Learnt, Memories, Source
from scholarship_api.search.text import dictionary

NOW = dt.datetime(2027, 3, 1, tzinfo=dt.UTC)
ENTRY = b'["law","law",7,true,["law","lawyer"],9,100]'


class Asked:
    """A catalogue of one word, and which ones it was asked for."""

    def __init__(self) -> None:
        self.words: list[object] = []

    async def __call__(self, _: str, parameters: Mapping[str, object]) -> list[Row]:
        asked = parameters["words"]
        assert isinstance(asked, list)
        self.words.append(asked)
        return [(ENTRY,) for _ in asked]


def test_a_word_is_looked_up_once() -> None:
    async def look_up() -> None:
        asked = Asked()
        source = Source(asked, NOW)
        first = await dictionary.look_up(source, ["law", "school", "law"])
        assert [entry.lexeme for entry in first] == ["law", "law", "law"]
        assert first[0].completions == ("law", "lawyer")
        await dictionary.look_up(source, ["school", "tax"])
        await dictionary.look_up(source, ["tax"], completed=0)  # its completions are new
        assert asked.words == [["law", "school"], ["tax"], ["tax"]]

    run(look_up)


def test_a_memory_is_of_one_version() -> None:
    memories = Memories()
    first = memories.of(Version(NOW, 1))
    assert memories.of(Version(NOW, 1)) is first
    second = memories.of(Version(NOW, 2))
    assert second is not first
    late = memories.of(Version(NOW, 1))
    assert late is not first
    assert late is not second
    assert memories.of(Version(NOW, 2)) is second


def test_what_was_learnt_first_is_forgotten_first() -> None:
    learnt: Learnt[int, int] = Learnt()
    for number in range(snapshot.MAX_LEARNT + 1):
        learnt.keep(number, number)
    assert learnt.get(0) is None
    assert learnt.get(1) == 1
    assert learnt.get(snapshot.MAX_LEARNT) == snapshot.MAX_LEARNT
