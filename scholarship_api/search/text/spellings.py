"""Words that are written as one or as several: premed, pre-med and pre med; K-12 and K12; M.B.A.
and MBA."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from scholarship_api.catalogue.search_index import JOINED_LETTERS
from scholarship_api.search import limits
from scholarship_api.search.text.parser import Query, Word
from scholarship_api.search.text.synonyms import SynonymEntry

_LETTERS_AND_DIGITS: Final = re.compile(r"([A-Za-z]+)([0-9]+)|([0-9]+)([A-Za-z]+)")
_ORDINAL_ENDINGS: Final = frozenset({"st", "nd", "rd", "th"})
_JOINING_SIGNS: Final = "-&"
_POSSESSIVE_ENDINGS: Final = frozenset("s t re ve ll d m".split())
NEVER_JOINED: Final = frozenset(
    "a an and are as at be by do for go he her his how i if in is it its me my no not of on or our"
    " s she so the to up us was we who you all any can get has have".split()
)
"""Words that stand beside every other word and begin or end none."""


_PREFIXES: Final = frozenset(
    "pre post non anti bio geo eco neuro co e re ex semi multi inter cyber agri tele".split()
)
"""Beginnings of words that many write apart."""
_INITIALS: Final = re.compile(r"(?<!\w)(?:[A-Za-z]\.){2,5}")


def other_spellings(query: Query) -> Iterator[tuple[Word, SynonymEntry]]:
    """Other spellings of plain words, each with the first word that it stands for. Where two of
    them share a word, the likelier one comes first."""
    plain = query.plain_words
    for word in plain:
        parted = _LETTERS_AND_DIGITS.fullmatch(word.text)
        if parted:
            texts = tuple(text.lower() for text in parted.groups() if text)
            if texts[-1] not in _ORDINAL_ENDINGS:
                yield word, SynonymEntry(1, (texts,), is_spelling=True)
    for initials in _INITIALS.finditer(query.text):
        letters = [word for word in plain if initials.start() <= word.start < initials.end()]
        if letters:
            joined = "".join(word.text for word in letters).lower()
            yield letters[0], SynonymEntry(len(letters), ((joined,),), is_spelling=True)
    pairs = [pair for pair in pairwise(plain) if _may_be_one_word(query, *pair)]
    for word, following in sorted(pairs, key=lambda pair: _unlikeliness(query, *pair)):
        joined = (word.text + following.text).lower()
        is_whole = query.text[word.end] in _JOINING_SIGNS
        yield word, SynonymEntry(2, ((joined,),), is_spelling=True, is_whole=is_whole)


def _unlikeliness(query: Query, word: Word, following: Word) -> int:
    """A sign and some beginnings join words. Otherwise, a short word rather begins a word than ends
    one."""
    if is_joined(query, word):
        return 0
    return 1 if len(word.text) <= len(following.text) else 2


def is_joined(query: Query, word: Word) -> bool:
    """Whether a sign, or what the word is, joins it to the next word."""
    return query.text[word.end] != " " or word.text.lower() in _PREFIXES


def _may_be_one_word(query: Query, word: Word, following: Word) -> bool:
    if following.start != word.end + 1:
        return False
    shorter = min(len(word.text), len(following.text))
    sign = query.text[word.end]
    if sign == "'":
        return following.text.lower() not in _POSSESSIVE_ENDINGS and shorter <= JOINED_LETTERS
    is_beginning = word.text.lower() in _PREFIXES
    if sign in _JOINING_SIGNS:
        return shorter <= JOINED_LETTERS or is_beginning
    return (
        sign == " "
        and (shorter <= limits.MAX_PARTED_LETTERS or is_beginning)
        and NEVER_JOINED.isdisjoint((word.text.lower(), following.text.lower()))
    )
