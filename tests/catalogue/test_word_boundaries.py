"""The character classes agree with Unicode."""

import re
import unicodedata

import pytest

from scholarship_api.catalogue import word_boundaries

LETTERS = re.compile(r"[^\W_]")
SEPARATORS = re.compile(f"[{word_boundaries.SEPARATORS}]")
IGNORED = re.compile(f"[{word_boundaries.IGNORED}]")
IN_USE = [
    chr(code)
    for code in range(0x80, 0x10000)
    if unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")
]


def test_signs_part_words_and_marks_are_left_out() -> None:
    newer_than_the_tables = 20  # characters that a later version of Unicode has added
    unexpected = [sign for sign in IN_USE if _kind(sign) != _expected_kind(sign)]
    assert len(unexpected) <= newer_than_the_tables, unexpected


def _kind(sign: str) -> str:
    if SEPARATORS.match(sign):
        return "separator"
    return "ignored" if IGNORED.match(sign) else "letter"


def _expected_kind(sign: str) -> str:
    category = unicodedata.category(sign)
    if category[0] == "M" or category == "Cf":
        return "ignored"
    return "letter" if category[0] == "L" or category in ("Nd", "Nl") else "separator"


@pytest.mark.parametrize("sign", "文かカก")
def test_letters_of_scripts_without_spaces_are_known(sign: str) -> None:
    assert re.match(f"[{word_boundaries.UNSPACED}]", sign)


@pytest.mark.parametrize("sign", "aéßжשع한ह")
def test_other_letters_belong_to_words_with_spaces_between(sign: str) -> None:
    assert LETTERS.match(sign)
    assert not re.match(f"[{word_boundaries.UNSPACED}]", sign)
