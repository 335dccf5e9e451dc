"""What a search query becomes before it is counted."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scholarship_api.activity.normalisation import MAX_LENGTH, normalise


@pytest.mark.parametrize(
    ("typed", "counted"),
    [
        ("  Nursing \t Scholarships\n", "nursing scholarships"),
        ("ÉCOLE Ångström naïve", "ecole angstrom naive"),
        ("e\u0301cole", "ecole"),
        ("Straße", "strasse"),
        ("ｎｕｒｓｉｎｇ", "nursing"),  # noqa: RUF001 - full width
        ("\u0130stanbul", "istanbul"),
        ("हिन्दी", "हिन्दी"),
        ("한국", "한국"),
        ('"data science" -business', '"data science" -business'),
        ("nur\u200bsing \x00\x01", "nursing"),
        ("$100,000 awards of 2027", "$100,000 awards of 2027"),
        ("top 10", "top 10"),
        ("", ""),
        (" \t ", ""),
        ("?!", ""),
        # Nothing of a person.
        ("jane.doe@example.org nursing", "nursing"),
        ("Jane.Doe ＠ example.org", ""),  # noqa: RUF001
        ("mail jane@", "mail"),
        ("jane\u200b@example.org", ""),
        ("call (555) 010-4477 now", "call now"),
        ("+1 555.010.4477", ""),
        ("ssn 078-05-1120", "ssn"),
        ("born 1/2/2003", "born"),
        ("id 12\u200b34\u200b56", "id"),
        ("١٢٣٤٥٦٧", ""),
        ("①②③④⑤⑥⑦", ""),
        ("https://example.org/?token=abc nursing", "nursing"),
        ("www.example.org/jane nursing", "nursing"),
        ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0 nursing", "nursing"),
        # One removal brings together what another one has to remove.
        ("123 a@b 456", ""),
        ("a 12 @b 3456", "a 3456"),
        ("\ud800nursing", "nursing"),
    ],
)
def test_examples(typed: str, counted: str) -> None:
    assert normalise(typed) == counted


PIECES = st.sampled_from(
    [*"aÉß@٣9 .-+(/", "12", "345", "\u200b", "\u0301", "\u00a0", "＠", "://", "İ", "ﬁ", "\u212b"]  # noqa: RUF001
)
TEXTS = st.text() | st.lists(PIECES, max_size=60).map("".join)


@given(TEXTS)
@example("\u1e9b\u0323")
@example("\u0345\u03b1")
def test_properties(text: str) -> None:
    result = normalise(text)
    assert normalise(result) == result
    assert len(result) <= MAX_LENGTH
    assert result == " ".join(result.split())
    assert "@" not in result
    assert result.isprintable()
    assert not re.search(r"\d{6}", result)
    assert not re.search("[\u0300-\u036f]", unicodedata.normalize("NFD", result))
    result.encode()


@given(st.text("aéÉßzΩ й @1-", max_size=100))
def test_letter_case_and_spacing_do_not_matter(text: str) -> None:
    assert normalise(text.upper()) == normalise(text.lower()) == normalise(text)
    assert normalise(f" {text}\n".replace(" ", " \t")) == normalise(text)


@given(st.lists(st.text("abc", min_size=1, max_size=39), max_size=20))
def test_long_queries_are_cut_at_a_word(words: list[str]) -> None:
    kept = normalise(" ".join(words)).split()
    assert kept == words[: len(kept)]
    if len(kept) < len(words):
        assert len(" ".join(words[: len(kept) + 1])) > MAX_LENGTH


@pytest.mark.parametrize("piece", ["1-", "1" * 9 + " ", "a@", "@", "a" * 40 + " ", "\ufdfa", "1 ("])
def test_hostile_queries_take_no_time(piece: str) -> None:
    started = time.process_time()
    normalise(piece * 512)
    assert time.process_time() - started < 0.1
