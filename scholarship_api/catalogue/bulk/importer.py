"""Imports: whole files into the catalogue, a transaction per batch.

Reading, checking (`rows.py`) and encoding happen in a thread, one batch ahead of the database.
"""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterable, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import anyio
import anyio.to_thread
from psycopg.sql import SQL

from scholarship_api.catalogue.audit import COMMAND_LINE, Origin
from scholarship_api.catalogue.bulk.formats import FileFormat
from scholarship_api.catalogue.bulk.upsert import Connection, Prepared, prepare, write_batch
from scholarship_api.catalogue.bulk.validation import Allow, Batch, RowError, validate_rows
from scholarship_api.platform.database.advisory_locks import AdvisoryLock

CHUNK_BYTES: Final = 262_144
ERRORS_KEPT: Final = 50

Source = BinaryIO | AsyncIterable[bytes]


@dataclass(slots=True)
class ImportReport:
    """What became of the rows: `rows` = created + updated + unchanged + repeated + bad.

    In a dry run, rows without an error are not counted further.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    """Rows that a later row of the same batch with the same id replaced."""
    bad: int = 0
    errors: list[RowError] = field(default_factory=list)
    """The first ERRORS_KEPT; `on_error` gets all of them."""
    error_count: int = 0
    bytes_read: int = 0
    seconds: float = 0.0

    @property
    def accepted(self) -> int:
        """Rows that the catalogue now holds."""
        return self.created + self.updated + self.unchanged


async def import_stream(
    source: Source,
    connection: Connection | None,
    *,
    file_format: FileFormat = FileFormat.NDJSON,
    now: dt.datetime | None = None,
    allow: Allow | None = None,
    origin: Origin = COMMAND_LINE,
    refresh: bool = True,
    progress: Callable[[ImportReport], object] | None = None,
    on_error: Callable[[RowError], object] | None = None,
) -> ImportReport:
    """Read, check and upsert a whole file in bounded memory.

    `source` is a binary file, or the pieces of one as they arrive. Without a `connection` (an idle
    one) nothing is written: a dry run. `origin` is for the audit; without `refresh` the caller
    calls `refresh_statistics`. `progress` is called after every batch, with the report so far.
    Batches that are written stay written when a later one fails: the same import can be run
    again. Raises reading.FileFault, psycopg.OperationalError, and OSError of the source.
    """
    started = time.monotonic()
    report = ImportReport()
    pieces = _Arriving(source) if isinstance(source, AsyncIterable) else _pieces(source)
    validated = validate_rows(
        pieces,
        file_format=file_format,
        now=now or dt.datetime.now(dt.UTC),
        allow=allow,
    )
    ahead = _read_ahead(validated)
    try:
        while checked := await ahead:
            ahead = _read_ahead(validated)
            batch, prepared = checked
            errors = batch.errors
            report.rows += len(batch.rows) + batch.bad
            report.bad += batch.bad
            report.bytes_read = batch.bytes_read
            if connection is not None and batch.rows:
                written = await write_batch(connection, prepared, origin=origin)
                report.created += written.created
                report.updated += written.updated
                report.unchanged += written.unchanged
                report.repeated += written.repeated
                report.bad += len(written.errors)
                errors = [*errors, *written.errors]
            report.error_count += len(errors)
            report.errors += errors[: ERRORS_KEPT - len(report.errors)]
            if on_error:
                for error in errors:
                    on_error(error)
            report.seconds = time.monotonic() - started
            if progress:
                progress(report)
    finally:
        ahead.cancel()
        if isinstance(pieces, _Arriving):
            pieces.stop()
        await asyncio.gather(ahead, return_exceptions=True)
    if refresh and connection is not None and report.created + report.updated:
        await refresh_statistics(connection)
    report.seconds = time.monotonic() - started
    return report


def _read_ahead(validated: Iterator[Batch]) -> asyncio.Task[tuple[Batch, Prepared] | None]:
    """Check the next batch in a thread while the database writes the one before."""

    def check() -> tuple[Batch, Prepared] | None:
        batch = next(validated, None)
        return None if batch is None else (batch, prepare(batch.rows))

    async def read() -> tuple[Batch, Prepared] | None:
        # abandon_on_cancel: the thread may be waiting for its source.
        return await anyio.to_thread.run_sync(check, abandon_on_cancel=True)

    return asyncio.create_task(read())


def _pieces(source: BinaryIO) -> Iterator[bytes]:
    while piece := source.read(CHUNK_BYTES):
        yield piece


class _Arriving:
    """Pieces that arrive in the event loop, for a thread to wait for."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = aiter(pieces)
        self._loop = asyncio.get_running_loop()
        self._waiting: Future[bytes | None] | None = None
        self._stopped = False

    def __iter__(self) -> Iterator[bytes]:
        while not self._stopped:
            self._waiting = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            piece = self._waiting.result()
            if piece is None:
                return
            yield piece

    async def _next(self) -> bytes | None:
        return await anext(self._pieces, None)

    def stop(self) -> None:
        """Let go of a thread that is waiting."""
        self._stopped = True
        if self._waiting:
            self._waiting.cancel()


