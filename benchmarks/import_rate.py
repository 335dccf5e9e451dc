"""Rate of a large import, compared with a bare COPY of the same rows, and growth of its memory.

    python -m benchmarks.import_rate [--quick] [--rows 1000000]

Both run in turn, 20 000 awards at a time, into tables of one database with the same columns
(generated ones included), constraints, indexes and storage. The import reads NDJSON, validates each
award, finds existing ones, writes the audit and the term statistics, and refreshes the statistics
at the end. COPY gets prepared rows, and its table has no trigger.

1 000 000 awards need about 10 GB under .cache during the run.
"""

import asyncio
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from benchmarks.catalogues import CACHE
from benchmarks.goals import Figure, NotMeasuredError, parser_of, report
from benchmarks.processes import rss_bytes
from benchmarks.progress import progress_bar
from scholarship_api.catalogue.bulk.importer import import_stream
from scholarship_api.catalogue.columns import WRITTEN_COLUMNS
from scholarship_api.catalogue.search_index import refresh_statistics
from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.platform.database import migrations
from scholarship_api.sample_data.synthetic import generate

ROWS: Final = 1_000_000
QUICK_ROWS: Final = 100_000
WANTED_RATE: Final = 0.6
"""The rate of the import relative to that of COPY."""

BATCH_ROWS: Final = 20_000
BYTES_PER_ROW: Final = 10_000
"""Bytes on disk for each award: both tables with their indexes, the audit and PostgreSQL's log."""

_COLUMNS: Final = SQL(", ").join(map(Identifier, WRITTEN_COLUMNS))
_READY_ROWS: Final = SQL(
    "COPY (SELECT {columns} FROM scholarships WHERE id > {after} ORDER BY id LIMIT {limit})"
    " TO STDOUT"
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
    with embedded_postgres(folder / "postgres") as url:
        _empty(url)
        migrations.upgrade(url)
        taken = asyncio.run(_both(url.replace("+psycopg", ""), rows))
    shutil.rmtree(folder)
    return taken.figures(rows)


def _empty(url: str) -> None:
    """Create the database again, because a killed run leaves an old one."""
    server = make_url(url).set(drivername="postgresql", database="postgres")
    name = Identifier(make_url(url).database or "")
    with psycopg.connect(
        server.render_as_string(hide_password=False), autocommit=True
    ) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(SQL("CREATE DATABASE {}").format(name))


class _Taken:
    """Seconds of each batch, and the memory of this process after it."""

    def __init__(self) -> None:
        self.importing: list[float] = []
        self.copying: list[float] = []
        self.statistics = 0.0
        self.memory: list[int] = []

    def figures(self, rows: int) -> list[Figure]:
        importing, copying = sum(self.importing) + self.statistics, sum(self.copying)
        fifth = max(len(self.memory) // 5, 1)
        # Buffers and pools reach their size in the first fifth.
        settled, last = max(self.memory[fifth : 2 * fifth]), max(self.memory[-fifth:])
        return [
            Figure(
                f"import of {rows:,} awards: rate / bare COPY's",
                copying / importing,
                "at least",
                WANTED_RATE,
                detail=f"{rows / importing:,.0f} / {rows / copying:,.0f} awards/s,"
                f" statistics {self.statistics:.1f} s of it",
            ),
            Figure(
                "import: memory in the last fifth / in the second",
                last / settled,
                "at most",
                1.1,
                detail=f"{last / 1e6:.0f} / {settled / 1e6:.0f} MB",
            ),
        ]


async def _both(conninfo: str, rows: int) -> _Taken:
    taken = _Taken()
    connect = partial(psycopg.AsyncConnection.connect, conninfo, autocommit=True)
    async with await connect() as connection:
        await connection.execute(_BARE)
        awards = generate(count=rows, seed=1)
        last_id = ""
        with progress_bar() as progress:
            task = progress.add_task("Awards", total=rows)
            while lines := [json.dumps(award) for award in islice(awards, BATCH_ROWS)]:
                taken.importing.append(await _import(connection, lines))
                taken.copying.append(await _copy(connection, after=last_id, limit=len(lines)))
                taken.memory.append(rss_bytes(os.getpid()))
                last_id = str(json.loads(lines[-1])["id"])
                progress.update(task, advance=len(lines))
        began = time.perf_counter()
        await refresh_statistics(connection)
        taken.statistics = time.perf_counter() - began
    return taken


async def _import(connection: Connection, lines: Sequence[str]) -> float:
    source = io.BytesIO("\n".join(lines).encode())
    began = time.perf_counter()
    done = await import_stream(source, connection, refresh=False)
    took = time.perf_counter() - began
    if done.created != len(lines):
        raise RuntimeError(f"{done.created} of {len(lines)} were imported: {done.errors}")
    return took


async def _copy(connection: Connection, *, after: str, limit: int) -> float:
    """Copy the awards of the last import, whose ids are above `after`, to the bare table."""
    ready = _READY_ROWS.format(columns=_COLUMNS, after=after, limit=limit)
    async with connection.cursor() as cursor:
        async with cursor.copy(ready) as copy:
            text = b"".join([bytes(piece) async for piece in copy])
        began = time.perf_counter()
        async with cursor.copy(_BARE_COPY) as copy:
            await copy.write(text)
        return time.perf_counter() - began


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"at least {QUICK_ROWS}")
    options = parser.parse_args()
    if options.rows < QUICK_ROWS:
        parser.error(f"fewer than {QUICK_ROWS} awards say nothing of the memory")
    return report(partial(measure, rows=options.rows), quick=options.quick)


if __name__ == "__main__":
    sys.exit(main())
