"""Rate of a large import of NDJSON and of CSV, compared with a bare COPY of the same rows.

    python -m benchmarks.import_rate [--quick] [--rows 1000000]

Each format is imported as one stream into an empty database: it is read, each award is validated,
existing ones are found, the audit and the term statistics are written, and the statistics are
refreshed at the end. Then COPY writes the same rows, 20 000 at a time, to a table of the same
database with the same columns (generated ones included), constraints, indexes and storage. COPY
gets prepared rows, and its table has no trigger. The CSV is our own export of the first database.

1 000 000 awards need about 12 GB under .cache during the run.
"""

import asyncio
import io
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from benchmarks.catalogues import CACHE
from benchmarks.goals import Figure, NotMeasuredError, parser_of, report
from benchmarks.processes import rss_bytes
from benchmarks.progress import progress_bar
from scholarship_api.catalogue.bulk.exporter import copy_csv
from scholarship_api.catalogue.bulk.importer import ImportReport, import_stream
from scholarship_api.catalogue.bulk.parsing import read_ndjson
from scholarship_api.catalogue.bulk.records import RecordReader
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS
from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.exchange.readers import read_csv
from scholarship_api.platform.database import migrations
from scholarship_api.sample_data.synthetic import generate

ROWS: Final = 1_000_000
QUICK_ROWS: Final = 100_000
WANTED_RATE: Final = 0.6
"""The rate of the import relative to that of COPY."""

BATCH_ROWS: Final = 20_000
BYTES_PER_ROW: Final = 12_000
"""Bytes on disk for each award: both tables with their indexes, the audit, PostgreSQL's log and
the exported file."""

_COLUMNS: Final = SQL(", ").join(map(Identifier, WRITTEN_COLUMNS))
_LAST_ID: Final = SQL("""
    SELECT max(id) FROM (
        SELECT id FROM scholarships WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
    ) AS batch
""")
_READY_ROWS: Final = SQL(
    "COPY (SELECT {columns} FROM scholarships WHERE id > {after} AND id <= {last}) TO STDOUT"
)
_BARE: Final = """
    CREATE TABLE bare (LIKE scholarships INCLUDING ALL);
    DO $$ BEGIN
        EXECUTE (
            SELECT 'ALTER TABLE bare SET (' || array_to_string(reloptions, ', ') || ')'
            FROM pg_class WHERE oid = 'scholarships'::regclass
        );
    END $$
"""
_BARE_COPY: Final = SQL("COPY bare ({columns}) FROM STDIN").format(columns=_COLUMNS)

Connection = psycopg.AsyncConnection[Any]


def measure(*, quick: bool, rows: int = ROWS) -> Sequence[Figure]:
    rows = min(rows, QUICK_ROWS) if quick else rows
    CACHE.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(CACHE).free < rows * BYTES_PER_ROW:
        raise NotMeasuredError(f"{CACHE} has no {rows * BYTES_PER_ROW / 1e9:.0f} GB left")
    folder = CACHE / "import"
    exported = folder / "awards.csv"
    with embedded_postgres(folder / "postgres") as url, progress_bar() as progress:
        task = progress.add_task("Awards", total=2 * rows)
        ndjson = _Taken("NDJSON", rows, progress=partial(progress.update, task))
        csv = _Taken("CSV", rows, progress=partial(progress.update, task), done_before=rows)
        generated = cast("BinaryIO", _Generated(rows))
        asyncio.run(_measure(url, generated, read_ndjson, ndjson, export_to=exported))
        with exported.open("rb") as file:
            asyncio.run(_measure(url, file, read_csv, csv))
    shutil.rmtree(folder)
    return [*ndjson.figures(), *csv.figures()]


