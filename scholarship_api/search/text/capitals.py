"""Words that mean something else in capitals: US states by their postal codes, and IT.

Parsing leaves such a word in capitals only where it stands for a state or for information
technology. Everywhere else it is in small letters afterwards.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from scholarship_api.search.text.parser import Clause, Word

STATE_NAMES: Final = dict(
    line.split(None, 1)
    for line in """
    AL alabama
    AK alaska
    AZ arizona
    AR arkansas
    CA california
    CO colorado
    CT connecticut
    DE delaware
    DC district of columbia
    FL florida
    GA georgia
    HI hawaii
    ID idaho
    IL illinois
    IN indiana
    IA iowa
    KS kansas
    KY kentucky
    LA louisiana
    ME maine
    MD maryland
    MA massachusetts
    MI michigan
    MN minnesota
    MS mississippi
    MO missouri
    MT montana
    NE nebraska
    NV nevada
    NH new hampshire
    NJ new jersey
    NM new mexico
    NY new york
    NC north carolina
    ND north dakota
    OH ohio
    OK oklahoma
    OR oregon
    PA pennsylvania
    PR puerto rico
    RI rhode island
    SC south carolina
    SD south dakota
    TN tennessee
    TX texas
    UT utah
    VT vermont
    VA virginia
    WA washington
    WV west virginia
    WI wisconsin
    WY wyoming""".strip().splitlines()
)
"""The names of the states by their USPS codes."""

INFORMATION_TECHNOLOGY: Final = "IT"
"""In small letters it is a stop word."""

_FOLLOWING_IT: Final = frozenset(
    "scholarship scholarships student students major majors degree degrees program field fields"
    " career careers certification certifications training graduate graduates".split()
)
"""Words beside which "it" in small letters is information technology."""

_AMBIGUOUS: Final = frozenset("IN OR ME HI OK PA MA MD LA AL ID CO DE MS".split())
"""Codes that are words, titles or abbreviations too. They need a place where a state stands."""

_PLACE_WORDS: Final = frozenset({"in", "from", "of"})
"""Words that the name of a state follows."""

_AFTER_COMMA: Final = re.compile(r",\s*$")


def recognise(text: str, clauses: Sequence["Clause"]) -> list["Clause"]:
    """The clauses with the codes of states in capitals, and other such words in small letters."""
    plain = [
        word
        for clause in clauses
        if not clause.is_phrase and not clause.is_excluded
        for word in clause.words
    ]
    changed = {
        word: word._replace(text=changed_text)
        for word, changed_text in _changes(text, plain)
        if word.text != changed_text
    }
    if not changed:
        return list(clauses)
    return [
        clause._replace(words=tuple(changed.get(word, word) for word in clause.words))
        for clause in clauses
    ]


def _changes(text: str, plain: Sequence["Word"]) -> Iterator[tuple["Word", str]]:
    for at, word in enumerate(plain):
        code = word.text.upper()
        if code == INFORMATION_TECHNOLOGY:
            yield word, code if _is_technology(plain, at) else word.text.lower()
            continue
        if code not in STATE_NAMES:
            continue
        is_last = at + 1 == len(plain)
        is_in_place = bool(_AFTER_COMMA.search(text, 0, word.start)) or (
            at > 0 and plain[at - 1].text.lower() in _PLACE_WORDS
        )
        if _is_state(word, is_last=is_last, is_first=at == 0, is_in_place=is_in_place, text=text):
            yield word, code
        elif not _is_operator(word, is_last=is_last):
            yield word, word.text.lower()


def _is_state(word: "Word", *, is_last: bool, is_first: bool, is_in_place: bool, text: str) -> bool:
    is_ambiguous = word.text.upper() in _AMBIGUOUS
    is_typed_in_capitals = text[word.start : word.end].isupper()
    if word.text.isupper():
        # The query has small letters elsewhere, or it is this code alone.
        return not is_ambiguous or is_in_place or is_last
    if is_typed_in_capitals:  # as is the whole query
        return is_in_place or (is_last and not is_first and not is_ambiguous)
    follows_comma = bool(_AFTER_COMMA.search(text, 0, word.start))
    return is_last and (follows_comma or (is_in_place and not is_ambiguous))


def _is_technology(plain: Sequence["Word"], at: int) -> bool:
    """Whether "it" stands for information technology."""
    if plain[at].text == INFORMATION_TECHNOLOGY:
        return True
    before = plain[at - 1].text.lower() if at else "in"
    if at + 1 == len(plain):
        return at > 0 and before == "in"
    return plain[at + 1].text.lower() in _FOLLOWING_IT and before in ("in", "for", "an")


def _is_operator(word: "Word", *, is_last: bool) -> bool:
    return word.text == "OR" and not is_last
