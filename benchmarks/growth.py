"""How much slower searches get when the catalogue grows tenfold.

    python -m benchmarks.growth [--quick]

Each kind of search is asked over HTTP on 100 000 and on 1 000 000 awards in turn (--quick: 10 000
and 100 000), one client, no search twice. Searches for words go over a sweep: words that .05 to
50 % of the awards hold. A kind is as slow as its slowest request's median. What reads all that it
finds may grow with it, but must stay below the tenfold; the rest must hardly grow.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks.catalogues import SIZES, catalogue
from benchmarks.goals import Figure, run, stdout
from benchmarks.latency import QUICK_SAMPLES, SAMPLES, Latency, latencies, table_of
from benchmarks.load import Connection
from benchmarks.queries import sweep
from benchmarks.searches import FILTERS, Kind, Request, flat_searches, keyset_pages, text_searches
from benchmarks.servers import api

MOST_FOR_TEXT: Final = 6
MOST_FOR_THE_REST: Final = 2


def measure(*, quick: bool) -> Sequence[Figure]:
    small, large = SIZES[:2] if quick else SIZES[1:]
    with ExitStack() as stack:
        awards = {rows: stack.enter_context(catalogue(rows)) for rows in (small, large)}
        servers = {rows: stack.enter_context(api(awards[rows].url)) for rows in awards}
        # The same words on both, chosen where there are more of them to choose from.
        words = sweep(stack.enter_context(awards[large].connect()), large)
        # Only now: a new connection has to ask something soon.
        clients = {rows: stack.enter_context(Connection(servers[rows].port)) for rows in servers}
        requests: list[Request] = [{"q": word.text} for word in words]
        text = [dict.fromkeys(clients, kind) for kind in text_searches(words)]
        text.append(_pages("later pages of a word", clients, requests))
        flat = [dict.fromkeys(clients, kind) for kind in flat_searches(words)]
        flat.append(_pages("keyset pages", clients, FILTERS))
        samples = QUICK_SAMPLES if quick else SAMPLES
        found = latencies(clients, [*text, *flat], samples=samples)
    stdout().print(table_of(found))
    return [
        _figure("searches for words", found[: len(text)], small, large, MOST_FOR_TEXT),
        *(
            _figure(latency.kind, [latency], small, large, MOST_FOR_THE_REST)
            for latency in found[len(text) :]
        ),
    ]


def _pages(
    name: str, clients: dict[int, Connection], requests: Sequence[Request]
) -> dict[int, Kind]:
    """A cursor belongs to the catalogue that gave it; only walks that go as far on both count."""
    pages = {rows: keyset_pages(client, requests) for rows, client in clients.items()}
    common = [
        first for first in next(iter(pages.values())) if all(first in p for p in pages.values())
    ]
    return {
        rows: Kind(name, tuple(found[first] for first in common)) for rows, found in pages.items()
    }


def _figure(what: str, found: Sequence[Latency], small: int, large: int, most: float) -> Figure:
    """Of the kind that grows most."""
    worst = max(found, key=lambda latency: latency.growth(small, large))
    milliseconds = [worst.seconds[rows] * 1e3 for rows in (small, large)]
    return Figure(
        f"{what}: growth from {small:,} to {large:,} awards",
        worst.growth(small, large),
        "at most",
        most,
        "x",
        f"{worst.kind}: {milliseconds[0]:.1f} -> {milliseconds[1]:.1f} ms",
    )


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
