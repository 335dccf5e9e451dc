"""The table of other words for the same."""

import pytest

from scholarship_api.search.text.synonyms import (
    NOISE,
    STATE_NAMES,
    alternatives,
    entries,
    is_entry,
    is_noise,
    singular,
)
from scholarship_api.vocabulary import STATES


def said(text: str, *, at: int = 0) -> set[str]:
    found = alternatives(text.split(), at=at)
    return set() if found is None else {" ".join(words) for words in found.texts}


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
    ],
)
def test_what_is_asked_for_is_also_said_otherwise(asked: str, also: str) -> None:
    assert also in said(asked)


def test_the_longest_entry_is_taken() -> None:
    found = alternatives("for computer science students".split(), at=1)
    assert found is not None
    assert (found.length, ("technology",) in found.texts) == (2, True)
    assert "computer science" not in said("computer science")


def test_one_way_entries_hold_one_way() -> None:
    assert "technology" in said("computer science")
    assert "computer science" not in said("technology")


def test_only_capitals_are_a_state() -> None:
    assert said("OR") == {"oregon"}
    assert said("or") == said("in") == said("me") == set()


def test_states_are_those_of_the_contract_but_for_islands() -> None:
    assert set(STATE_NAMES) == STATES - {"AS", "GU", "MP", "VI"}


def test_a_word_that_stands_for_something_else_is_marked() -> None:
    found = alternatives(["doctor"], at=0)
    assert found is not None
    assert found.is_meant


def test_entries_and_noise_are_written_as_they_are_looked_up() -> None:
    assert all(singular(word) == word for word in (*entries(), *NOISE))
    assert not NOISE & set(entries())
    assert is_entry("Attorneys")
    assert is_noise("Scholarships")
    assert not is_noise("nursing")
