"""What the service adds to the time of a search, for one client at a time.

    python -m benchmarks.one_client [--quick]

The same pairs of words over the same 100 000 awards, in turn: over HTTP, the whole stack with the
Redis limiter, no search asked twice; and as one prepared statement on the driver, which matches,
ranks and cuts off as the search does but corrects nothing, counts nothing and highlights nothing.
Each goes first every other time: whoever goes second finds the pages of the table in memory.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from benchmarks.catalogues import catalogue
from benchmarks.goals import Figure, run
from benchmarks.load import Connection
from benchmarks.progress import progress_bar
from benchmarks.queries import PAGE, Word, pairs, search, vocabulary
from benchmarks.servers import api, valkey

ROWS: Final = 100_000
SEARCHES: Final = 1_000
QUICK_SEARCHES: Final = 200
WARM_UP: Final = 30

BARE: Final = """
    SELECT id, name, organization, amount, currency, application_deadline, deadline_kind,
        deadline_timezone, recurs, status, scholarship_type, left(description, 201)
    FROM scholarships
    WHERE status = 'published' AND closes_at >= %(now)s
      AND search_vector @@ %(words)s::tsquery
    ORDER BY -ts_rank(search_vector, %(words)s::tsquery)::float8, closes_at, id
    LIMIT %(limit)s
"""


def measure(*, quick: bool) -> Sequence[Figure]:
    searches = QUICK_SEARCHES if quick else SEARCHES
    over_http: list[float] = []
    bare: list[float] = []
    with (
        catalogue(ROWS) as awards,
        valkey() as redis_url,
        api(awards.url, redis_url=redis_url) as server,
        awards.connect() as connection,
        progress_bar() as progress,
    ):
        now = connection.execute("SELECT now()").fetchone()
        assert now
        asked = pairs(vocabulary(connection, ROWS), rows=ROWS, seed=1)[: WARM_UP + searches]
        client = Connection(server.port)

        def ask_service(one: Word, other: Word) -> float:
            path = search(q=f"{one.text} {other.text}", limit=PAGE)
            began = time.perf_counter()
            answer = client.ask(path)
            took = time.perf_counter() - began
            if answer.status != HTTPStatus.OK:
                raise RuntimeError(f"{path} was answered with {answer.status}")
            return took

        def ask_database(one: Word, other: Word) -> float:
            words = {"words": f"'{one.lexeme}' & '{other.lexeme}'", "now": now[0], "limit": PAGE}
            began = time.perf_counter()
            connection.execute(BARE, words, prepare=True).fetchall()
            return time.perf_counter() - began

        for number, pair in enumerate(progress.track(asked, description="Searches")):
            if number % 2:
                bare.append(ask_database(*pair))
                over_http.append(ask_service(*pair))
            else:
                over_http.append(ask_service(*pair))
                bare.append(ask_database(*pair))
        client.close()
    p50 = statistics.median(over_http[WARM_UP:])
    p50_bare = statistics.median(bare[WARM_UP:])
    detail = f"{p50 * 1e3:.2f} ms / {p50_bare * 1e3:.2f} ms, {searches:,} searches"
    goal = "uncached search, one client: p50 / bare SQL's"
    return [Figure(goal, p50 / p50_bare, "at most", 6, "x", detail)]


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
