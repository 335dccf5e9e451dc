"""Corrections for words that no award contains: other spellings, missing and superfluous spaces."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search import limits
from scholarship_api.search.snapshot import TermStatistics
from scholarship_api.search.text import dictionary, edit_distance
from scholarship_api.search.text.edit_distance import DictionaryTerm
from scholarship_api.search.text.english import is_english
from scholarship_api.search.text.parser import Query, Word
from scholarship_api.search.text.spellings import NEVER_JOINED
from scholarship_api.search.text.synonyms import SynonymTable, is_noise
from scholarship_api.search.text.tsquery import ExpandedTerm
from scholarship_api.search.text.weights import inverse_document_frequency


async def corrections(
    fetch: Fetch,
    query: Query,
    misspelt: Sequence[Word],
    statistics: Mapping[Word, TermStatistics],
    *,
    respelt: Collection[Word],
    synonyms: SynonymTable,
) -> dict[Word, ExpandedTerm]:
    """The terms of the misspelt words that could be corrected, and of the neighbours joined to
    them.

    `statistics` has all words of the query. Only words of `respelt` get other letters; for all
    others, a space may be missing or superfluous.
    """
    folded = {word: found.folded for word, found in statistics.items()}
    misspelt = [word for word in misspelt if len(folded[word]) <= limits.MAX_CORRECTED_LETTERS]
    respelt = [word for word in misspelt if word in respelt]
    if not misspelt:
        return {}
    plain = query.plain_words
    pairs = {word: list(_pairs(word, plain)) for word in misspelt}
    spellings = {
        *(text for word in respelt for text in edit_distance.edited(folded[word])),
        *(
            half
            for word in misspelt
            for pair in edit_distance.halves(folded[word])
            for half in pair
        ),
        *(folded[first] + folded[second] for found in pairs.values() for first, second in found),
    }
    similar = await dictionary.similar(
        fetch, [folded[word] for word in respelt], spellings=sorted(spellings)
    )
    candidates = {term.word: term for term in similar}
    corrected: dict[Word, ExpandedTerm] = {}
    for word in misspelt:
        if word in corrected:
            continue
        awards = statistics[word].awards
        for first, second in pairs[word]:
            joined = candidates.get(folded[first] + folded[second])
            if joined is not None:
                corrected[first] = _corrected_term(joined, awards)
                corrected[second] = ExpandedTerm(None, correction="")
                break
        else:
            is_alone = len(statistics) == 1
            term = _nearest_term(
                folded[word],
                candidates,
                synonyms,
                awards=awards,
                is_alone=is_alone,
                is_respelt=word in respelt,
            )
            if term is not None:
                corrected[word] = term
    return corrected


def _pairs(word: Word, plain: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """The word with each neighbour from which one character, a space or a sign, separates it. Words
    such as "in" are parts of no other word."""
    if word not in plain:
        return
    at = plain.index(word)
    for first, second in ((at, at + 1), (at - 1, at)):
        if (
            first >= 0
            and second < len(plain)
            and plain[second].start == plain[first].end + 1
            and NEVER_JOINED.isdisjoint((plain[first].text.lower(), plain[second].text.lower()))
        ):
            yield plain[first], plain[second]


def _nearest_term(
    folded: str,
    candidates: Mapping[str, DictionaryTerm],
    synonyms: SynonymTable,
    *,
    awards: float,
    is_alone: bool,
    is_respelt: bool,
) -> ExpandedTerm | None:
    synonym_words = (
        DictionaryTerm(word, "", 0) for word in synonyms.single_words() if word not in candidates
    )
    near = (
        edit_distance.nearest(
            folded, [*candidates.values(), *synonym_words], limit=1 + limits.MAX_OTHER_CORRECTIONS
        )
        if is_respelt
        else []
    )
    # An English word is whole, such as percentage.
    whole = is_english(folded)
    split = max(
        (
            pair
            for pair in edit_distance.halves(folded)
            if not whole and all(half in candidates for half in pair)
        ),
        key=lambda pair: min(candidates[half].documents for half in pair),
        default=None,
    )
    if split is not None and (not near or near[0][0] > limits.MISSING_SPACE_COST):
        first, second = (candidates[half] for half in split)
        rarer = min(first, second, key=lambda half: half.documents)
        return ExpandedTerm(
            None,
            weight=inverse_document_frequency(documents=rarer.documents, awards=awards),
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
    return _corrected_term(best, awards, others=others)


def _corrected_term(
    term: DictionaryTerm, awards: float, *, others: tuple[str, ...] = ()
) -> ExpandedTerm:
    return ExpandedTerm(
        term.lexeme or None,
        weight=inverse_document_frequency(documents=term.documents, awards=awards),
        correction=term.word,
        others=tuple(dict.fromkeys(others)),
        is_optional=is_noise(term.word),
    )
