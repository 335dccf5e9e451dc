"""Synthetic catalogues that are kept between runs, each in its own PostgreSQL data folder.

    python -m benchmarks.catalogues [--rows 100000] [--rebuild] [--serve]

The folders are .cache/benchmarks/<rows>-<hash of the generator>. When the generator changes, a new
catalogue is built and the old one is removed. When the schema changes, the catalogue is migrated as
soon as it is opened; migrations that were edited since are undone and applied again. `--rebuild`
builds a catalogue again. `--serve` prints the DATABASE_URL and keeps the server running until
Ctrl-C.
"""

import argparse
import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.progress import STDERR, progress_bar
from scholarship_api import sample_data
from scholarship_api.catalogue.bulk.importer import ImportReport, import_stream
from scholarship_api.catalogue.search_index import refresh_statistics
from scholarship_api.devserver.embedded import embedded_postgres
from scholarship_api.platform.database import migrations

CACHE: Final = Path(__file__).parents[1] / ".cache" / "benchmarks"
SIZES: Final = (10_000, 100_000, 1_000_000)
MIGRATIONS: Final = CACHE.parents[1] / "alembic" / "versions"
COMPLETE: Final = "complete.json"
"""The file that marks a catalogue as complete and names its migrations."""

# Indexes are faster to build after the import than row by row; see `_build`.
_INDEXES: Final = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index WHERE indrelid = 'scholarships'::regclass AND NOT indisprimary
"""
_AUDIT_TRIGGERS: Final = """
    SELECT tgname FROM pg_trigger
    WHERE tgrelid = 'scholarships'::regclass AND tgname LIKE 'scholarships\\_audit\\_%'
"""


@dataclass(frozen=True, slots=True)
class Catalogue:
    rows: int
    url: str
    """A DATABASE_URL with the rights of a superuser."""

    @property
    def conninfo(self) -> str:
        return self.url.replace("+psycopg", "")

    def connect(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """A new connection in autocommit mode."""
        return psycopg.connect(self.conninfo, autocommit=True)


@contextmanager
def catalogue(rows: int) -> Iterator[Catalogue]:
    """A server with the catalogue of `rows` awards, which is built when it does not exist.

    Raises EmbeddedServerError, also while another run uses the catalogue.
    """
    folder = CACHE / f"{rows}-{generator_hash()}"
    if not (folder / COMPLETE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        _build(folder, rows)
    with embedded_postgres(folder / "postgres") as url:
        _migrate(folder, url)
        yield Catalogue(rows, url)


def generator_hash() -> str:
    """A hash of the modules that generate the synthetic catalogue."""
    digest = hashlib.sha256()
    for module in sorted(Path(sample_data.__file__ or "").parent.rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()[:12]


def _migrate(folder: Path, url: str) -> None:
    """Migrate to the present schema, also when an applied migration was edited later."""
    applied: dict[str, str] = json.loads((folder / COMPLETE).read_text())
    present = migration_hashes()
    if edited := first_edited(applied, present):
        position = list(applied).index(edited)
        if edited not in present or not position:
            raise RuntimeError(
                f"Migration {edited}, with which {folder.name} was built, has changed:"
                f" python -m benchmarks.catalogues --rebuild --rows {folder.name.split('-')[0]}"
            )
        before = list(applied)[position - 1]
        migrations.downgrade(url, revision=before.partition("_")[0])
    migrations.upgrade(url)
    (folder / COMPLETE).write_text(json.dumps(present))


def migration_hashes() -> dict[str, str]:
    """The hash of each migration by file name, in the order of the revisions."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(MIGRATIONS.glob("*.py"))
    }


def first_edited(applied: Mapping[str, str], present: Mapping[str, str]) -> str | None:
    """The first migration that has changed since it was applied."""
    return next((name for name, digest in applied.items() if present.get(name) != digest), None)


def forget(rows: int) -> None:
    """Remove all catalogues of this size."""
    for folder in CACHE.glob(f"{rows}-*"):
        shutil.rmtree(folder)


def _build(folder: Path, rows: int) -> None:
    """Import the awards like `scholarship-api import`, but build the indexes afterwards.

    The audit is disabled: no search reads it, and it would double the size.
    """
    STDERR.print(f"Building the synthetic catalogue of {rows:,} awards; the next runs reuse it.")
    hashes = migration_hashes()
    with embedded_postgres(folder / "postgres", durable=False) as url:
        migrations.upgrade(url)
        conninfo = url.replace("+psycopg", "")
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for (trigger,) in connection.execute(_AUDIT_TRIGGERS).fetchall():
                connection.execute(
                    SQL("ALTER TABLE scholarships DISABLE TRIGGER {}").format(Identifier(trigger))
                )
            indexes = connection.execute(_INDEXES).fetchall()
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}")
            generate_and_import(conninfo, rows)
            connection.execute("SET maintenance_work_mem = '1GB'")
            with progress_bar() as progress:
                for _, definition in progress.track(indexes, description="Indexes"):
                    connection.execute(definition)
            connection.execute("ALTER TABLE scholarships ENABLE TRIGGER ALL")
            asyncio.run(settle(conninfo))
            # Freeze and checkpoint now, so that no background work disturbs a measurement.
            connection.execute("VACUUM (FREEZE, ANALYZE)")
            connection.execute("CHECKPOINT")
    (folder / COMPLETE).write_text(json.dumps(hashes))
    for other in CACHE.glob(f"{rows}-*"):
        if other != folder:
            shutil.rmtree(other)


def generate_and_import(conninfo: str, rows: int) -> None:
    """Import so many synthetic awards, without the statistics of their words."""
    command = [sys.executable, "-m", "scholarship_api", "sample", "--count", str(rows)]
    # A separate process, because generating takes as long as validating.
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as sample,
        progress_bar() as progress,
    ):
        task = progress.add_task("Awards", total=rows)
        report = asyncio.run(
            _import(
                cast("BinaryIO", sample.stdout),
                conninfo,
                lambda report: progress.update(task, completed=report.rows),
            )
        )
    if report.created != rows:
        raise RuntimeError(f"{report.created} of {rows} awards were imported: {report.errors}")


async def _import(
    source: BinaryIO, conninfo: str, progress: Callable[[ImportReport], None]
) -> ImportReport:
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        return await import_stream(source, connection, refresh=False, progress=progress)


async def settle(conninfo: str) -> None:
    """Refresh the statistics of the words, as an import does at its end."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await refresh_statistics(connection)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, action="append", help=f"default: {SIZES}")
    parser.add_argument("--rebuild", action="store_true")
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    for rows in options.rows or SIZES:
        if options.rebuild:
            forget(rows)
        with catalogue(rows) as opened, opened.connect() as connection:
            size = connection.execute(
                "SELECT pg_database_size(current_database()),"
                " (SELECT count(*) FROM scholarships WHERE closes_at >= now())"
            ).fetchone()
            assert size
            print(f"{rows:>9,} awards, {size[1]:,} of them open, {size[0] / 1e6:,.0f} MB")
            if options.serve:
                print(opened.url, flush=True)
                with suppress(KeyboardInterrupt):
                    threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
