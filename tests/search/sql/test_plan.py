"""The plan for a page, as a table of situations."""

from typing import Any

import pytest

from scholarship_api.search import limits
from scholarship_api.search.cursors import Cursor
from scholarship_api.search.schemas import Sort
from scholarship_api.search.sql import plan
from scholarship_api.search.sql.plan import Estimate, Plan, Selectivity

CAP = 1_000


def cursor(*, is_tiered: bool) -> Cursor:
    return Cursor(digest="", keyset=(), page=2, is_tiered=is_tiered)


@pytest.mark.parametrize(
    ("matches", "order", "continued", "selectivity", "expected"),
    [
        # By relevance: scores where all matches can be scored, else tiers.
        (0, Sort.RELEVANCE, None, None, Plan.RANK_ALL),
        (CAP, Sort.RELEVANCE, None, None, Plan.RANK_ALL),
        (CAP + 1, Sort.RELEVANCE, None, None, Plan.TIERED),
        # A walk stays in the order that it began with.
        (CAP + 1, Sort.RELEVANCE, cursor(is_tiered=False), None, Plan.RANK_ALL),
        (1, Sort.RELEVANCE, cursor(is_tiered=True), None, Plan.TIERED),
        # By deadline, with words.
        (1, Sort.DEADLINE, None, Selectivity.FEW, Plan.SORT_ALL),
        (9_999, Sort.DEADLINE, None, Selectivity.COMMON, Plan.SCAN_DEADLINE),
        (9_999, Sort.DEADLINE, None, Selectivity.RARE, Plan.SORT_ALL),
        (9_999, Sort.DEADLINE, cursor(is_tiered=False), Selectivity.COMMON, Plan.SCAN_DEADLINE),
        # By deadline without words, and the other orders.
        (9_999, Sort.DEADLINE, None, None, Plan.SORT_BY_INDEX),
        (9_999, Sort.AMOUNT, None, Selectivity.FEW, Plan.SORT_BY_INDEX),
        (9_999, Sort.NEWEST, None, None, Plan.SORT_BY_INDEX),
    ],
)
def test_the_plan(
    matches: float,
    order: Sort,
    continued: Cursor | None,
    selectivity: Selectivity | None,
    expected: Plan,
) -> None:
    assert plan.choose(Estimate(matches, CAP), order, continued, selectivity) is expected


FEW, COMMON, RARE = Selectivity
FIRST_TOO_LARGE_OFFSET = 10_000 // limits.SCAN_MIN_MATCHES_PER_SKIPPED_ROW + 1


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ({"matches": 10, "offset": 0, "is_few": True}, [FEW, COMMON, RARE]),
        ({"matches": 10_000, "offset": 0, "is_few": False}, [COMMON, RARE]),
        (
            {"matches": 10_000, "offset": FIRST_TOO_LARGE_OFFSET - 1, "is_few": False},
            [COMMON, RARE],
        ),
        ({"matches": 10_000, "offset": FIRST_TOO_LARGE_OFFSET, "is_few": False}, [RARE]),
        ({"matches": 10, "offset": 1, "is_few": True}, [FEW, RARE]),
        ({"matches": 10, "offset": limits.SORT_ALL_BELOW_MATCHES, "is_few": True}, [RARE]),
    ],
    ids=str,
)
def test_assumptions_go_from_the_cheapest_to_the_one_that_always_holds(
    situation: dict[str, Any], expected: list[Selectivity]
) -> None:
    assert list(plan.selectivities(**situation)) == expected


def test_few_matches_are_expected_up_to_the_limit_and_without_filters() -> None:
    most = limits.SORT_ALL_BELOW_MATCHES
    assert plan.expects_few(most, is_filtered=False)
    assert not plan.expects_few(most + 1, is_filtered=False)
    assert not plan.expects_few(1, is_filtered=True)


def test_a_scan_looks_further_with_filters_and_with_an_offset() -> None:
    plain = plan.scan_limit(offset=0, is_filtered=False)
    assert plain == limits.SCAN_LIMIT_AWARDS
    assert plan.scan_limit(offset=0, is_filtered=True) == 2 * plain
    assert (
        plan.scan_limit(offset=7, is_filtered=False)
        == plain + 7 * limits.SCAN_LIMIT_AWARDS_PER_SKIPPED_ROW
    )
