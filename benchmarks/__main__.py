"""Measure every goal and print one table.

    python -m benchmarks [--only NAME ...] [--quick]

Each NAME is also a program: python -m benchmarks.NAME. Exits with 1 when a goal is missed or cannot
be measured on this machine.
"""

import importlib
import sys
import time
import traceback
from typing import Final

from benchmarks import (
    cached_search,
    cold_start,
    command_line,
    filters,
    growth,
    hot_after_write,
    image_size,
    import_rate,
    matching,
    mixed_load,
    not_modified,
    peer_comparison,
    read_replicas,
    reverse_search,
    single_award,
    slow_redis,
    uncached_search,
    worker_memory,
    worker_start,
)
from benchmarks.goals import (
    Measure,
    NotMeasuredError,
    Row,
    exit_code,
    machine,
    parser_of,
    stdout,
    table_of,
)
from benchmarks.progress import STDERR

PROGRAMS: Final[dict[str, Measure]] = {
    "cached_search": cached_search.measure,
    "not_modified": not_modified.measure,
    "uncached_search": uncached_search.measure,
    "peer_comparison": peer_comparison.measure,
    "filters": filters.measure,
    "matching": matching.measure,
    "single_award": single_award.measure,
    "hot_after_write": hot_after_write.measure,
    "growth": growth.measure,
    "slow_redis": slow_redis.measure,
    "read_replicas": read_replicas.measure,
    "worker_memory": worker_memory.measure,
    "worker_start": worker_start.measure,
    "reverse_search": reverse_search.measure,
    "command_line": command_line.measure,
    "import_rate": import_rate.measure,
    "image_size": image_size.measure,
    "cold_start": cold_start.measure,
    "mixed_load": mixed_load.measure,
}
QUALITY: Final = "quality"
"""A program that is imported only when it runs: it needs packages of the group `benchmarks`."""

NAMES: Final = (*PROGRAMS, QUALITY)


def rows_of(name: str, *, quick: bool) -> list[Row]:
    """The rows of one program, also when it fails."""
    try:
        if name == QUALITY:
            return _quality()
        figures = PROGRAMS[name](quick=quick)
    except NotMeasuredError as error:
        return [Row(name, "", "", None, str(error))]
    except Exception as error:  # noqa: BLE001 - the other goals are still measured
        traceback.print_exc()
        return [Row(name, "", "", None, f"failed: {type(error).__name__}: {error}")]
    return [Row.of(figure) for figure in figures]


def _quality() -> list[Row]:
    try:
        quality = importlib.import_module(f"benchmarks.{QUALITY}.__main__")
    except ModuleNotFoundError as error:
        raise NotMeasuredError(f"no package {error.name}: run it with `make bench`") from None
    rows: list[Row] = quality.rows_of(quality.measure(quality.cranfield_folder()))
    return rows


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=NAMES, default=NAMES)
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.only:
        began = time.monotonic()
        STDERR.print(f"{name} ...")
        rows += rows_of(name, quick=options.quick)
        STDERR.print(f"{name}: {time.monotonic() - began:.0f} s")
    console = stdout()
    console.print(table_of(rows))
    console.print(machine())
    return exit_code(rows)


if __name__ == "__main__":
    sys.exit(main())
