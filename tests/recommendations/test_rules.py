"""The documented recommendation score, case by case."""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.recommendations.rules import PartName, parts, total

# An award that adds nothing but its match.
PLAIN: dict[str, Any] = {
    "fields_of_study": [],
    "amount": None,
    "currency": None,
    "scholarship_type": "community_service",
}


NOTHING: Mapping[str, Any] = MappingProxyType({})


class Case(NamedTuple):
    part: PartName
    points: float
    award: Mapping[str, Any] = NOTHING
    profile: Mapping[str, Any] = NOTHING
    match_score: int = 0
    days_left: int | None = None


def paying(amount: str, currency: str = "USD") -> dict[str, Any]:
    return {"amount": Decimal(amount), "currency": currency}


# The table of docs/api.md, "Recommendations".
DOCUMENTED = [
    Case(PartName.MATCH, 0.4, match_score=100),
    Case(PartName.MATCH, 0.28, match_score=70),
    Case(PartName.MATCH, 0.0, match_score=0),
    Case(PartName.FIELD_OF_STUDY, 0.3, {"fields_of_study": ["law"]}, {"field_of_study": "law"}),
    Case(PartName.FIELD_OF_STUDY, 0.0, {"fields_of_study": ["law"]}, {"field_of_study": "arts"}),
    Case(PartName.FIELD_OF_STUDY, 0.0, {"fields_of_study": ["law"]}),
    Case(PartName.FIELD_OF_STUDY, 0.0, {}, {"field_of_study": "law"}),
    Case(PartName.AMOUNT, 0.1, paying("5000")),
    Case(PartName.AMOUNT, 0.05, paying("4999.99")),
    Case(PartName.AMOUNT, 0.05, paying("1000")),
    Case(PartName.AMOUNT, 0.0, paying("999.99")),
    Case(PartName.AMOUNT, 0.1, paying("5000", "JPY")),
    Case(PartName.AMOUNT, 0.0),
    Case(PartName.DEADLINE, -0.1, days_left=0),
    Case(PartName.DEADLINE, -0.1, days_left=6),
    Case(PartName.DEADLINE, 0.05, days_left=7),
    Case(PartName.DEADLINE, 0.05, days_left=29),
    Case(PartName.DEADLINE, 0.1, days_left=30),
    Case(PartName.DEADLINE, 0.1, days_left=180),
    Case(PartName.DEADLINE, 0.0, days_left=181),
    Case(PartName.DEADLINE, 0.0, days_left=4000),
    Case(PartName.DEADLINE, 0.0, days_left=None),
    Case(PartName.SCHOLARSHIP_TYPE, 0.05, {"scholarship_type": "merit_based"}),
    Case(PartName.SCHOLARSHIP_TYPE, 0.05, {"scholarship_type": "academic_achievement"}),
    Case(
        PartName.SCHOLARSHIP_TYPE,
        0.05,
        {"scholarship_type": "need_based"},
        {"financial_need": True},
    ),
    Case(
        PartName.SCHOLARSHIP_TYPE,
        0.0,
        {"scholarship_type": "need_based"},
        {"financial_need": False},
    ),
    Case(PartName.SCHOLARSHIP_TYPE, 0.0, {"scholarship_type": "need_based"}),
    Case(
        PartName.SCHOLARSHIP_TYPE, 0.0, {"scholarship_type": "athletic"}, {"financial_need": True}
    ),
]


@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda case: f"{case.part}-{case[2:]}")
def test_each_part_has_its_points(case: Case) -> None:
    scored = parts(
        {**PLAIN, **case.award},
        case.profile,
        match_score=case.match_score,
        days_left=case.days_left,
    )
    assert [part.name for part in scored] == list(PartName)
    points = {part.name: part.points / 1000 for part in scored}
    assert points[case.part] == case.points
    # Nothing else is changed by it.
    assert sum(points.values()) == case.points
    assert total(scored) / 1000 == max(0, case.points)
    assert all(part.reason.endswith(".") for part in scored)


def test_the_highest_score_is_0_95() -> None:
    award = {"fields_of_study": ["law"], "scholarship_type": "merit_based", **paying("9000")}
    scored = parts(award, {"field_of_study": "law"}, match_score=100, days_left=60)
    assert total(scored) / 1000 == 0.95


@given(st.integers(0, 10), st.none() | st.integers(0, 400), st.sampled_from(["0", "1000", "5000"]))
def test_a_better_match_never_lowers_the_score(
    tenths: int, days_left: int | None, amount: str
) -> None:
    def score(match_score: int) -> int:
        award = PLAIN | paying(amount)
        return total(parts(award, {}, match_score=match_score, days_left=days_left))

    assert 0 <= score(tenths * 10) <= score(100) <= 1000
