"""Imports a whole file into the catalogue, with a transaction for each batch of rows.

Rows are read, validated and encoded in a thread, one batch ahead of the database.
"""

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

import anyio
import anyio.to_thread

from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import COMMAND_LINE, ChangeSource
from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.records import Record, RecordReader, RowError
from scholarship_api.catalogue.bulk.upsert import (
    Connection,
    EncodedBatch,
    encode_batch,
    write_batch,
)
from scholarship_api.catalogue.bulk.validation import (
    Batch,
    WritePolicy,
    validate_rows,
)
from scholarship_api.catalogue.search_index import refresh_statistics

CHUNK_BYTES: Final = 262_144
"""Bytes that are read from a file at a time."""

MAX_REPORTED_ERRORS: Final = 50
"""Errors that a report lists; further ones are only counted."""

Source = BinaryIO | AsyncIterable[bytes]


@dataclass(slots=True)
class ImportReport:
    """The result of an import: rows = created + updated + unchanged + repeated + bad.

    In a dry run, rows without an error are not counted further.
    """

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0
    """Rows that were replaced by a later row of the same batch with the same id."""
    bad: int = 0
    drafts: int = 0
    """Rows that went in as drafts, with what cannot be read as text (`lenient`)."""
    errors: list[RowError] = field(default_factory=list)
    """The first MAX_REPORTED_ERRORS."""
    error_count: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    """Remarks: what the reader of the file assumed, kept as text or passed over, in words."""

    @property
    def accepted(self) -> int:
        """Rows that the catalogue now holds."""
        return self.created + self.updated + self.unchanged


async def import_stream(
    source: Source,
    connection: Connection | None,
    *,
    reader: RecordReader = read_ndjson,
    **options: Any,  # noqa: ANN401 - those of import_records
) -> ImportReport:
    """Import a file in a format that is read in one pass.

    `source` is a binary file, or the chunks of one as they arrive. The options, and the errors, are
    those of `import_records`.
    """
    chunks = _EventLoopChunks(source) if isinstance(source, AsyncIterable) else _chunks(source)
    counted = CountedChunks(chunks)
    try:
        return await import_records(
            reader(counted), connection, bytes_read=counted.position, **options
        )
    finally:
        if isinstance(chunks, _EventLoopChunks):
            chunks.stop()


async def import_records(
    records: Iterable[Record],
    connection: Connection | None,
    *,
    bytes_read: Callable[[], int] | None = None,
    now: dt.datetime | None = None,
    lenient: bool = False,
    write_policy: WritePolicy | None = None,
    change_source: ChangeSource = COMMAND_LINE,
    refresh: bool = True,
    progress: Callable[[ImportReport], object] | None = None,
    on_error: Callable[[RowError], object] | None = None,
) -> ImportReport:
    """Validate and upsert the rows that a reader yields, in bounded memory.

    Without a `connection` (an idle one) nothing is written: a dry run. Without `refresh` the caller
    calls `refresh_statistics`. With `lenient`, rows with values that cannot be read go in as
    drafts. `progress` is called after every batch with the report so far, `on_error` with every
    error, also with those that the report does not list.

    Batches that are written stay written when a later one fails; the same import can be run again.
    Raises records.UnreadableFile, psycopg.OperationalError, and OSError of the source.
    """
    started = time.monotonic()
    report = ImportReport()
    validated = validate_rows(
        records,
        bytes_read=bytes_read,
        now=now or dt.datetime.now(dt.UTC),
        lenient=lenient,
        write_policy=write_policy,
    )
    next_batch = _read_ahead(validated)
    try:
        while validated_batch := await next_batch:
            next_batch = _read_ahead(validated)
            batch, encoded = validated_batch
            report.rows += batch.row_count
            report.bad += len(batch.bad_rows)
            report.drafts += len(batch.drafts)
            report.bytes_read = batch.bytes_read
            _report_bad_rows(batch, report, on_error)
            if connection is not None and batch.rows:
                result = await write_batch(connection, encoded, change_source=change_source)
                report.created += result.created
                report.updated += result.updated
                report.unchanged += result.unchanged
                report.repeated += result.repeated
                report.bad += len(result.errors)
                report.error_count += len(result.errors)
                _report(result.errors, report, on_error)
            report.seconds = time.monotonic() - started
            if progress:
                progress(report)
    finally:
        next_batch.cancel()
        await asyncio.gather(next_batch, return_exceptions=True)
    if refresh and connection is not None and report.created + report.updated:
        await refresh_statistics(connection)
    if connection is not None:
        await audit.record_on_connection(
            connection,
            "catalogue.imported",
            source=change_source,
            rows=report.rows,
            created=report.created,
            updated=report.updated,
            bad=report.bad,
        )
    report.seconds = time.monotonic() - started
    return report


def _report_bad_rows(
    batch: Batch, report: ImportReport, on_error: Callable[[RowError], object] | None
) -> None:
    """Count all errors, but put into words only those that somebody reads."""
    for bad_row in sorted((*batch.bad_rows, *batch.drafts), key=lambda row: row.line):
        report.error_count += bad_row.error_count
        if on_error or len(report.errors) < MAX_REPORTED_ERRORS:
            _report(bad_row.errors(), report, on_error)


def _report(
    errors: Sequence[RowError],
    report: ImportReport,
    on_error: Callable[[RowError], object] | None,
) -> None:
    report.errors += errors[: MAX_REPORTED_ERRORS - len(report.errors)]
    if on_error:
        for error in errors:
            on_error(error)


def _read_ahead(validated: Iterator[Batch]) -> asyncio.Task[tuple[Batch, EncodedBatch] | None]:
    """Validate the next batch in a thread while the database writes the one before."""

    def validate() -> tuple[Batch, EncodedBatch] | None:
        batch = next(validated, None)
        return None if batch is None else (batch, encode_batch(batch.rows))

    async def read() -> tuple[Batch, EncodedBatch] | None:
        # abandon_on_cancel: the thread may be waiting for its source.
        return await anyio.to_thread.run_sync(validate, abandon_on_cancel=True)

    return asyncio.create_task(read())


class CountedChunks:
    """Chunks of a file, and how many bytes of it have been read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._bytes += len(chunk)
        return chunk

    def position(self) -> int:
        return self._bytes


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK_BYTES):
        yield chunk


class _EventLoopChunks:
    """Chunks that arrive in the event loop, read by a thread that waits for each."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = aiter(chunks)
        self._loop = asyncio.get_running_loop()
        self._next_chunk: Future[bytes | None] | None = None
        self._stopped = False

    def __iter__(self) -> Iterator[bytes]:
        while not self._stopped:
            self._next_chunk = asyncio.run_coroutine_threadsafe(self._read(), self._loop)
            chunk = self._next_chunk.result()
            if chunk is None:
                return
            yield chunk

    async def _read(self) -> bytes | None:
        return await anext(self._chunks, None)

    def stop(self) -> None:
        """Release a thread that waits for a chunk."""
        self._stopped = True
        if self._next_chunk:
            self._next_chunk.cancel()
