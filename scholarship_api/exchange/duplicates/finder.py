"""Finds likely duplicates after an import: awards of the same site with similar names.

Only awards of different imports are compared: those of one file are different awards by the word of
its author.
"""

import datetime as dt
from itertools import islice
from typing import Any, Final

import psycopg

from scholarship_api.exchange.duplicates import queries
from scholarship_api.exchange.duplicates.queries import SiteAward

MIN_SCORE: Final = 85
"""The similarity of names, up to 100, from which on a person should look: the same words in another
order have 100, and one word of five more about 90."""

MAX_SITE_AWARDS: Final = 2_000
"""Awards of a site that are compared. A site with more belongs to a directory, where the site says
nothing."""

MAX_PAIRS_OF_AWARD: Final = 10
"""Likely duplicates of one award, the most similar ones."""


async def import_begins(connection: psycopg.AsyncConnection[Any]) -> dt.datetime:
    """The instant from which on the awards of an import are written, for `find_duplicates`."""
    return await queries.clock(connection)


async def find_duplicates(connection: psycopg.AsyncConnection[Any], *, since: dt.datetime) -> int:
    """Compare the awards that were written since then with all others; store likely duplicates.

    `connection` is idle. Returns how many pairs were found.
    """
    pairs: list[tuple[str, str, str, int]] = []
    site: list[SiteAward] = []
    async for award in queries.of_fresh_sites(connection, since=since, most=MAX_SITE_AWARDS):
        if site and site[0].site != award.site:
            pairs += _pairs(site)
            site = []
        site.append(award)
    pairs += _pairs(site)
    if pairs:
        await queries.add(connection, pairs)
    return len(pairs)


def _pairs(site: list[SiteAward]) -> list[tuple[str, str, str, int]]:
    # Imported here: it would slow down the start of every worker.
    from rapidfuzz import fuzz, utils  # noqa: PLC0415

    names = {award.id: utils.default_process(award.name) for award in site}
    others = [award for award in site if not award.is_fresh]
    found: list[tuple[str, str, str, int]] = []
    for award in (each for each in site if each.is_fresh):
        similar = sorted(
            (-round(score), other.id)
            for other in others
            if (score := fuzz.token_sort_ratio(names[award.id], names[other.id])) >= MIN_SCORE
        )
        for negated, other_id in islice(similar, MAX_PAIRS_OF_AWARD):
            first, second = sorted((award.id, other_id), key=str.encode)
            found.append((first, second, award.site, -negated))
    return found
