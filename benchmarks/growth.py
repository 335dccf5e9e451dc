"""How much slower requests become when the catalogue grows tenfold.

    python -m benchmarks.growth [--quick]

Each kind of search is asked over HTTP on 100 000 and on 1 000 000 awards in turn (--quick: 10 000
and 100 000) by one client, no request twice. Searches for words use a sweep: words that 0.05 to 50
% of the awards contain. A kind is as slow as the median of its slowest request. Checks of the whole
catalogue may grow with it, but not faster.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from benchmarks.catalogues import SIZES, catalogue
from benchmarks.goals import Figure, run, stdout
from benchmarks.latency import QUICK_SAMPLES, SAMPLES, Latency, latencies, table_of
from benchmarks.load import Connection
from benchmarks.matching import ELIGIBILITY
from benchmarks.mixes import profiles
from benchmarks.queries import sweep
from benchmarks.searches import FILTERS, Kind, Request, flat_searches, keyset_pages, text_searches
from benchmarks.servers import api

WANTED_FOR_WORDS: Final = 4
WANTED_FOR_OTHERS: Final = 2
WANTED_PER_AWARD: Final = 1.2
"""Growth of an eligibility check for each award; 1 is linear."""

PROFILES: Final = 8
"""Eligibility checks over the catalogue."""


def measure(*, quick: bool) -> Sequence[Figure]:
    small, large = SIZES[:2] if quick else SIZES[1:]
    with ExitStack() as stack:
        awards = {rows: stack.enter_context(catalogue(rows)) for rows in (small, large)}
        servers = {rows: stack.enter_context(api(awards[rows].url)) for rows in awards}
        # The same words on both, chosen from the catalogue that has more of them.
        words = sweep(stack.enter_context(awards[large].connect()), large)
        # The connections come last, because a server closes one that stays silent.
        clients = {rows: stack.enter_context(Connection(servers[rows].port)) for rows in servers}
        requests: list[Request] = [{"q": word.text} for word in words]
        text = [dict.fromkeys(clients, kind) for kind in text_searches(words)]
        text.append(_pages("later pages of a word", clients, requests))
        flat = [dict.fromkeys(clients, kind) for kind in flat_searches(words)]
        flat.append(_pages("keyset pages", clients, FILTERS))
        checks = dict.fromkeys(clients, _eligibility_checks())
        samples = QUICK_SAMPLES if quick else SAMPLES
        found = latencies(clients, [*text, *flat, checks], samples=samples)
    stdout().print(table_of(found))
    *searches, check = found
    return [
        _figure("searches for words", searches[: len(text)], small, large, WANTED_FOR_WORDS),
        *(
            _figure(latency.kind, [latency], small, large, WANTED_FOR_OTHERS)
            for latency in searches[len(text) :]
        ),
        _figure("eligibility", [check], small, large, WANTED_PER_AWARD, per_award=True),
    ]


def _eligibility_checks() -> Kind:
    """Checks of complete profiles over the catalogue, by GET."""
    paths = [f"{ELIGIBILITY}?{urlencode(one)}" for one in islice(profiles(), PROFILES)]
    return Kind("eligibility", tuple(paths))


def _pages(
    name: str, clients: dict[int, Connection], requests: Sequence[Request]
) -> dict[int, Kind]:
    """Later pages of the requests that have as many pages on both catalogues.

    A cursor belongs to the catalogue that gave it.
    """
    pages = {rows: keyset_pages(client, requests) for rows, client in clients.items()}
    common = [
        first for first in next(iter(pages.values())) if all(first in p for p in pages.values())
    ]
    return {
        rows: Kind(name, tuple(found[first] for first in common)) for rows, found in pages.items()
    }


def _figure(
    what: str,
    found: Sequence[Latency],
    small: int,
    large: int,
    wanted: float,
    *,
    per_award: bool = False,
) -> Figure:
    """The growth of the kind that grows most."""
    worst = max(found, key=lambda latency: latency.growth(small, large))
    milliseconds = [worst.seconds[rows] * 1e3 for rows in (small, large)]
    growth = worst.growth(small, large) / (large / small if per_award else 1)
    return Figure(
        f"{what}: growth from {small:,} to {large:,} awards" + (", per award" * per_award),
        growth,
        "at most",
        wanted,
        "x",
        f"{worst.kind}: {milliseconds[0]:.1f} -> {milliseconds[1]:.1f} ms",
    )


if __name__ == "__main__":
    sys.exit(run(measure, __doc__))
