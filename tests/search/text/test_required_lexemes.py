"""The lexemes of which a tsquery requires one."""

import pytest

from scholarship_api.search.text.required_lexemes import BEGINNING, WHOLE, lexemes, parse, rarest

AWARDS = {"a": 1, "b": 5, "c": 2, "it's": 3}


def rarest_of(match: str) -> tuple[float, set[str]] | None:
    found = rarest(parse(match), lambda required: AWARDS.get(required[1], 100))
    return None if found is None else (found[0], {letters for _, letters in found[1]})


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("'a'", (1, {"a"})),
        ("'b' & 'a'", (1, {"a"})),
        ("'a' | 'b'", (6, {"a", "b"})),
        ("('a'|'c')&'b'", (3, {"a", "c"})),
        ("'b'|'a'&'c'", (6, {"a", "b"})),
        ("'b'<2>'c'", (2, {"c"})),
        # One lexeme for both parts is cheaper than the cheapest one of each.
        ("'b'&'x'|'b'&'it''s'|'b'&'c'", (5, {"b"})),
        ("!('a')&'b'", (5, {"b"})),
        ("'b'&!!'a'", (5, {"b"})),
        ("('b')|(('c'&'x')|'nurse':*)", (107, {"b", "c", "nur"})),
        ("'it''s'", (3, {"it's"})),
        ("'b'&'nu':*", (5, {"b"})),
    ],
)
def test_the_rarest_required_lexemes(match: str, expected: tuple[float, set[str]]) -> None:
    assert rarest_of(match) == expected


@pytest.mark.parametrize("match", ["!'a'", "'a'|!'b'", "'nu':*", "'a'|'nu':*", "!('a'|'b')&!'c'"])
def test_nothing_is_required(match: str) -> None:
    assert rarest_of(match) is None


def test_a_prefix_is_known_by_its_first_letters() -> None:
    assert set(lexemes(parse("'nursing':*|'nur'"))) == {(BEGINNING, "nur"), (WHOLE, "nur")}


@pytest.mark.parametrize("match", ["", "'a'&", "('a'", "'a')", "a", "'a", "'a' 'b'"])
def test_a_text_that_is_no_tsquery_is_refused(match: str) -> None:
    with pytest.raises(ValueError, match="tsquery"):
        parse(match)
