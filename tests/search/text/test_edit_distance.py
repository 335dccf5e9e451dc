"""The edit distance between what was typed and the words of the dictionary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.search.text.edit_distance import (
    DictionaryTerm,
    distance,
    edited,
    halves,
    max_edits,
    nearest,
)

WORDS = st.text("abcde", max_size=7)


def plain_distance(typed: str, word: str) -> int:
    """Optimal string alignment, directly by its definition."""
    if not typed or not word:
        return len(typed) + len(word)
    steps = [
        plain_distance(typed[:-1], word) + 1,
        plain_distance(typed, word[:-1]) + 1,
        plain_distance(typed[:-1], word[:-1]) + (typed[-1] != word[-1]),
    ]
    if typed[-2:] == word[-2:][::-1] and len(typed) > 1 and len(word) > 1:
        steps.append(plain_distance(typed[:-2], word[:-2]) + 1)
    return min(steps)


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_edits_are_counted_as_defined(typed: str, word: str) -> None:
    found = distance(typed, word, at_most=10)
    assert found is not None
    assert found.edits == plain_distance(typed, word)
    assert found.cost <= found.edits + 0.3


@given(WORDS, WORDS, st.integers(0, 3))
def test_there_is_no_distance_above_the_allowed_edits(typed: str, word: str, at_most: int) -> None:
    found = distance(typed, word, at_most=10)
    assert found is not None
    assert (distance(typed, word, at_most=at_most) is None) == (found.edits > at_most)


def cost(typed: str, word: str) -> float:
    found = distance(typed, word, at_most=3)
    assert found is not None
    return found.cost


def test_frequent_mistakes_cost_less() -> None:
    assert cost("nurisng", "nursing") < cost("nurting", "nursing")  # swapped
    assert cost("tenessee", "tennessee") < cost("tenxnessee", "tennessee")  # doubled
    assert cost("kain", "cain") < cost("kain", "main") + 0.31  # the same sound
    assert cost("culinery", "culinary") < cost("culintry", "culinary")  # another vowel
    assert cost("goldwatr", "goldwater") < cost("xoldwater", "goldwater")  # the first letter


@pytest.mark.parametrize(
    ("word", "allowed"), [("ny", 0), ("law", 1), ("nurse", 1), ("nursing", 2), ("engineering", 3)]
)
def test_longer_words_may_have_more_edits(word: str, allowed: int) -> None:
    assert max_edits(word) == allowed


def term(word: str, documents: int = 1) -> DictionaryTerm:
    return DictionaryTerm(word, word, documents)


def test_nearest_words_come_first_then_those_in_more_awards() -> None:
    found = nearest("nersing", [term("versing"), term("nursing"), term("sailing")], limit=3)
    assert [each.word for _, each in found] == ["nursing", "versing"]
    found = nearest("grent", [term("grunt", 1), term("grant", 50)], limit=1)
    assert [each.word for _, each in found] == ["grant"]


def test_the_word_itself_and_distant_words_are_left_out() -> None:
    found = nearest("lawn", [term("lawn"), term("lawns"), term("flown")], limit=9)
    assert found == [(1.0, term("lawns"))]


def test_a_word_of_three_letters_is_only_another_with_the_same_letters() -> None:
    found = nearest("gdp", [term("gap"), term("gpd"), term("gd")], limit=9)
    assert [each.word for _, each in found] == ["gpd"]


@given(st.text("abcdefgh", min_size=3, max_size=6), st.data())
def test_the_edits_of_a_short_misspelling_include_the_intended_word(
    word: str, data: st.DataObject
) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from("xyz"))
    for typed in (
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
    ):
        if 0 < len(typed) <= 6:
            assert word in set(edited(typed))


def test_a_space_may_be_missing_between_halves_of_three_letters() -> None:
    assert list(halves("tacobell")) == [("tac", "obell"), ("taco", "bell"), ("tacob", "ell")]
    assert list(halves("abcde")) == []
