"""The words of a query that may be kept."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scholarship_api.search.known_words import (
    MAX_QUERY_CHARACTERS,
    MAX_WORDS,
    candidate_words,
    join_known,
)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("Nursing", ["nursing"]),
        ("  nursing   SCHOLARSHIPS ", ["nursing", "scholarships"]),
        ('"first generation" -loans', ["first", "generation", "loans"]),
        ("engineering, (STEM)!", ["engineering", "stem"]),
        ("african-american and/or latina", ["african", "american", "and", "or", "latina"]),
        ("women\u2019s studies", ["women", "studies"]),
        ("\uff4e\uff55\uff52\uff53\uff49\uff4e\uff47", ["nursing"]),
        ("\u00e9tudes \u0141\u00f3d\u017a", ["\u00e9tudes", "\u0142\u00f3d\u017a"]),
        ("a i", []),
    ],
)
def test_words_of_letters_are_candidates(typed: str, words: list[str]) -> None:
    assert candidate_words(typed) == words


@pytest.mark.parametrize(
    "secret",
    [
        "4111,1111,1111,1111",
        "078-05-1120",
        "(555)010-4477",
        "DE89370400440532013000",
        "sk_live_51habcdefghijklmnopqr",
        "x.y/reset?token=zm9vymfy",
        "hunter2",
        "P@ssw0rd",
        "jane.doe@example.org",
        "@jane",
        "#jane",
        "https://example.org/jane",
        "www.example.org",
        "2007-03-03",
        "3/3/2007",
        "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "jane_doe",
        "a=b",
        "c:\\users\\jane",
        "x" * 41,
    ],
)
def test_pieces_with_other_signs_are_left_out_as_a_whole(secret: str) -> None:
    assert candidate_words(f"law {secret} nursing") == ["law", "nursing"]


@given(st.text(max_size=600))
@example("\ufdfa" * 512)
@example("\u200b".join("4111111111111111"))
def test_candidates_are_short_words_of_letters(text: str) -> None:
    words = candidate_words(text)
    assert len(words) <= MAX_WORDS
    for word in words:
        assert 2 <= len(word) <= 40
        assert not any(character.isdigit() or character.isspace() for character in word)
        assert word.isprintable()


def test_the_query_has_the_spelling_of_the_dictionary() -> None:
    known = {"law": "law", "\u0142\u00f3d\u017a": "lodz"}
    assert join_known(["jane", "law", "doe", "\u0142\u00f3d\u017a"], known) == "law lodz"
    assert join_known(["jane", "doe"], known) == ""


def test_a_long_query_is_cut_at_a_word() -> None:
    words = [f"{letter * 30}" for letter in "abcd"]
    query = join_known(words, {word: word for word in words})
    assert query == " ".join(words[:3])
    assert len(query) <= MAX_QUERY_CHARACTERS


@pytest.mark.parametrize("piece", ["a", "-", "a-", "1", "'", "\ufdfa", "(", "a/", "\u0301"])
def test_hostile_queries_take_time_in_proportion_to_their_length(piece: str) -> None:
    started = time.process_time()
    candidate_words(piece * 50_000)
    # About 0.2 s at most. In proportion to the square of the length it would be minutes.
    assert time.process_time() - started < 10
