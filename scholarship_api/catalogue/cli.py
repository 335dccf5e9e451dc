"""The command `sample`, and the import of the bundled catalogue.

Exit codes: 0 for success, 1 when rows were bad, 2 when a file cannot be used, 69 when the database
cannot be reached, 130 after Ctrl-C, 141 when the reader of a pipe has gone.
"""

import asyncio
import csv
import importlib.resources
import io
import json
from collections.abc import Iterable, Iterator
from typing import Annotated, BinaryIO, Final, cast

import typer

from scholarship_api.catalogue.bulk.formats import (
    CSV_COLUMNS,
    LIST_SEPARATOR,
    FileFormat,
    format_of,
    neutralise,
)
from scholarship_api.catalogue.bulk.importer import ImportReport, import_stream
from scholarship_api.catalogue.columns import BOOLEAN_FIELDS, PART_FIELDS
from scholarship_api.catalogue.file_commands import (
    STANDARD_STREAM,
    connect,
    exit_codes,
    progress,
    replaced,
)
from scholarship_api.sample_data.synthetic import generate

ROWS_PER_PROGRESS_UPDATE: Final = 1_000
BUNDLED_CATALOGUE: Final = (
    importlib.resources.files("scholarship_api.sample_data") / "catalogue.ndjson"
)

# --- Commands ------------------------------------------------------------------------------------


def sample_command(
    *,
    count: Annotated[int, typer.Option(min=0, help="How many scholarships.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 1,
    output: Annotated[
        str, typer.Option("--output", "-o", help="The file; - is standard output.")
    ] = STANDARD_STREAM,
    file_format: Annotated[
        FileFormat | None,
        typer.Option("--format", help="Default: by the file's name; NDJSON to standard output."),
    ] = None,
) -> None:
    """Write a synthetic catalogue of any size, for load tests and benchmarks."""
    lines = _csv_lines if (file_format or format_of(output)) is FileFormat.CSV else _json_lines
    with exit_codes(), replaced(output) as target, progress("Writing") as advance:
        size = 0
        for number, line in enumerate(lines(generate(count=count, seed=seed)), start=1):
            size += target.write(line)
            if number % ROWS_PER_PROGRESS_UPDATE == 0:
                advance(number, size)


def load_bundled(database_url: str) -> ImportReport:
    """Import the catalogue that comes with the package. Raises psycopg.Error."""
    with BUNDLED_CATALOGUE.open("rb") as source:
        return asyncio.run(_import_bundled(cast("BinaryIO", source), database_url))


# --- Work ----------------------------------------------------------------------------------------


async def _import_bundled(source: BinaryIO, database_url: str) -> ImportReport:
    async with await connect(database_url) as connection:
        return await import_stream(source, connection)


def _json_lines(rows: Iterable[dict[str, object]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _csv_lines(rows: Iterable[dict[str, object]]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = ("amount", *CSV_COLUMNS)

    def line(cells: Iterable[object]) -> bytes:
        text.seek(0)
        text.truncate()
        writer.writerow(cells)
        return text.getvalue().encode()

    yield line(columns)
    for row in rows:
        yield line(_cell(name, value) for name, value in _csv_values(row, columns))


def _csv_values(row: dict[str, object], columns: Iterable[str]) -> Iterator[tuple[str, object]]:
    """The values of a row by column; criteria that have no column make it a row with sets."""
    criteria = cast("dict[str, object]", row.get("eligibility_criteria", {}))
    values = row | criteria
    if not criteria.keys() <= set(CSV_COLUMNS):
        values = {**row, "eligibility_sets": [criteria]}
    return ((name, values.get(name)) for name in columns)


def _cell(name: str, value: object) -> object:
    if name in PART_FIELDS and value is not None and not isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return LIST_SEPARATOR.join(value)
    if name in BOOLEAN_FIELDS and value is not None:
        return "true" if value else "false"
    return neutralise(value) if isinstance(value, str) else value
