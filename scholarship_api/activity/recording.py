"""Counts searches for the trends without making any search wait, and without keeping who searched.

A search leaves its query and its client in memory. A background task reduces the query to known
words (see `query_words`), replaces the client by a digest that cannot be traced back, and adds both
to the database. There one client counts once a day for a query, over all workers.

A worker that is killed loses FLUSH_SECONDS of searches, one that shuts down loses none. While the
database cannot be reached, up to MAX_PENDING searches wait.
"""

import asyncio
import datetime as dt
import hmac
import secrets
from typing import Final

import sqlalchemy.exc
import structlog

from scholarship_api.activity import queries
from scholarship_api.activity.query_words import candidate_words, known_query
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import deadline
from scholarship_api.platform.database.engine import Database
from scholarship_api.search.text import synonyms
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy, GradeLevel, ScholarshipType

FLUSH_SECONDS: Final = 5.0

MAX_PENDING: Final = 5_000
"""Searches that one worker holds: as many as it answers in FLUSH_SECONDS at 1000 a second, in about
5 MB. Further ones are not counted."""

CLOSING_SECONDS: Final = 1.0
"""For the last searches of a process. All of its closing has 2 s."""

DIGEST_BYTES: Final = 8
"""With 100 000 clients of one query and day, two share a digest once in 3 billion days."""

_BATCH_ROWS: Final = 500
_SEARCHES_PER_TURN: Final = 20
"""Searches whose words are read in one turn of the event loop, in about half a millisecond."""

_VOCABULARY: Final = frozenset(
    word
    for value in (*FieldOfStudy, *FIELD_ALIASES, *ScholarshipType, *GradeLevel)
    for word in value.split("_")
)
"""The words of the enumerations, which the catalogue may lack."""

_log = structlog.stdlib.get_logger(__name__)


class SearchRecorder:
    """The searches of one worker on their way to the database."""

    def __init__(self, database: Database, *, key: bytes) -> None:
        self._database = database
        # Without a key, which production does not start with, each process counts for itself.
        self._key = key or secrets.token_bytes(32)
        self._searches: dict[tuple[str, str], None] = {}
        """Query as typed and client, each pair once."""
        self._pending: dict[tuple[dt.date, tuple[str, ...], str], None] = {}
        """Day, candidate words and client."""
        self._dropped = 0
        self._flush_lock = asyncio.Lock()

    def record(self, text: str, *, client: str) -> None:
        """Count a search for `text` by `client`. Takes no time and cannot fail."""
        if len(self._searches) < MAX_PENDING:
            self._searches[text, client] = None
        else:
            self._dropped += 1

    async def run(self) -> None:
        """Write the searches every FLUSH_SECONDS, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write the searches. Those that the database does not take are kept for the next time."""
        async with self._flush_lock:
            await self._read_words()
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

    async def _read_words(self) -> None:
        today = dt.datetime.now(dt.UTC).date()
        for number in range(len(self._searches)):
            if number % _SEARCHES_PER_TURN == _SEARCHES_PER_TURN - 1:
                await asyncio.sleep(0)
            (text, client), _ = self._searches.popitem()
            words = tuple(candidate_words(text))
            if not words:
                continue
            if len(self._pending) < MAX_PENDING:
                self._pending[today, words, client] = None
            else:
                self._dropped += 1

    async def _write(self) -> None:
        while self._pending:
            batch = list(self._pending)[:_BATCH_ROWS]
            typed = {word for _, words, _ in batch for word in words}
            async with self._database.write_session() as session:
                known = {
                    word: word for word in typed if word in _VOCABULARY or synonyms.contains(word)
                }
                known |= await queries.dictionary_words(session, typed - known.keys())
                rows = {
                    (day, query, self._digest(day, query, client))
                    for day, words, client in batch
                    if (query := known_query(words, known))
                }
                # Sorted, so that workers that write the same queries never deadlock.
                await queries.add_searches(session, sorted(rows))
            for search in batch:
                del self._pending[search]

    def _digest(self, day: dt.date, query: str, client: str) -> bytes:
        """Tells clients of one query and day apart, and nothing else.

        The digest of the same client differs for every query and day. Without the key it cannot be
        computed from an address.
        """
        message = "\0".join(("search client", day.isoformat(), query, client))
        return hmac.digest(self._key, message.encode(), "sha256")[:DIGEST_BYTES]
