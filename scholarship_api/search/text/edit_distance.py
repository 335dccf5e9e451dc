"""Misspellings: which words may have been intended, and how near each is to what was typed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations, product
from typing import Final, NamedTuple

from scholarship_api.search import limits

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_CONFUSED: Final = frozenset(
    one + other
    for group in ("aeiouy", "cks", "sz", "mn", "fv", "gj", "td", "bp", "qk")
    for one, other in permutations(group, 2)
)
"""Pairs of letters that are confused with each other, by their sound or on the keyboard."""

# The fewest edits win; among as many edits, the lowest cost. One number holds both: 64 for each
# edit, and the cost in the remainder, which stays below 64.
_EDIT: Final = 64
_PLAIN_EDIT: Final = _EDIT + 1.0
_SWAPPED_NEIGHBOURS: Final = _EDIT + 0.8
_CONFUSED_LETTERS: Final = _EDIT + 0.7
_DOUBLED_LETTER: Final = _EDIT + 0.6
_WRONG_FIRST_LETTER: Final = 0.3
"""Added to the cost, because people seldom get the first letter wrong."""


@dataclass(frozen=True, slots=True)
class DictionaryTerm:
    """A word of the catalogue, or of the table of synonyms."""

    word: str
    lexeme: str
    documents: int
    """About how many awards contain it."""


class Distance(NamedTuple):
    edits: int
    cost: float
    """The number of edits, less a discount for those that people make often."""


def max_edits(word: str) -> int:
    """How many edits a word of this length may be away from the intended one."""
    for shorter_than, edits in limits.EDITS_BY_LETTERS:
        if len(word) < shorter_than:
            return edits
    return limits.MAX_EDITS


def edited(word: str) -> Iterator[str]:
    """Candidate spellings that an index of trigrams would miss, because they have few trigrams in
    common with the word.

    For a short word, all texts with one edit and those with two deletions or swaps; for a longer
    one, the texts with one deletion or swap.
    """
    yield from _shortened_or_swapped(word)
    if len(word) > limits.MAX_ENUMERATED_LETTERS:
        return
    for text in set(_shortened_or_swapped(word)):
        yield from _shortened_or_swapped(text)
    for at, letter in product(range(len(word) + 1), _LETTERS):
        yield word[:at] + letter + word[at:]
        yield word[:at] + letter + word[at + 1 :]


def _shortened_or_swapped(word: str) -> Iterator[str]:
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]


def halves(word: str) -> Iterator[tuple[str, str]]:
    """The word cut in two at each place where a space may be missing."""
    for at in range(limits.MIN_HALF_LETTERS, len(word) - limits.MIN_HALF_LETTERS + 1):
        yield word[:at], word[at:]


def nearest(
    typed: str, candidates: Iterable[DictionaryTerm], *, limit: int
) -> list[tuple[float, DictionaryTerm]]:
    """The candidates that are near enough for the word's length, each with its cost, nearest first.

    Of two equally near candidates the one that more awards contain comes first.
    """
    allowed = max_edits(typed)
    letters = frozenset(typed)
    if len(typed) <= limits.MAX_SWAPPED_ONLY_LETTERS:
        candidates = (term for term in candidates if sorted(term.word) == sorted(typed))
    near = []
    for term in candidates:
        # An edit changes the length by at most one, and the set of letters by at most two.
        if abs(len(term.word) - len(typed)) > allowed:
            continue
        if len(letters.symmetric_difference(term.word)) > 2 * allowed:
            continue
        found = distance(typed, term.word, at_most=allowed)
        if found is not None and found.edits > 0:
            near.append((found.cost - 0.1 * min(term.documents, 64) ** 0.25, found.cost, term))
    near.sort(key=lambda each: (each[0], each[2].word))
    return [(cost, term) for _, cost, term in near[:limit]]


def distance(typed: str, word: str, *, at_most: int) -> Distance | None:
    """The fewest edits from one word to the other; None if there are more than `at_most`.

    An edit is an inserted, deleted or replaced letter, or two swapped neighbours: optimal string
    alignment (Damerau-Levenshtein without editing a part twice). Boytsov, Indexing methods for
    approximate dictionary searching, 2011, section 2.2.
    """
    two_above: list[float] = []
    above = [column * _PLAIN_EDIT for column in range(len(word) + 1)]
    for row, letter in enumerate(typed, start=1):
        previous = typed[row - 2] if row > 1 else ""
        current = [row * _PLAIN_EDIT]
        deletion = _DOUBLED_LETTER if letter == previous else _PLAIN_EDIT
        for column, wanted in enumerate(word, start=1):
            if letter == wanted:
                best = above[column - 1]
            elif letter + wanted in _CONFUSED:
                best = above[column - 1] + _CONFUSED_LETTERS
            else:
                best = above[column - 1] + _PLAIN_EDIT
            wanted_before = word[column - 2] if column > 1 else ""
            insertion = _DOUBLED_LETTER if wanted == wanted_before else _PLAIN_EDIT
            best = min(best, above[column] + deletion, current[-1] + insertion)
            if letter == wanted_before and previous == wanted:
                best = min(best, two_above[column - 2] + _SWAPPED_NEIGHBOURS)
            current.append(best)
        if min(current) >= (at_most + 1) * _EDIT:
            return None
        two_above, above = above, current
    edits, cost = divmod(above[-1], _EDIT)
    if edits > at_most:
        return None
    wrong_first = _WRONG_FIRST_LETTER if typed[:1] != word[:1] else 0.0
    return Distance(int(edits), cost + wrong_first)
