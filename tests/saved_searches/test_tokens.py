"""A search is indexed by the rarest set of tokens of which each of its results has one."""

from typing import Any

import pytest

from scholarship_api.saved_searches.tokens import choose, filter_tokens_of_search
from scholarship_api.search.schemas import SearchBody
from scholarship_api.search.text.required_lexemes import parse

AWARDS = {"w:nurs": 50, "w:rare": 2, "states:CA": 30, "states:NY": 40, "grade_level:graduate": 60}


def tokens_of(words: str | None, query: dict[str, Any]) -> list[str]:
    return choose(
        None if words is None else parse(words),
        filter_tokens_of_search(SearchBody.model_validate(query)),
        awards_with=lambda token: AWARDS.get(token, 1_000),
    )


@pytest.mark.parametrize(
    ("words", "query", "expected"),
    [
        ("'nurs'&'rare'", {}, ["w:rare"]),
        ("'nurs'", {"states": ["CA"], "interpret": False}, ["states:CA"]),
        ("'nurs'", {"states": ["CA", "NY"], "interpret": False}, ["w:nurs"]),
        (None, {"states": ["CA", "NY"]}, ["states:CA", "states:NY"]),
        (None, {"states": ["CA", "NY"], "grade_level": "graduate"}, ["grade_level:graduate"]),
        (None, {"renewable": False}, ["renewable:False"]),
        (None, {}, ["*"]),
        (None, {"min_amount": 500, "renewable": None}, ["*"]),
        # Awards for residents of Canada are results, whatever state they ask for.
        (None, {"states": ["CA"], "countries": ["CA"]}, ["*"]),
        # A phrase of q may name a country, which is an alternative to the state.
        (None, {"states": ["CA"], "q": "nursing"}, ["*"]),
    ],
)
def test_the_rarest_set_is_chosen(
    words: str | None, query: dict[str, Any], expected: list[str]
) -> None:
    assert tokens_of(words, query) == expected
