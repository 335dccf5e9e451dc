"""The slowest search of a large catalogue beside the plan that one would write first.

    python -m benchmarks.naive_ranking [--quick]

The naive plan ranks every match by ts_rank_cd, sorts, and keeps 20; it runs as a prepared statement
without any service around it. Ours are all kinds of searches over HTTP. Both over the sweep of
words that .05 to 50 % of 1 000 000 awards hold (--quick: 100 000).
"""

import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from benchmarks.catalogues import SIZES, catalogue
from benchmarks.goals import Figure, run, stdout
from benchmarks.latency import QUICK_SAMPLES, SAMPLES, latencies, table_of
from benchmarks.load import Connection
from benchmarks.queries import Word, sweep
from benchmarks.searches import flat_searches, text_searches
from benchmarks.servers import api

NAIVE_SAMPLES: Final = 3
NAIVE: Final = """
    SELECT id, name, ts_rank_cd(search_vector, %(word)s::tsquery) AS rank
    FROM scholarships
    WHERE status = 'published' AND search_vector @@ %(word)s::tsquery
    ORDER BY rank DESC LIMIT 20
"""


def measure(*, quick: bool) -> Sequence[Figure]:
    rows = SIZES[1] if quick else SIZES[2]
    with (
        catalogue(rows) as awards,
        awards.connect() as connection,
        api(awards.url) as server,
    ):
        words = sweep(connection, rows)
        kinds = [{rows: kind} for kind in (*text_searches(words), *flat_searches(words))]
        with Connection(server.port) as client:
            ours = latencies({rows: client}, kinds, samples=QUICK_SAMPLES if quick else SAMPLES)
        naive = max(_naive_seconds(connection, word) for word in words)
    stdout().print(table_of(ours))
    worst = max(ours, key=lambda latency: latency.seconds[rows])
    detail = f"naive {naive * 1e3:,.0f} ms; {worst.kind} {worst.seconds[rows] * 1e3:,.1f} ms"
    goal = f"slowest search of {rows:,} awards: times faster than the naive plan's slowest"
    return [Figure(goal, naive / worst.seconds[rows], "at least", 10, "x", detail)]


def _naive_seconds(connection: "psycopg.Connection[Any]", word: Word) -> float:
    """The median of some executions, after the first."""
    taken = []
    for _ in range(NAIVE_SAMPLES + 1):
        began = time.perf_counter()
        connection.execute(NAIVE, {"word": f"'{word.lexeme}'"}, prepare=True).fetchall()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
