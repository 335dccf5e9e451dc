"""Corrections for words that no award contains: other spellings, missing and superfluous spaces."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.text import dictionary, edit_distance, synonyms
from scholarship_api.search.text.edit_distance import DictionaryTerm
from scholarship_api.search.text.parser import Query, Word
from scholarship_api.search.text.tsquery import ExpandedTerm
from scholarship_api.search.text.weights import inverse_document_frequency


@dataclass(frozen=True, slots=True)
class Misspelling:
    word: Word
    folded: str
    awards: float
    """The size of the catalogue."""


async def corrections(
    fetch: Fetch, query: Query, misspellings: Sequence[Misspelling]
) -> dict[Word, ExpandedTerm]:
    """The terms of the words that could be corrected, and of the neighbours joined to them."""
    misspellings = [
        each for each in misspellings if len(each.folded) <= limits.MAX_CORRECTED_LETTERS
    ]
    if not misspellings:
        return {}
    plain = query.plain_words
    pairs = {each.word: list(_pairs(each.word, plain)) for each in misspellings}
    spellings = {
        *(text for each in misspellings for text in edit_distance.edited(each.folded)),
        *(
            half
            for each in misspellings
            for pair in edit_distance.halves(each.folded)
            for half in pair
        ),
        *(_joined(pair) for found in pairs.values() for pair in found),
    }
    similar = await dictionary.similar(
        fetch, [each.folded for each in misspellings], spellings=sorted(spellings)
    )
    known = {term.word: term for term in similar}
    corrected: dict[Word, ExpandedTerm] = {}
    for misspelling in misspellings:
        if misspelling.word in corrected:
            continue
        joined = next((pair for pair in pairs[misspelling.word] if _joined(pair) in known), None)
        if joined is not None:
            first, second = joined
            corrected[first] = _corrected_term(known[_joined(joined)], misspelling)
            corrected[second] = ExpandedTerm(None, correction="")
            continue
        is_alone = len(list(query.words)) == 1
        term = _nearest_term(misspelling, known, is_alone=is_alone)
        if term is not None:
            corrected[misspelling.word] = term
    return corrected


def _pairs(word: Word, plain: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """The word with each neighbour from which one character, a space or a sign, separates it."""
    if word not in plain:
        return
    at = plain.index(word)
    for first, second in ((at, at + 1), (at - 1, at)):
        if first >= 0 and second < len(plain) and plain[second].start == plain[first].end + 1:
            yield plain[first], plain[second]


def _joined(pair: tuple[Word, Word]) -> str:
    return (pair[0].text + pair[1].text).casefold()


def _nearest_term(
    misspelling: Misspelling, known: Mapping[str, DictionaryTerm], *, is_alone: bool
) -> ExpandedTerm | None:
    synonym_words = (
        DictionaryTerm(word, "", 0) for word in synonyms.single_words() if word not in known
    )
    near = edit_distance.nearest(
        misspelling.folded,
        [*known.values(), *synonym_words],
        limit=1 + limits.MAX_OTHER_CORRECTIONS,
    )
    split = max(
        (
            pair
            for pair in edit_distance.halves(misspelling.folded)
            if all(half in known for half in pair)
        ),
        key=lambda pair: min(known[half].documents for half in pair),
        default=None,
    )
    if split is not None and (not near or near[0][0] > limits.MISSING_SPACE_COST):
        first, second = (known[half] for half in split)
        rarer = min(first, second, key=lambda half: half.documents)
        return ExpandedTerm(
            None,
            weight=_weight(rarer, misspelling),
            correction=f"{first.word} {second.word}",
            halves=(first.lexeme, second.lexeme),
        )
    if not near:
        return None
    (cost, best), *further = near
    # Other words of the query tell which of several corrections was intended. Without other words,
    # further corrections would only add unrelated awards.
    others = (
        ()
        if is_alone
        else tuple(
            other.lexeme
            for other_cost, other in further
            if other.lexeme not in ("", best.lexeme) and other_cost <= cost + limits.MAX_EXTRA_COST
        )
    )
    return _corrected_term(best, misspelling, others=others)


def _corrected_term(
    term: DictionaryTerm, misspelling: Misspelling, *, others: tuple[str, ...] = ()
) -> ExpandedTerm:
    return ExpandedTerm(
        term.lexeme or None,
        weight=_weight(term, misspelling),
        correction=term.word,
        others=tuple(dict.fromkeys(others)),
        is_optional=synonyms.is_noise(term.word),
    )


def _weight(term: DictionaryTerm, misspelling: Misspelling) -> float:
    return inverse_document_frequency(documents=term.documents, awards=misspelling.awards)
