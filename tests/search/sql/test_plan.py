"""The plans of a search for words, as tables of situations."""

import math

import pytest

from scholarship_api.search import limits
from scholarship_api.search.cursors import Cursor
from scholarship_api.search.schemas import Sort
from scholarship_api.search.sql import plan
from scholarship_api.search.sql.plan import Matching, PagePlan

FEW = limits.MATCHED_AMONG_KEPT
RANKED = limits.RANKED_MATCHES


def cursor(*, is_tiered: bool) -> Cursor:
    return Cursor(digest="", keyset=(), page=2, is_tiered=is_tiered)


@pytest.mark.parametrize(
    ("estimate", "kept", "is_plain", "continued", "expected"),
    [
        # Words alone, by relevance: at once, unless there are too many to be ranked.
        (0, 90_000, True, None, Matching.RANK_AT_ONCE),
        (RANKED, 90_000, True, None, Matching.RANK_AT_ONCE),
        (RANKED + 1, 90_000, True, None, Matching.BY_WORDS),
        # A walk stays in the order that it began with.
        (math.inf, 90_000, True, cursor(is_tiered=False), Matching.RANK_AT_ONCE),
        (1, 90_000, True, cursor(is_tiered=True), Matching.BY_WORDS),
        # With filters, the smaller side is asked.
        (5, 90_000, False, None, Matching.BY_WORDS),
        (FEW + 1, FEW, False, None, Matching.AMONG_KEPT),
        (FEW, FEW, False, None, Matching.BY_WORDS),
        (math.inf, FEW + 1, False, None, Matching.BY_WORDS),
        (math.inf, 0, False, None, Matching.AMONG_KEPT),
    ],
)
def test_how_the_awards_with_the_words_are_found(
    estimate: float, kept: int, is_plain: bool, continued: Cursor | None, expected: Matching
) -> None:
    chosen = plan.choose_matching(estimate=estimate, kept=kept, is_plain=is_plain, cursor=continued)
    assert chosen is expected


@pytest.mark.parametrize(
    ("matches", "order", "continued", "expected"),
    [
        (0, Sort.RELEVANCE, None, PagePlan.RANK),
        (RANKED, Sort.RELEVANCE, None, PagePlan.RANK),
        (RANKED + 1, Sort.RELEVANCE, None, PagePlan.TIERED),
        (math.inf, Sort.RELEVANCE, None, PagePlan.TIERED),
        (math.inf, Sort.RELEVANCE, cursor(is_tiered=False), PagePlan.RANK),
        (1, Sort.RELEVANCE, cursor(is_tiered=True), PagePlan.TIERED),
        (1, Sort.DEADLINE, None, PagePlan.IN_ORDER),
        (math.inf, Sort.AMOUNT, None, PagePlan.IN_ORDER),
        (math.inf, Sort.NEWEST, cursor(is_tiered=False), PagePlan.IN_ORDER),
    ],
)
def test_how_a_page_is_made(
    matches: float, order: Sort, continued: Cursor | None, expected: PagePlan
) -> None:
    assert plan.choose_page(order=order, matches=matches, cursor=continued) is expected


@pytest.mark.parametrize(
    ("matches", "kept", "expected", "is_read"),
    [
        (25_000, 300_000, 0, True),  # the filters keep none of them
        (25_000, 300_000, 20, True),
        (25_000, 300_000, 10_000, False),  # the first 630 of the kept awards have a page of them
        (25_000, 20_000, 0, False),  # the kept awards are fewer
        (limits.MAX_MATCHES_READ + 1, 1_000_000, 0, False),
    ],
)
def test_many_matches_are_read_where_the_filters_keep_few_of_them(
    matches: float, kept: int, expected: float, is_read: bool
) -> None:
    chosen = plan.reads_all_matches(matches=matches, kept=kept, expected=expected, wanted_rows=21)
    assert chosen is is_read


def test_a_scan_begins_with_as_many_awards_as_the_page_is_expected_in() -> None:
    def first(matches: float) -> int:
        return plan.first_scan(wanted_rows=20, matches=matches, awards=100_000)

    assert first(100_000) == limits.MIN_SCANNED_AT_ONCE
    assert first(10_000) == 300
    assert first(1) == limits.MAX_SCANNED_AT_ONCE
    assert plan.first_scan(wanted_rows=20, matches=0, awards=0) == limits.MIN_SCANNED_AT_ONCE
