"""The version of the catalogue, which is read from PostgreSQL for every request.

A cached answer may be used again while the version stays the same. The version changes with every
write (a trigger counts them), with every deadline that passes, and when midnight may pass in some
time zone: availability and days left change without a write. When a round of an award opens or
closes, the award is written (`round_turns`). A change of the rules of the search counts, too, and
so does an instant at which a rule begins or ends.
"""

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, LiteralString, NamedTuple

import psycopg

from scholarship_api.catalogue.round_turns import RoundTurns
from scholarship_api.platform.database.coalesced_reads import Read
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.errors import as_unavailable
from scholarship_api.platform.database.replicas import POSITION

MIDNIGHT_INTERVAL_SECONDS: Final = 900
"""Every time zone's offset from UTC, and so its midnight, is a multiple of 15 minutes."""

_STATE: Final[LiteralString] = """
    SELECT (SELECT coalesce(sum(number), 0) FROM public.catalogue_versions),
           (SELECT coalesce(sum(words), 0) FROM public.catalogue_versions),
           (SELECT coalesce(sum(rules), 0) FROM public.catalogue_versions),
           (SELECT closes_at FROM public.scholarships
            WHERE status = 'published' AND closes_at >= $1 ORDER BY closes_at, id LIMIT 1),
           (SELECT turns_at < $1 FROM public.scholarships
            WHERE status = 'published' AND turns_at IS NOT NULL ORDER BY turns_at LIMIT 1)
"""
_WITH_POSITION: Final[LiteralString] = _STATE + ", (" + POSITION + ")"
"""The state, and the position of the primary's log, which is not less than that of the state."""
_TURNED: Final = 4
"""The column of _STATE that says whether a round of some award has opened or closed since the award
was written."""


class Version(NamedTuple):
    """The same number means the same state of the catalogue; later states have greater numbers."""

    at: dt.datetime
    """The instant at which the state was read, for everything that depends on the time."""
    number: int
    """Counted by this process; other processes have other numbers."""
    state: bytes = b""
    """PostgreSQL's name for what the awards and words are; it does not change with the clock."""
    words: bytes = b""
    """The same for the words of the catalogue alone."""
    midnights: int = 0
    """Changes whenever midnight may pass in some time zone."""
    closes_at: bytes | None = None
    """The next instant at which an award closes, as PostgreSQL writes it."""
    rules: bytes = b""
    """PostgreSQL's name for what the rules of the search and the changes of its synonyms are."""
    rule_instants: int = 0
    """How many of the instants at which rules begin or end have passed."""


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class CatalogueVersions:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._replicas = database.replicas
        statement = _STATE if self._replicas is None else _WITH_POSITION
        self._read = database.coalesced_read(statement, clock=utc_now)
        self._turns = RoundTurns(database)
        self._last: Read | None = None
        self._name: tuple[object, ...] = ()
        self._version = Version(dt.datetime.min.replace(tzinfo=dt.UTC), 0)
        self.rule_instants: Sequence[dt.datetime] = ()
        """When rules of the search begin and end, in order; whoever reads the rules sets it."""

    async def current(self) -> Version:
        """Read a version that includes every write acknowledged before this call.

        Raises DatabaseUnavailable.
        """
        try:
            read = await self._read()
            if read.row[_TURNED] == b"t":
                await self._turns.turn()
                read = await self._read()
        except psycopg.Error as error:
            failure = as_unavailable(error)
            if failure is error:
                raise
            raise failure from error
        if read is not self._last:
            self._last = read
            midnights = int(read.started_at.timestamp()) // MIDNIGHT_INTERVAL_SECONDS
            state, words, rules, closes_at = read.row[:_TURNED]
            instants = bisect_right(self.rule_instants, read.started_at)
            if self._replicas is not None and (state, words) != self._name[:2]:
                self._replicas.require("version", int(read.row[_TURNED + 1]))
            name = (state, words, closes_at, midnights, rules, instants)
            number = self._version.number + (name != self._name)
            self._name = name
            self._version = Version(
                read.started_at, number, state, words, midnights, closes_at, rules, instants
            )
        return self._version

    async def close(self) -> None:
        await self._turns.close()