def _empty(url: str) -> None:
    """Create the database again, because a killed run leaves an old one."""
    server = make_url(url).set(drivername="postgresql", database="postgres")
    name = Identifier(make_url(url).database or "")
    with psycopg.connect(
        server.render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(SQL("CREATE DATABASE {}").format(name))


class _Generated(io.RawIOBase):
    """Synthetic awards as a binary file of NDJSON that is made while it is read."""

    def __init__(self, rows: int) -> None:
        self._lines = (json.dumps(award).encode() + b"\n" for award in generate(count=rows, seed=1))

    def read(self, size: int = -1, /) -> bytes:
        """About `size` bytes, at the end of a line."""
        lines: list[bytes] = []
        length = 0
        for line in self._lines:
            lines.append(line)
            length += len(line)
            if 0 <= size <= length:
                break
        return b"".join(lines)


class _Taken:
    """Seconds of an import and of COPY, and the memory of this process after each batch."""

    def __init__(
        self, name: str, rows: int, *, progress: Callable[..., None], done_before: int = 0
    ) -> None:
        self.name = name
        self.rows = rows
        self.importing = self.copying = 0.0
        self.memory: list[int] = []
        self._progress = progress
        self._done_before = done_before

    def add_batch(self, report: ImportReport) -> None:
        self.memory.append(rss_bytes(os.getpid()))
        self._progress(completed=self._done_before + report.accepted)

    def figures(self) -> list[Figure]:
        rows = self.rows
        fifth = max(len(self.memory) // 5, 1)
        # Buffers and pools reach their size in the first fifth.
        settled, last = max(self.memory[fifth : 2 * fifth]), max(self.memory[-fifth:])
        tenth, half = self.memory[len(self.memory) // 10], self.memory[len(self.memory) // 2]
        return [
            Figure(
                f"import of {rows:,} awards as {self.name}: rate / bare COPY's",
                self.copying / self.importing,
                "at least",
                WANTED_RATE,
                detail=f"{rows / self.importing:,.0f} / {rows / self.copying:,.0f} awards/s",
            ),
            Figure(
                f"import as {self.name}: memory in the last fifth / in the second",
                last / settled,
                "at most",
                1.1,
                detail=f"{tenth / 1e6:.0f} MB after a tenth, {half / 1e6:.0f} MB after half,"
                f" {self.memory[-1] / 1e6:.0f} MB at the end",
            ),
        ]


async def _measure(
    url: str,
    source: BinaryIO,
    reader: RecordReader,
    taken: _Taken,
    *,
    export_to: Path | None = None,
) -> None:
    _empty(url)
    await asyncio.to_thread(migrations.upgrade, url)
    conninfo = url.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        began = time.perf_counter()
        done = await import_stream(source, connection, reader=reader, progress=taken.add_batch)
        taken.importing = time.perf_counter() - began
        if done.created != taken.rows:
            raise RuntimeError(f"{done.created} of {taken.rows} were created: {done.errors}")
        await connection.execute(_BARE)
        taken.copying = sum([seconds async for seconds in _copies(connection)])
        if export_to is not None:
            await _export(connection, export_to)


async def _export(connection: Connection, path: Path) -> None:
    async with (
        connection.cursor() as cursor,
        cursor.copy(copy_csv(SQL("true"), header=True)) as copy,
    ):
        with path.open("wb") as file:
            async for piece in copy:
                file.write(piece)


async def _copies(connection: Connection) -> AsyncIterator[float]:
    """Copy all awards to the bare table; the seconds that each batch took to be written."""
    after = ""
    while True:
        async with connection.cursor() as cursor:
            await cursor.execute(_LAST_ID, {"after": after, "limit": BATCH_ROWS})
            [[last]] = await cursor.fetchall()
            if last is None:
                return
            async with cursor.copy(
                _READY_ROWS.format(columns=_COLUMNS, after=after, last=last)
            ) as copy:
                text = b"".join([bytes(piece) async for piece in copy])
            began = time.perf_counter()
            async with cursor.copy(_BARE_COPY) as copy:
                await copy.write(text)
            yield time.perf_counter() - began
        after = last


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"at least {QUICK_ROWS}")
    options = parser.parse_args()
    if options.rows < QUICK_ROWS:
        parser.error(f"fewer than {QUICK_ROWS} awards say nothing of the memory")
    return report(partial(measure, rows=options.rows), quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
