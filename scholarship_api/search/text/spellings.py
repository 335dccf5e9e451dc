"""Words that are written as one or as two: premed, pre-med and pre med; K-12 and K12."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

from scholarship_api.catalogue.search_index import JOINED_LETTERS
from scholarship_api.search import limits
from scholarship_api.search.text.parser import Query, Word
from scholarship_api.search.text.synonyms import SynonymEntry

_LETTERS_AND_DIGITS: Final = re.compile(r"([A-Za-z]+)([0-9]+)|([0-9]+)([A-Za-z]+)")
_ORDINAL_ENDINGS: Final = frozenset({"st", "nd", "rd", "th"})
_JOINING_SIGNS: Final = "-&"
_POSSESSIVE_ENDINGS: Final = frozenset("s t re ve ll d m".split())
_NEVER_JOINED: Final = frozenset(
    "a an and are as at be by do for go he her his how i if in is it its me my no not of on or our"
    " she so the to up us was we who you all any can get has have".split()
)
"""Words that stand beside every other word and begin or end none."""


def other_spellings(query: Query) -> Iterator[tuple[Word, SynonymEntry]]:
    """Other spellings of plain words, each with the first word that it stands for."""
    plain = query.plain_words
    for word, following in zip_longest(plain, plain[1:]):
        parted = _LETTERS_AND_DIGITS.fullmatch(word.text)
        if parted:
            texts = tuple(text.lower() for text in parted.groups() if text)
            if texts[-1] not in _ORDINAL_ENDINGS:
                yield word, SynonymEntry(1, (texts,), is_spelling=True)
        if following is not None and _may_be_one_word(query, word, following):
            joined = (word.text + following.text).lower()
            is_whole = query.text[word.end] in _JOINING_SIGNS
            yield word, SynonymEntry(2, ((joined,),), is_spelling=True, is_whole=is_whole)


def _may_be_one_word(query: Query, word: Word, following: Word) -> bool:
    if following.start != word.end + 1:
        return False
    shorter = min(len(word.text), len(following.text))
    sign = query.text[word.end]
    if sign == "'":
        return following.text.lower() not in _POSSESSIVE_ENDINGS and shorter <= JOINED_LETTERS
    if sign in _JOINING_SIGNS:
        return shorter <= JOINED_LETTERS
    return (
        sign == " "
        and shorter <= limits.MAX_PARTED_LETTERS
        and not {word.text.lower(), following.text.lower()} & _NEVER_JOINED
    )
