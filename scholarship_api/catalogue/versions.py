"""Which state the catalogue is in, asked of PostgreSQL for every request.

An answer that was made of the catalogue may be used again while the state stays the same. It
changes with every write, whoever makes it (a trigger counts), with every deadline that passes, and
where a day may turn in some zone: availability and days left change without a write.
"""

import datetime as dt
from typing import Final, NamedTuple

import psycopg

from scholarship_api.platform.database.coalesced_reads import Read
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.errors import as_unavailable

DAY_TURNS_SECONDS: Final = 900
"""Every zone's offset from UTC is a multiple of a quarter of an hour, and so are its midnights."""

_STATE: Final = """
    SELECT (SELECT sum(number) FROM public.catalogue_versions),
           (SELECT closes_at FROM public.scholarships
            WHERE status = 'published' AND closes_at >= $1 ORDER BY closes_at, id LIMIT 1)
"""


class Version(NamedTuple):
    """The same number stands for the same state; a later state has a greater one."""

    at: dt.datetime
    """The instant to work with: it belongs to the state."""
    number: int
    """Of this process alone."""


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class CatalogueVersions:
    """One per process."""

    def __init__(self, database: Database) -> None:
        self._read = database.coalesced_read(_STATE, clock=utc_now)
        self._last: Read | None = None
        self._name: tuple[object, ...] = ()
        self._version = Version(dt.datetime.min.replace(tzinfo=dt.UTC), 0)

    async def current(self) -> Version:
        """The state after every write that was acknowledged before this call.

        Raises DatabaseUnavailable.
        """
        try:
            read = await self._read()
        except psycopg.Error as error:
            failure = as_unavailable(error)
            if failure is error:
                raise
            raise failure from error
        if read is not self._last:
            self._last = read
            day_turns = int(read.started_at.timestamp()) // DAY_TURNS_SECONDS
            name = (*read.row, day_turns)
            number = self._version.number + (name != self._name)
            self._name = name
            self._version = Version(read.started_at, number)
        return self._version
