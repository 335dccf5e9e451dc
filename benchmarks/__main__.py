"""Measure every goal, and print one table.

    python -m benchmarks [--only NAME ...] [--quick]

Each NAME is a program of its own too: python -m benchmarks.NAME. Exits with 1 when a goal is
missed or cannot be measured here.
"""

import importlib
import sys
import time
import traceback
from collections.abc import Sequence
from typing import Final

from benchmarks import (
    cached_search,
    cold_start,
    growth,
    image_size,
    import_rate,
    mixed_load,
    naive_ranking,
    not_modified,
    one_client,
    predecessor,
    slow_redis,
    uncached_search,
    worker_memory,
)
from benchmarks.goals import (
    Figure,
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
    "predecessor": predecessor.measure,
    "one_client": one_client.measure,
    "growth": growth.measure,
    "naive_ranking": naive_ranking.measure,
    "slow_redis": slow_redis.measure,
    "worker_memory": worker_memory.measure,
    "import_rate": import_rate.measure,
    "image_size": image_size.measure,
    "cold_start": cold_start.measure,
    "mixed_load": mixed_load.measure,
}
QUALITY: Final = "quality"
"""Loaded when it is asked for only, as it needs the packages of the group `benchmarks`."""

NAMES: Final = (*PROGRAMS, QUALITY)


def rows_of(name: str, *, quick: bool) -> list[Row]:
    """The table's lines of one program, whatever becomes of it."""
    try:
        figures = _quality() if name == QUALITY else PROGRAMS[name](quick=quick)
    except NotMeasuredError as error:
        return [Row(name, "", "", None, str(error))]
    except Exception as error:  # noqa: BLE001 - the other goals are measured all the same
        traceback.print_exc()
        return [Row(name, "", "", None, f"failed: {type(error).__name__}: {error}")]
    return [Row.of(figure) for figure in figures]


def _quality() -> Sequence[Figure]:
    try:
        quality = importlib.import_module(f"benchmarks.{QUALITY}.__main__")
    except ModuleNotFoundError as error:
        raise NotMeasuredError(f"no package {error.name}: run it by `make bench`") from None
    figures: Sequence[Figure] = quality.figures_of(quality.compare())
    return figures


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
