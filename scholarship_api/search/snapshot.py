"""A snapshot of the catalogue: how to query it, the instant it belongs to, and what is cached of
it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

from scholarship_api.catalogue.read_model.change_log import Changed
from scholarship_api.catalogue.read_model.current import Choose, CurrentModel, ReadRows
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.versions import Version
from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.current_rules import CurrentRules
from scholarship_api.search.items import ItemCache
from scholarship_api.search.rules import RULES_BY_DEFAULT, SearchRules

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Result = TypeVar("_Result")
_Row = TypeVar("_Row")


class TermStatistics(NamedTuple):
    """The entry of one word in the dictionary of the catalogue."""

    folded: str
    lexeme: str | None
    """The stem under which PostgreSQL indexes the word; None for a stop word."""
    documents: int
    """About how many awards contain a word with this stem."""
    is_recognised: bool
    """Whether an award contains the word; also True for stop words, numbers and single letters,
    which are never corrected."""
    is_word: bool
    """Whether an award contains this very word, and not only another one with its stem."""
    completions: tuple[str, ...]
    """Stems of the most frequent words that begin with this one; empty unless asked for."""
    prefix_documents: int
    """About how many awards contain one of the completions, at most."""
    awards: float
    """About how many awards there are in the catalogue."""


class BoundedCache(Generic[_Key, _Value]):
    """At most MAX_SNAPSHOT_CACHE_ITEMS items; the oldest one leaves first."""

    def __init__(self) -> None:
        self._values: dict[_Key, _Value] = {}
        self.get: Final[Callable[[_Key], _Value | None]] = self._values.get

    def put(self, key: _Key, value: _Value) -> None:
        if len(self._values) >= limits.MAX_SNAPSHOT_CACHE_ITEMS:
            del self._values[next(iter(self._values))]
        self._values[key] = value


@dataclass(frozen=True, slots=True)
class SnapshotCache:
    """Results of queries that stay true for longer than one request."""

    terms: BoundedCache[tuple[str, bool], TermStatistics] = field(default_factory=BoundedCache)
    """By the word as it was typed, and whether its completions were asked for. True as long as the
    statistics of words do not change."""
    availability_fields: BoundedCache[bytes, bytes] = field(default_factory=BoundedCache)
    """See `sql/summaries.py`. True until a deadline or midnight passes."""


class SnapshotCaches:
    """The caches of the newest version of the catalogue that was asked for.

    A write that changes no statistics of words and no deadline leaves both as they are.
    """

    def __init__(self) -> None:
        self._newest = Version(dt.datetime.min.replace(tzinfo=dt.UTC), 0)
        self._terms_since = self._newest.at
        self._cache = SnapshotCache()

    def of(self, version: Version) -> SnapshotCache:
        """The cache of this version. An older version gets an empty one that is not kept."""
        if version.number < self._newest.number:
            return SnapshotCache()
        terms, availability_fields = self._cache.terms, self._cache.availability_fields
        age = (version.at - self._terms_since).total_seconds()
        if version.words != self._newest.words or age > limits.MAX_TERM_AGE_SECONDS:
            terms, self._terms_since = BoundedCache(), version.at
        if (version.midnights, version.closes_at) != (
            self._newest.midnights,
            self._newest.closes_at,
        ):
            availability_fields = BoundedCache()
        if terms is not self._cache.terms or availability_fields is not (
            self._cache.availability_fields
        ):
            self._cache = SnapshotCache(terms, availability_fields)
        self._newest = version
        return self._cache


class CatalogueVersion(NamedTuple):
    """A version, and the read model that reaches it."""

    current: CurrentModel
    version: Version


@dataclass(frozen=True, slots=True)
class Snapshot:
    fetch: Fetch
    now: dt.datetime
    """The instant that decides which awards are open."""
    cache: SnapshotCache = field(default_factory=SnapshotCache)
    catalogue: CatalogueVersion | None = None
    """For the read model; without it, only text can be analysed."""
    items: ItemCache = field(default_factory=ItemCache)
    current_rules: CurrentRules | None = None
    """None for the rules by default."""

    async def rules(self) -> SearchRules:
        """The rules with every change that the snapshot has seen, or newer ones.

        Raises DatabaseUnavailable.
        """
        if self.current_rules is None:
            return RULES_BY_DEFAULT
        return await self.current_rules.at(self._catalogue.version)

    async def model(self) -> ReadModel:
        """The read model with every write that the snapshot has seen, or newer ones.

        It changes with the next `await`. Raises DatabaseUnavailable.
        """
        current, version = self._catalogue
        return await current.at(version)

    async def read(
        self, choose: Choose[_Result], read_rows: ReadRows[_Row]
    ) -> tuple[_Result, list[_Row]]:
        """See `CurrentModel.read`."""
        current, version = self._catalogue
        return await current.read(version, choose, read_rows)

    @property
    def revision(self) -> int:
        """The revision of the read model; the same until the next `await`."""
        return self._catalogue.current.changes.revision

    async def changed_since(self, revision: int) -> tuple[Changed | None, ReadModel]:
        """The awards that have changed after a revision of the read model, None if they are too
        many to be known, and the model with every write that was acknowledged before this call.

        Raises DatabaseUnavailable.
        """
        current, _ = self._catalogue
        model, _ = await current.newest()
        return current.changes.since(revision), model

    async def updated_model(self) -> ReadModel:
        """The read model with every write that can be seen now."""
        current, _ = self._catalogue
        return await current.updated()

    @property
    def _catalogue(self) -> CatalogueVersion:
        if self.catalogue is None:
            raise RuntimeError("this snapshot has no read model")
        return self.catalogue