# --- After the last batch ------------------------------------------------------------------------

EXACT_ROWS: Final = 20_000
"""Up to so many published awards the words are counted in all of them, else in about so many."""

_WORDS: Final = SQL("""
    WITH sampled AS MATERIALIZED (
        -- The words of the trigger search_words_remember.
        SELECT tsvector_to_array(to_tsvector('public.scholarship_words', public.plain_words(
            concat_ws(' ', name, organization, description, array_to_string(
                fields_of_study || scholarship_type || grade_levels, ' '))))) AS words
        FROM scholarships {sample} WHERE status = 'published'
    ), counted AS MATERIALIZED (
        SELECT seen.word COLLATE "C" AS word,
               greatest(1, round(count(*) * {factor}))::integer AS documents
        FROM sampled, unnest(sampled.words) AS seen (word)
        GROUP BY 1
    )
""")
_COUNT: Final = SQL("""{words}
    UPDATE search_words SET documents = counted.documents FROM counted
    WHERE counted.word = search_words.word AND counted.documents <> search_words.documents
""")
_FORGET: Final = SQL("""{words}
    DELETE FROM search_words
    WHERE NOT EXISTS (SELECT FROM counted WHERE counted.word = search_words.word)
""")
# Entries of GIN indexes wait in a list that every search reads through until it is worked off.
_CLEAN_PENDING: Final = """
    SELECT gin_clean_pending_list(entry.oid::regclass)
    FROM pg_index
    JOIN pg_class AS entry ON entry.oid = pg_index.indexrelid
    JOIN pg_am ON pg_am.oid = entry.relam AND pg_am.amname = 'gin'
    WHERE pg_index.indrelid = 'scholarships'::regclass
      AND pg_has_role(entry.relowner, 'USAGE')
"""


async def refresh_statistics(connection: Connection) -> None:
    """Bring up to date what search and the planner know of the catalogue as a whole.

    The number of awards that hold each word: exact up to EXACT_ROWS awards, where words that no
    award holds any more are forgotten too; else estimated. Skipped while another import does it.
    """
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.execute("SET LOCAL statement_timeout = '5min'")
        await cursor.execute(_CLEAN_PENDING)
        await cursor.execute("ANALYZE scholarships")
        # Two refreshes at the same time would wait for each other's row locks.
        await cursor.execute(AdvisoryLock.STATISTICS_REFRESH.try_for_transaction)
        if not (await cursor.fetchone() or (False,))[0]:
            return
        await cursor.execute(
            "SELECT (SELECT count(*) FROM (SELECT FROM scholarships WHERE status = 'published'"
            " LIMIT %s)), (SELECT reltuples FROM pg_class WHERE oid = 'scholarships'::regclass)",
            [EXACT_ROWS + 1],
        )
        published, estimate = await cursor.fetchone() or (0, 0)
        if published <= EXACT_ROWS:
            words = _WORDS.format(sample=SQL(""), factor=SQL("1"))
            await cursor.execute(_FORGET.format(words=words))
        else:
            share = min(1.0, EXACT_ROWS / max(estimate, EXACT_ROWS))
            words = _WORDS.format(
                sample=SQL("TABLESAMPLE SYSTEM ({})").format(100 * share), factor=1 / share
            )
        await cursor.execute(_COUNT.format(words=words))
        await cursor.execute("ANALYZE search_words")
