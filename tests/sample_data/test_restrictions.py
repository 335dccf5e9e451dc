"""No award of the bundled catalogue restricts by its text alone: a coding stands for each word."""

from typing import Any

import pytest

from scholarship_api.catalogue.award_parts import MAX_OTHER_REQUIREMENTS
from tests.sample_data.catalogue import Award, awards
from tests.sample_data.restrictions import RESTRICTIONS, Restriction, unexplained


def invented(description: str, **coding: Any) -> Award:  # noqa: ANN401 - fields of an award
    return {"name": "Acme Award", "description": description, **coding}


def test_every_restricting_word_is_coded() -> None:
    found = {award["id"]: list(unexplained(award)) for award in awards()}
    assert {award_id: words for award_id, words in found.items() if words} == {}


@pytest.mark.parametrize("restriction", RESTRICTIONS, ids=lambda restriction: restriction.name)
def test_a_restricting_word_without_a_coding_is_found(restriction: Restriction) -> None:
    [*found] = unexplained(invented(restriction.example))
    assert [text for text in found if text.startswith(f"{restriction.name}: ")]


@pytest.mark.parametrize(
    "coding",
    [
        {"eligibility_criteria": {"genders": ["woman"]}},
        {"eligibility_sets": [{"min_gpa": 3.9}, {"genders": ["woman"]}]},
        {"preferences": [{"criteria": {"genders": ["woman"]}}]},
        {"preferences": [{"text": "Women are preferred."}]},
        {"other_requirements": ["Be one of the women of the class."]},
    ],
)
def test_a_criterion_a_preference_or_a_text_stands_for_a_word(coding: dict[str, Any]) -> None:
    assert list(unexplained(invented("For women."))) != []
    assert list(unexplained(invented("For women.", **coding))) == []


def test_a_criterion_for_somebody_else_does_not_stand_for_a_word() -> None:
    coded = invented("For women.", eligibility_criteria={"genders": ["man"]})
    assert list(unexplained(coded)) == ["women: 'women'"]


def test_a_phrase_that_restricts_nobody_is_not_found() -> None:
    assert list(unexplained(invented("For men and women of any nationality."))) == []


def test_complete_criteria_leave_nothing_to_confirm() -> None:
    assert [
        award["id"]
        for award in awards()
        if award.get("criteria_complete") and award.get("other_requirements")
    ] == []
    assert all(
        len(award.get("other_requirements", [])) <= MAX_OTHER_REQUIREMENTS for award in awards()
    )
