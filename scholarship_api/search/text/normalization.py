"""The characters of a query, as `plain_words` in PostgreSQL leaves those of an award."""

import re
import unicodedata
from typing import Final

from scholarship_api.catalogue.word_boundaries import APOSTROPHES, HYPHENS, IGNORED

_IGNORED: Final = re.compile(f"[{IGNORED}]+")
_PLAIN_SIGNS: Final = str.maketrans(dict.fromkeys(APOSTROPHES, "'") | dict.fromkeys(HYPHENS, "-"))
_WORD: Final = re.compile(r"[^\W\d_]{2,}")

_MIN_WORDS_IN_CAPITALS: Final = 2
"""A single word in capitals is an abbreviation."""


def visible_text(text: str) -> str:
    """The text without marks and invisible characters, with plain apostrophes and hyphens."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    text = _IGNORED.sub("", text.translate(_PLAIN_SIGNS))
    # Fractions and numbers in circles are digits to Python and signs to PostgreSQL.
    return "".join(" " if unicodedata.category(sign) == "No" else sign for sign in text)


def is_in_capitals(text: str) -> bool:
    """Whether all words are in capitals, which then tell nothing about single words."""
    words = _WORD.findall(text)
    return len(words) >= _MIN_WORDS_IN_CAPITALS and all(word.isupper() for word in words)
