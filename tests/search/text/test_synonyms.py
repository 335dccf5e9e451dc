"""The table of synonyms."""

import pytest

from scholarship_api.search.text.capitals import STATE_NAMES
from scholarship_api.search.text.synonyms import (
    BUILT_IN,
    NOISE,
    is_noise,
    singular,
)
from scholarship_api.vocabulary import STATES


def synonyms_of(text: str, *, at: int = 0) -> set[str]:
    found = BUILT_IN.find_entry(text.split(), at=at)
    return set() if found is None else {" ".join(words) for words in found.synonyms}


@pytest.mark.parametrize(
    ("asked", "also"),
    [
        ("nsf", "national science foundation"),
        ("NSF", "national science foundation"),
        ("national science foundation", "nsf"),
        ("lawyers", "law"),
        ("Grad", "graduate"),
        ("doctors", "physician"),
        ("u s", "america"),
        ("germany", "german"),
        ("TX", "texas"),
        ("MD", "maryland"),
        ("MD", "medicine"),
        ("PA", "physician assistant"),
        ("IT", "computer science"),
        ("mothers", "single parent"),
        ("adhd", "disability"),
    ],
)
def test_a_word_has_its_synonyms(asked: str, also: str) -> None:
    assert also in synonyms_of(asked)


def test_the_longest_entry_is_taken() -> None:
    found = BUILT_IN.find_entry("for computer science students".split(), at=1)
    assert found is not None
    assert (found.word_count, ("technology",) in found.synonyms) == (2, True)
    assert "computer science" not in synonyms_of("computer science")


def test_one_way_synonyms_work_in_one_direction() -> None:
    assert "technology" in synonyms_of("computer science")
    assert "computer science" not in synonyms_of("technology")


def test_only_capital_letters_stand_for_a_state() -> None:
    assert synonyms_of("OR") == {"oregon"}
    assert synonyms_of("or") == synonyms_of("in") == synonyms_of("me") == set()
    assert synonyms_of("it") == set()


def test_all_states_of_the_vocabulary_but_small_islands_have_names() -> None:
    assert set(STATE_NAMES) == STATES - {"AS", "GU", "MP", "VI"}


def test_a_misleading_word_is_marked() -> None:
    found = BUILT_IN.find_entry(["doctor"], at=0)
    assert found is not None
    assert found.is_misleading


def test_entries_and_noise_are_written_in_the_singular() -> None:
    assert all(singular(word) == word for word in (*BUILT_IN.single_words(), *NOISE))
    assert not NOISE & set(BUILT_IN.single_words())
    assert is_noise("Scholarships")
    assert not is_noise("nursing")
