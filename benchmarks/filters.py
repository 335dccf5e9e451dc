"""CPU of searches by filters only, compared with an earlier release, and whether totals are exact.

    python -m benchmarks.filters [--quick]

One to three filters, no request twice, on 100 000 and on 1 000 000 awards (--quick: 10 000 and
100 000). The CPU of workers, PostgreSQL and Redis counts. Totals and facets are compared with a
plain count in SQL.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from benchmarks import filter_oracle
from benchmarks.catalogues import SIZES
from benchmarks.cpu import Case, in_turn
from benchmarks.goals import Figure, run
from benchmarks.load import Connection
from benchmarks.mixes import filter_searches, new_requests
from benchmarks.stacks import BEFORE, OURS, Stack, stack

WANTED: Final = 0.15
MOST_PER_SECOND: Final = 4_000
"""Searches a second, more than a worker can answer; so many requests are prepared."""

CHECKED: Final = 100
"""Searches whose totals and facets are compared with SQL."""

QUICK_CHECKED: Final = 20


def measure(*, quick: bool) -> Sequence[Figure]:
    sizes = SIZES[:2] if quick else SIZES[1:]
    return [figure for rows in sizes for figure in _measure(rows, quick=quick)]


def _measure(rows: int, *, quick: bool) -> Iterator[Figure]:
    with stack(rows) as both:
        searches = filter_searches()
        cases = {
            name: Case(
                new_requests(server, searches, most_per_second=MOST_PER_SECOND),
                server.cpu_seconds_with(*both.others),
            )
            for name, server in both.servers.items()
        }
        found = in_turn(cases, quick=quick)
        checked = QUICK_CHECKED if quick else CHECKED
        wrong = _wrong_answers(both, checked)
    ratio, detail = found[OURS].cost_ratio(found[BEFORE]), found[OURS].detail(found[BEFORE])
    yield Figure(f"filters, {rows:,} awards: CPU / before", ratio, "at most", WANTED, detail=detail)
    yield Figure(
        f"filters, {rows:,} awards: totals and facets that are not exact",
        len(wrong),
        "at most",
        0,
        detail=f"{checked} searches" + (f"; the first: {wrong[0]}" if wrong else ""),
    )


def _wrong_answers(both: Stack, count: int) -> list[str]:
    """The searches whose total or facets differ from a plain count, or are called estimates."""
    wrong = []
    with both.awards.connect() as connection, Connection(both.servers[OURS].port) as client:
        filter_oracle.prepare(connection)
        for path in islice(filter_searches(seed=2), count):
            answer = json.loads(client.ask(f"{path}&facets=true").body)
            facets = {
                facet["value"]: facet["count"] for facet in answer["facets"]["scholarship_types"]
            }
            types = filter_oracle.counts(connection, path)
            total = sum(types.values())
            if not answer["total_is_exact"] or answer["total"] != total or facets != types:
                wrong.append(f"{path}: {answer['total']} of {total}")
    return wrong


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
