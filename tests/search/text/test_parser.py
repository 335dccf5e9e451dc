"""The query language, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scholarship_api.search.limits import MAX_QUERY_WORDS
from scholarship_api.search.text.parser import Word, parse


def shape(text: str) -> list[tuple[list[str], bool, bool]]:
    return [
        ([word.text for word in clause.words], clause.is_phrase, clause.is_excluded)
        for clause in parse(text).clauses
    ]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("women engineering", [(["women"], False, False), (["engineering"], False, False)]),
        ('"women in" law', [(["women", "in"], True, False), (["law"], False, False)]),
        ("nursing -california", [(["nursing"], False, False), (["california"], False, True)]),
        ('-"new york"', [(["new", "york"], True, True)]),
        ("need-based", [(["need", "based"], False, False)]),
        ("-need-based", [(["need", "based"], True, True)]),
        ('"unclosed phrase', [(["unclosed", "phrase"], True, False)]),
        ("a_b%c", [(["a", "b", "c"], False, False)]),
        ("% _ \\ ' -- \x00", []),
        ('""', []),
        ("-", []),
    ],
)
def test_a_query_is_split_into_clauses(text: str, clauses: object) -> None:
    assert shape(text) == clauses


def test_only_a_plain_last_word_is_a_prefix() -> None:
    assert parse("law nurs").prefix_word == Word("nurs", 4)
    assert parse('law "nurs"').prefix_word is None
    assert parse("law -nurs").prefix_word is None
    assert parse("").prefix_word is None


def test_too_many_words_are_refused() -> None:
    parse(" ".join(["law"] * MAX_QUERY_WORDS))
    with pytest.raises(ValueError, match="at most 32 words"):
        parse(" ".join(["law"] * (MAX_QUERY_WORDS + 1)))


@given(st.text(max_size=200))
def test_every_string_is_a_query_and_words_know_their_positions(text: str) -> None:
    try:
        query = parse(text)
    except ValueError:
        return
    for word in query.words:
        assert query.text[word.start : word.end].casefold() == word.text.casefold()
