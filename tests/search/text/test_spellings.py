"""Which neighbouring words may be one word, and which of several spellings is tried first."""

import pytest

from scholarship_api.search.text import parser
from scholarship_api.search.text.spellings import other_spellings


def spellings(q: str) -> list[str]:
    """The other spellings of the words of a query, the likeliest first."""
    return [
        " ".join(text) for _, entry in other_spellings(parser.parse(q)) for text in entry.synonyms
    ]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("pre-med", ["premed"]),
        ("pre med", ["premed"]),
        ("K12", ["k 12"]),
        ("21st", []),
        ("O'Brien", ["obrien"]),
        ("dean's list", []),
        ("need-based", ["needbased"]),
        ("merit-based", []),  # both words are long
        ("multi-racial", ["multiracial"]),
        ("post bacc", ["postbacc"]),
        ("health care", []),
        ("in it", []),
        ("MA in education", []),
        ("M.B.A. students", ["mba"]),
        ("U.S. history", ["us"]),
    ],
)
def test_words_that_may_be_one(q: str, found: list[str]) -> None:
    assert spellings(q) == found


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("women pre-med", "premed"),
        ("campus co op", "coop"),
        ("teachers K 12", "k12"),
        ("teachers K-12", "k12"),
    ],
)
def test_signs_and_beginnings_join_before_other_words(q: str, first: str) -> None:
    assert spellings(q)[0] == first
