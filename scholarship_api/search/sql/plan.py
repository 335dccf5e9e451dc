"""Decides how the awards with the words of a query are found, and how their page is made.

The words are PostgreSQL's to find, the filters and all orders but relevance are the read model's.
Where the two meet, the smaller side is asked first. A result is ranked by relevance where that is
affordable: scoring reads every match, which takes 4 us each, so a second for a word of every fourth
award of a million. Above RANKED_MATCHES a result is tiered instead: awards with all words in the
name come first, then those with all words in the organization, then all others; within a tier the
soonest deadline comes first.
"""

from enum import StrEnum

from scholarship_api.search import limits
from scholarship_api.search.cursors import Cursor
from scholarship_api.search.schemas import Sort


class Matching(StrEnum):
    """How the awards are found that have the words and that the filters keep."""

    RANK_AT_ONCE = "rank_at_once"
    """Nothing but words is asked for: one statement matches, counts, ranks, and reads the page."""
    AMONG_KEPT = "among_kept"
    """The filters keep few awards: ask which of them have the words."""
    BY_WORDS = "by_words"
    """Ask for the awards with the words, and keep those that the filters keep."""


class PagePlan(StrEnum):
    """How a page of what was found is made."""

    RANK = "rank"
    """Score the matches and sort them by score."""
    TIERED = "tiered"
    """Read tier after tier by deadline until the page is full."""
    IN_ORDER = "in_order"
    """Take them in an order of the read model."""


def choose_matching(
    *, estimate: float, kept: int, is_plain: bool, cursor: Cursor | None
) -> Matching:
    """`estimate` is about how many awards have the words, `kept` how many the filters keep.

    `is_plain` says that a page by relevance is wanted, and nothing of the read model.
    """
    if is_plain:
        is_tiered = estimate > limits.RANKED_MATCHES if cursor is None else cursor.is_tiered
        if not is_tiered:
            return Matching.RANK_AT_ONCE
    if kept <= limits.MATCHED_AMONG_KEPT and kept < estimate:
        return Matching.AMONG_KEPT
    return Matching.BY_WORDS


def reads_all_matches(*, matches: float, kept: int, expected: float, wanted_rows: int) -> bool:
    """Whether to read all awards with the words, although they are many, and filter them.

    `matches` is about how many have the words, `kept` how many the filters keep, and `expected`
    about how many are both. The other way is to ask the kept awards for the words in the order of
    the page, until it has its `wanted_rows`.
    """
    scanned = kept * min(1.0, wanted_rows / max(expected, 1))
    return matches <= limits.MAX_MATCHES_READ and matches < scanned


def choose_page(*, order: Sort, matches: float, cursor: Cursor | None) -> PagePlan:
    """`matches` is infinite when they are too many to be known one by one.

    A walk that began with tiers goes on with tiers, and one that began with scores with scores,
    whatever the number of matches is now: the two orders differ.
    """
    if order is not Sort.RELEVANCE:
        return PagePlan.IN_ORDER
    is_tiered = matches > limits.RANKED_MATCHES if cursor is None else cursor.is_tiered
    return PagePlan.TIERED if is_tiered else PagePlan.RANK


def rank_cap(cursor: Cursor | None) -> int:
    """The most matches that a page is ranked of; more for a later page than for the first."""
    growth = 1 if cursor is None else limits.RANKED_WALK_GROWTH
    return growth * limits.RANKED_MATCHES


def first_scan(*, wanted_rows: int, matches: float, awards: int) -> int:
    """How many awards of an order to ask for the words first, so that one try is enough mostly."""
    share = min(1.0, max(matches, 1) / max(awards, 1))
    expected = int(1.5 * wanted_rows / share)
    return min(limits.MAX_SCANNED_AT_ONCE, max(limits.MIN_SCANNED_AT_ONCE, expected))
