"""Search queries as trends count them: one spelling for each, and nothing that names a person.

People paste all kinds of things into a search box. E-mail addresses, web addresses, telephone and
identity numbers, dates of birth, and tokens never reach the database.
"""

import re
import unicodedata
from typing import Final

MAX_LENGTH: Final = 100
"""Characters of a normalised query; what is longer is cut at a word."""

MAX_WORD_LENGTH: Final = 40
"""Longer ones are no words: keys, tokens, encoded data."""

_READ: Final = 512
"""Characters that are looked at, which is all that the search itself takes."""

_DIACRITICS: Final = re.compile("[\u0300-\u036f]")
# Six digits or more, however they are grouped: (555) 010-4477, 078-05-1120, 1/2/2003. Not by
# commas, so that $100,000 stays.
_NUMBER: Final = re.compile(r"[+(]?\d(?:[\s().+/_:-]{0,3}\d){5,}")
_EMAIL: Final = re.compile(r"(?:\S+ ?)?@(?: ?\S+)?")


def normalise(text: str) -> str:
    """Lower case, without accents, one space between words; empty when nothing is left to count.

    The result is its own normal form.
    """
    text = text[:_READ]
    # What one step removes can bring together what the next one has to remove.
    while (reduced := _reduced(text)) != text:
        text = reduced
    return text if any(character.isalnum() for character in text) else ""


def _reduced(text: str) -> str:
    words = [
        word
        for word in _folded(text).split()
        if len(word) <= MAX_WORD_LENGTH and "://" not in word and not word.startswith("www.")
    ]
    anonymous = _NUMBER.sub(" ", _EMAIL.sub(" ", " ".join(words)))
    return _cut(anonymous.split())


def _folded(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text.lower()  # all that the rest would do
    decomposed = unicodedata.normalize("NFKD", text)
    if len(decomposed) > _READ:  # One character can become 18.
        decomposed = decomposed[:_READ].rpartition(" ")[0]
    # Visible characters only: an invisible one inside a number would hide it.
    visible = "".join(
        " " if character.isspace() else character
        for character in decomposed
        if character.isspace() or character.isprintable()
    )
    caseless = unicodedata.normalize("NFKD", visible.casefold())
    return unicodedata.normalize("NFC", _DIACRITICS.sub("", caseless))


def _cut(words: list[str]) -> str:
    kept = ""
    for word in words:
        longer = f"{kept} {word}" if kept else word
        if len(longer) > MAX_LENGTH:
            break
        kept = longer
    return kept
