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

from scholarship_api.catalogue.audit import COMMAND_LINE, Origin
from scholarship_api.catalogue.bulk.formats import FileFormat
from scholarship_api.catalogue.bulk.upsert import Connection, Prepared, prepare, write_batch
from scholarship_api.catalogue.bulk.validation import Allow, Batch, RowError, validate_rows
from scholarship_api.catalogue.search_index import refresh_statistics

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
