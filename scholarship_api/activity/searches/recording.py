"""Counts searches, and what people do with their results, without making any request wait, and
without keeping who it was.

A search leaves its known words (see `search.known_words`) and its client in memory, an event leaves
the words of its search and the award. A background task replaces the client by a digest that cannot
be traced back, and adds both to the database. There one client counts once a day, over all workers:
for a query, for a query without results, and for a query, an award and a type of event.

A worker that is killed loses FLUSH_SECONDS of both, one that shuts down loses none. While the
database cannot be reached, up to MAX_PENDING of them wait.
"""

import asyncio
import datetime as dt
import hmac
import secrets
from collections.abc import Iterable
from typing import Final, NamedTuple

import sqlalchemy.exc
import structlog

from scholarship_api.activity.models import NO_RESULTS, EventType
from scholarship_api.activity.searches import queries
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession

FLUSH_SECONDS: Final = 5.0

MAX_PENDING: Final = 5_000
"""Searches and events that one worker holds: as many as it answers in FLUSH_SECONDS at 1000 a
second, in about 5 MB. Further ones are not counted."""

CLOSING_SECONDS: Final = 1.0
"""For the last searches of a process. All of its closing has 2 s."""

DIGEST_BYTES: Final = 8
"""With 100 000 clients of one query and day, two share a digest once in 3 billion days."""

_BATCH_ROWS: Final = 500

_log = structlog.stdlib.get_logger(__name__)


class CountedSearch(NamedTuple):
    """A search as the analytics count it."""

    query: str
    """Its known words; not empty."""
    has_results: bool


class ResultEvent(NamedTuple):
    """Something that a person did with a result of a search."""

    query: str
    """The known words of the search; empty when it has none."""
    type: EventType
    scholarship_id: str
    position: int | None
    """The place of the award among all results, from 1."""


class SearchRecorder:
    """The searches and events of one worker on their way to the database."""

    def __init__(self, database: Database, *, key: bytes) -> None:
        self._database = database
        # Without a key, which production does not start with, each process counts for itself.
        self._key = key or secrets.token_bytes(32)
        self._new: dict[tuple[CountedSearch | ResultEvent, str], None] = {}
        """With the client, each pair once."""
        self._pending: dict[tuple[dt.date, CountedSearch | ResultEvent, str], None] = {}
        """The same with the day."""
        self._dropped = 0
        self._flush_lock = asyncio.Lock()

    def record(self, counted: CountedSearch | ResultEvent, *, client: str) -> None:
        """Count a search or an event of `client`. Takes no time and cannot fail."""
        if len(self._new) < MAX_PENDING:
            self._new[counted, client] = None
        else:
            self._dropped += 1

    async def run(self) -> None:
        """Write what is counted every FLUSH_SECONDS, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what is counted. What the database does not take is kept for the next time."""
        async with self._flush_lock:
            self._date_new()
            try:
                await self._write()
            except DatabaseUnavailable:
                _log.warning("searches.waiting", count=len(self._pending))
            except sqlalchemy.exc.SQLAlchemyError as error:
                # For example, the table does not exist yet.
                _log.error("searches.waiting", count=len(self._pending), exc_info=error)
        if self._dropped:
            _log.warning("searches.dropped", count=self._dropped)
            self._dropped = 0

    async def close(self) -> None:
        """Write the last searches, after `run` has ended and no request is left."""
        with deadline(CLOSING_SECONDS):
            await self.flush()
        if self._pending:
            _log.error("searches.lost", count=len(self._pending))
            self._pending.clear()

    def _date_new(self) -> None:
        today = dt.datetime.now(dt.UTC).date()
        for counted, client in self._new:
            if len(self._pending) < MAX_PENDING:
                self._pending[today, counted, client] = None
            else:
                self._dropped += 1
        self._new.clear()

    async def _write(self) -> None:
        while self._pending:
            batch = list(self._pending)[:_BATCH_ROWS]
            searches = [
                (day, counted, client)
                for day, counted, client in batch
                if isinstance(counted, CountedSearch)
            ]
            events = [
                (day, counted, client)
                for day, counted, client in batch
                if isinstance(counted, ResultEvent)
            ]
            async with self._database.write_session() as session:
                if searches:
                    await self._add_searches(session, searches)
                marks = [*self._no_results(searches), *await self._marks(session, events)]
                if marks:
                    # Each digest once: of equal events with unequal positions the first one counts.
                    first = {(mark.day, mark.digest): mark for mark in reversed(marks)}
                    # Sorted, so that workers that write the same events never deadlock.
                    await queries.add_events(session, [first[key] for key in sorted(first)])
            for counted in batch:
                del self._pending[counted]

    async def _add_searches(
        self, session: WriteSession, searches: Iterable[tuple[dt.date, CountedSearch, str]]
    ) -> None:
        rows = {
            (day, search.query, self._digest("search client", day, search.query, client))
            for day, search, client in searches
        }
        # Sorted, so that workers that write the same queries never deadlock.
        await queries.add_searches(session, sorted(rows))

    def _no_results(
        self, searches: Iterable[tuple[dt.date, CountedSearch, str]]
    ) -> list[queries.EventMark]:
        return [
            queries.EventMark(
                day,
                self._digest("query event", day, search.query, NO_RESULTS, client),
                search.query,
                NO_RESULTS,
            )
            for day, search, client in searches
            if not search.has_results
        ]

    async def _marks(
        self, session: WriteSession, events: Iterable[tuple[dt.date, ResultEvent, str]]
    ) -> list[queries.EventMark]:
        """Two for each event: one counts the client for the query, one the award.

        Events of awards that are not public count nowhere.
        """
        public = await queries.public_awards(
            session, {event.scholarship_id for _, event, _ in events}
        )
        marks = []
        for day, event, client in events:
            if event.scholarship_id not in public:
                continue
            names = (event.query, event.type.value)
            if event.query:
                digest = self._digest("query event", day, *names, client)
                marks.append(queries.EventMark(day, digest, *names))
            digest = self._digest("award event", day, *names, event.scholarship_id, client)
            marks.append(
                queries.EventMark(day, digest, *names, event.scholarship_id, event.position)
            )
        return marks

    def _digest(self, kind: str, day: dt.date, *names: str) -> bytes:
        """Tells clients of one query and day apart, and nothing else.

        The digest of the same client differs for every query and day. Without the key it cannot be
        computed from an address.
        """
        message = "\0".join((kind, day.isoformat(), *names))
        return hmac.digest(self._key, message.encode(), "sha256")[:DIGEST_BYTES]
