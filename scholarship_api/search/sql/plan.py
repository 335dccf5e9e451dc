"""Decides how the rows of a page are found.

A result is ranked by relevance where that is affordable: scoring reads every match, which takes
4 us each, so a second for a word of every fourth award of a million. Above the cap of counting a
result is tiered instead: awards with all words in the name come first, then those with all words in
the organization, then all others; within a tier the soonest deadline comes first. A page of a tier
needs no more than the part of it that the page shows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from scholarship_api.search import limits
from scholarship_api.search.cursors import Cursor
from scholarship_api.search.schemas import Sort


class Plan(StrEnum):
    RANK_ALL = "rank_all"
    """Score all matches and sort them by score."""
    TIERED = "tiered"
    """Read tier after tier by deadline until the page is full."""
    SCAN_DEADLINE = "scan_deadline"
    """Walk along the index of deadlines and keep the matches."""
    SORT_ALL = "sort_all"
    """Read all matches from the index of words and sort them."""
    SORT_BY_INDEX = "sort_by_index"
    """Leave it to PostgreSQL, whose planner knows how selective filters are, but not words."""


class Selectivity(StrEnum):
    """How the matches are spread over the catalogue."""

    FEW = "few"
    """There are at most SORT_ALL_BELOW_MATCHES."""
    COMMON = "common"
    """A scan by deadline meets enough of them soon."""
    RARE = "rare"
    """Neither."""


@dataclass(frozen=True, slots=True)
class Estimate:
    matches: float
    cap: int
    """The number of matches up to which they are counted exactly, and ranked."""

    @property
    def is_within_cap(self) -> bool:
        return self.matches <= self.cap


def choose(
    estimate: Estimate, order: Sort, cursor: Cursor | None, selectivity: Selectivity | None
) -> Plan:
    """The plan for a page in this order.

    A walk that began with tiers goes on with tiers, and one that began with scores with scores,
    whatever the number of matches is now: the two orders differ. `selectivity` is None for a search
    without words.
    """
    if order is Sort.RELEVANCE:
        is_tiered = not estimate.is_within_cap if cursor is None else cursor.is_tiered
        return Plan.TIERED if is_tiered else Plan.RANK_ALL
    if order is not Sort.DEADLINE or selectivity is None:
        return Plan.SORT_BY_INDEX
    return Plan.SCAN_DEADLINE if selectivity is Selectivity.COMMON else Plan.SORT_ALL


def selectivities(*, matches: float, offset: int, is_few: bool) -> Iterator[Selectivity]:
    """The selectivities to assume, one after the other: each is dropped when reading shows that it
    is wrong. RARE is never wrong.

    `is_few` says that few matches are expected, for other reasons than their estimated number.
    """
    if is_few and offset < limits.SORT_ALL_BELOW_MATCHES:
        yield Selectivity.FEW
    if matches >= limits.SCAN_MIN_MATCHES_PER_SKIPPED_ROW * offset:
        yield Selectivity.COMMON
    yield Selectivity.RARE


def expects_few(matches: float, *, is_filtered: bool) -> bool:
    """Whether all matches can be read and sorted. With filters the estimate is too unreliable."""
    return matches <= limits.SORT_ALL_BELOW_MATCHES and not is_filtered


def scan_limit(*, offset: int, is_filtered: bool) -> int:
    """How many awards a scan by deadline looks at before it is given up."""
    per_filter = limits.SCAN_LIMIT_AWARDS * (1 + is_filtered)
    return per_filter + limits.SCAN_LIMIT_AWARDS_PER_SKIPPED_ROW * offset
