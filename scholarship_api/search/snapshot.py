"""Where a search gets its answer from: PostgreSQL, and what it has said of the same catalogue."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from scholarship_api.catalogue.versions import Version
from scholarship_api.platform.database.libpq import Fetch

MAX_LEARNT: Final = 10_000
"""Of each kind: 3 MB of standings, and about as much of words."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Entry(NamedTuple):
    """What the vocabulary says of a word."""

    folded: str
    lexeme: str | None
    """The stem under which PostgreSQL indexes the word; None for a stop word."""
    documents: int
    """In about how many awards it is."""
    known: bool
    """Whether it is in any, or of a kind that is not looked up there."""
    completions: tuple[str, ...]
    """Lexemes of the most frequent words that begin with it, if they were asked for."""
    begun: int
    """In about how many awards those are, at most."""
    awards: float
    """About how many awards there are."""


class Learnt(Generic[_Key, _Value]):
    """Some answers of PostgreSQL, the oldest out."""

    def __init__(self) -> None:
        self._values: dict[_Key, _Value] = {}
        self.get: Final[Callable[[_Key], _Value | None]] = self._values.get

    def keep(self, key: _Key, value: _Value) -> None:
        if len(self._values) >= MAX_LEARNT:
            del self._values[next(iter(self._values))]
        self._values[key] = value


@dataclass(slots=True)
class Memory:
    """What is true as long as the catalogue does not change."""

    words: Learnt[tuple[str, bool], Entry] = field(default_factory=Learnt)
    """By the word as it was typed, and whether it is completed."""
    standings: Learnt[bytes, bytes] = field(default_factory=Learnt)
    """See `presentation`."""


class Memories:
    """The memory of the newest version of the catalogue that was asked for."""

    def __init__(self) -> None:
        self._number = 0
        self._newest = Memory()

    def of(self, version: Version) -> Memory:
        """One to be thrown away for a version that is older."""
        if version.number > self._number:
            self._number = version.number
            self._newest = Memory()
        return self._newest if version.number == self._number else Memory()


@dataclass(frozen=True, slots=True)
class Source:
    fetch: Fetch
    now: dt.datetime
    """The instant to work with."""
    memory: Memory = field(default_factory=Memory)
