"""Finds out what the words of a query stand for in this catalogue: stems, completions, corrections
and synonyms."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.search import limits
from scholarship_api.search.snapshot import Snapshot, TermStatistics
from scholarship_api.search.text import dictionary, parser, spellings, tsquery
from scholarship_api.search.text.english import is_english
from scholarship_api.search.text.parser import Query, Word
from scholarship_api.search.text.spellcheck import corrections
from scholarship_api.search.text.synonyms import SynonymEntry, SynonymTable, is_noise
from scholarship_api.search.text.tsquery import ExpandedTerm, Synonym, SynonymGroup, TextQuery
from scholarship_api.search.text.weights import (
    MISLEADING_WORD_BOOST,
    SYNONYM_BOOST,
    inverse_document_frequency,
)

_CONTRACTED: Final = re.compile(r"'(?:t|re|ve|ll|d|m)\b", re.IGNORECASE)
"""The ends of contractions, which follow a word that is none by itself: isn't, they've."""

SynonymTerms = dict[str, TermStatistics]
"""The statistics of the words of synonyms."""


async def analyse(
    snapshot: Snapshot,
    q: str,
    *,
    correct: bool = True,
    preferred: Collection[str] = (),
) -> TextQuery | None:
    """The query as tsquery texts; None when there is nothing to search for.

    Misspelt words are corrected unless `correct` is False. Awards without the `preferred` words,
    which are in small letters, are found too, unless the query has no others. Raises
    ValidationFailed for too many words, or words with too many variants.
    """
    try:
        query = parser.parse(q)
    except ValueError as error:
        raise ValidationFailed.of("q", str(error)) from None
    if not query.clauses:
        return None
    rules = await snapshot.rules()
    table = rules.synonyms
    texts = {word: word.text for word in query.words}
    entries = _synonym_entries(query, texts, table)
    statistics, synonym_terms = await _look_up(snapshot, query, entries, table)
    terms = {
        word: _expand(found)._replace(is_preferred=word.text.lower() in preferred)
        for word, found in statistics.items()
    }
    misspelt = _misspelt_words(query, statistics, entries) if correct else []
    uncorrected = None
    if misspelt:
        respelt = _respelt_words(query, misspelt, statistics, rules.never_corrected)
        corrected = await corrections(
            snapshot.fetch, query, misspelt, statistics, respelt=respelt, synonyms=table
        )
        if corrected:
            if _has_meaningful_words(statistics):
                uncorrected = _without(terms, corrected)
            terms |= corrected
            texts |= {
                word: term.correction
                for word, term in corrected.items()
                if term.correction is not None
            }
            entries = _synonym_entries(query, texts, table)
            synonym_terms |= await _look_up_new(snapshot, entries, looked_up=synonym_terms)
    awards = next(iter(statistics.values())).awards
    groups = _synonym_groups(entries, terms, synonym_terms)
    text = tsquery.compile_query(query, terms, groups, awards=awards, uncorrected=uncorrected)
    if text is not None and not text.is_within_bounds:
        raise ValidationFailed.of("q", "has too many words and synonyms; use fewer words")
    return text


async def absent_synonyms(snapshot: Snapshot, q: str) -> list[tuple[str, ...]]:
    """The lexemes of each synonym of a word of the query that no award contains. A query does not
    search for them until an award has them."""
    query = parser.parse(q)
    table = (await snapshot.rules()).synonyms
    entries = _synonym_entries(query, {word: word.text for word in query.words}, table)
    terms = await _look_up_new(snapshot, entries, looked_up={})
    absent = [
        tuple(term.lexeme for word in text if (term := terms[word]).lexeme)
        for entry in entries.values()
        for text in entry.synonyms
        if not all(terms[word].is_recognised for word in text)
    ]
    return [lexemes for lexemes in dict.fromkeys(absent) if lexemes]


async def _look_up(
    snapshot: Snapshot,
    query: Query,
    entries: Mapping[Word, SynonymEntry],
    table: SynonymTable,
) -> tuple[dict[Word, TermStatistics], SynonymTerms]:
    """The statistics of the words of the query, and of their synonyms, in one round trip."""
    typed = list(query.words)
    synonymous = _words_of(entries)
    last = query.prefix_word
    is_whole = last is None or is_noise(last.text) or table.is_entry(last.text)
    found = await dictionary.look_up(
        snapshot,
        [*(word.text for word in typed), *synonymous],
        completed=None if is_whole else len(typed) - 1,
    )
    return (
        dict(zip(typed, found, strict=False)),
        dict(zip(synonymous, found[len(typed) :], strict=True)),
    )


async def _look_up_new(
    snapshot: Snapshot, entries: Mapping[Word, SynonymEntry], *, looked_up: SynonymTerms
) -> SynonymTerms:
    new = [word for word in _words_of(entries) if word not in looked_up]
    return dict(zip(new, await dictionary.look_up(snapshot, new), strict=True))


def _synonym_entries(
    query: Query, texts: Mapping[Word, str], table: SynonymTable
) -> dict[Word, SynonymEntry]:
    """The entries of the table of synonyms for the plain words, by the first word of each."""
    plain = query.plain_words
    typed = [texts[word] for word in plain]
    found: dict[Word, SynonymEntry] = {}
    at = count = 0
    while at < len(plain) and count < limits.MAX_SYNONYMS:
        entry = table.find_entry(typed, at=at)
        if entry is None:
            at += 1
            continue
        found[plain[at]] = entry
        count += len(entry.synonyms)
        at += entry.word_count
    return _with_other_spellings(query, found)


def _with_other_spellings(
    query: Query, entries: Mapping[Word, SynonymEntry]
) -> dict[Word, SynonymEntry]:
    """The entries, and those of words that are written as one or as two."""
    plain = query.plain_words
    found = dict(entries)
    covered = {
        word: first
        for first, entry in found.items()
        for word in plain[plain.index(first) : plain.index(first) + entry.word_count]
    }
    for first, spelling in spellings.other_spellings(query):
        at = plain.index(first)
        words = plain[at : at + spelling.word_count]
        entry = found.get(first)
        if entry is not None and entry.word_count == spelling.word_count:
            found[first] = replace(entry, synonyms=entry.synonyms + spelling.synonyms)
            continue
        last = words[-1]
        if first not in covered and covered.get(last) == last and spellings.is_joined(query, first):
            # In pre-law, law is no word by itself.
            del covered[last]
            del found[last]
        if not any(word in covered for word in words):
            found[first] = spelling
            covered |= dict.fromkeys(words, first)
    return found


def _words_of(entries: Mapping[Word, SynonymEntry]) -> list[str]:
    texts = (text for entry in entries.values() for text in entry.synonyms)
    return list(dict.fromkeys(word for text in texts for word in text))


def _expand(statistics: TermStatistics) -> ExpandedTerm:
    """The term of a word. One that no award contains is replaced by its completions, if any."""
    word = statistics.folded
    is_replaced = bool(statistics.completions) and not statistics.is_recognised
    documents = statistics.documents + statistics.prefix_documents
    return ExpandedTerm(
        lexeme=None if is_replaced else statistics.lexeme,
        weight=_weight(statistics),
        share=min(1.0, documents / statistics.awards),
        completions=statistics.completions,
        is_optional=is_noise(word) or _is_optional_number(word),
    )


def _is_optional_number(word: str) -> bool:
    """Whether the word is an amount or a year: 5000, 5k."""
    if word.isdigit():
        return len(word) >= limits.OPTIONAL_NUMBER_DIGITS
    return word.endswith("k") and word[:-1].isdigit()


def _weight(statistics: TermStatistics) -> float:
    return inverse_document_frequency(documents=statistics.documents, awards=statistics.awards)


def _misspelt_words(
    query: Query,
    statistics: Mapping[Word, TermStatistics],
    entries: Mapping[Word, SynonymEntry],
) -> list[Word]:
    """The first words that no award contains, that begin no other word, and that have no
    synonyms; at most MAX_CORRECTED_WORDS."""
    unknown = [
        word
        for word, found in statistics.items()
        if not found.is_recognised and not found.completions
    ]
    if not unknown:
        return []
    plain = query.plain_words
    with_synonyms = {
        word
        for first, entry in entries.items()
        for word in plain[plain.index(first) : plain.index(first) + entry.word_count]
    }
    excluded = {word for clause in query.clauses if clause.is_excluded for word in clause.words}
    misspelt = [word for word in unknown if word not in excluded and word not in with_synonyms]
    return misspelt[: limits.MAX_CORRECTED_WORDS]


def _respelt_words(
    query: Query,
    misspelt: Sequence[Word],
    statistics: Mapping[Word, TermStatistics],
    never_corrected: Collection[str],
) -> list[Word]:
    """The words that may stand for a word with other letters.

    Words with digits, words in capitals, the first part of a contraction, English words and those
    that operators have named are as they were meant. So are short words, unless they are all that
    the query has.
    """
    has_other_words = _has_meaningful_words(statistics)
    return [
        word
        for word in misspelt
        if not any(letter.isdigit() for letter in word.text)
        and not word.text.isupper()
        and not _is_contracted(query, word)
        and not is_english(statistics[word].folded)
        and statistics[word].folded not in never_corrected
        and (len(word.text) >= limits.MIN_CORRECTED_LETTERS or not has_other_words)
    ]


def _is_contracted(query: Query, word: Word) -> bool:
    return _CONTRACTED.match(query.text, word.end) is not None


def _has_meaningful_words(statistics: Mapping[Word, TermStatistics]) -> bool:
    """Whether some award contains a word that not nearly every award contains."""
    return any(
        found.is_recognised and found.lexeme is not None and not is_noise(found.folded)
        for found in statistics.values()
    )


def _without(
    terms: Mapping[Word, ExpandedTerm], corrected: Collection[Word]
) -> dict[Word, ExpandedTerm]:
    """The terms, of which the corrected words need not be found."""
    return {
        word: ExpandedTerm(None, is_optional=True) if word in corrected else term
        for word, term in terms.items()
    }


def _synonym_groups(
    entries: Mapping[Word, SynonymEntry],
    terms: Mapping[Word, ExpandedTerm],
    synonym_terms: SynonymTerms,
) -> dict[Word, SynonymGroup]:
    groups = {}
    typed = list(terms)
    for first, entry in entries.items():
        at = typed.index(first)
        own = [terms[word] for word in typed[at : at + entry.word_count]]
        found = [
            (synonym, _lowest_weight(text, synonym_terms))
            for text in entry.synonyms
            if (synonym := _synonym(text, synonym_terms)) is not None
            and [synonym.lexemes] != [(term.lexeme,) for term in own]
        ]
        if found:
            groups[first] = _synonym_group(entry, own, found)
        elif entry.word_count > 1 and (entry.is_whole or not entry.is_spelling):
            groups[first] = SynonymGroup(entry.word_count, ())
    return groups


def _synonym_group(
    entry: SynonymEntry, own: Sequence[ExpandedTerm], found: Sequence[tuple[Synonym, float]]
) -> SynonymGroup:
    weight = max(weight for _, weight in found)
    own_weights = [term.weight for term in own if term.lexeme]
    if own_weights:
        # A synonym that is rarer than the word of the query tells no more about an award than it.
        weight = min(weight, max(own_weights))
    boost = 1.0 if entry.is_misleading or entry.is_spelling else SYNONYM_BOOST
    return SynonymGroup(
        entry.word_count,
        tuple(dict.fromkeys(synonym for synonym, _ in found)),
        own_boost=MISLEADING_WORD_BOOST if entry.is_misleading else 1.0,
        synonym_weight=weight * boost,
        has_own_words=len(own_weights) == len(own) and not entry.is_misleading,
    )


def _lowest_weight(text: Sequence[str], synonym_terms: SynonymTerms) -> float:
    return min(_weight(synonym_terms[word]) for word in text if synonym_terms[word].lexeme)


def _synonym(text: Sequence[str], synonym_terms: SynonymTerms) -> Synonym | None:
    """The synonym as lexemes; None if no award can contain it."""
    found = [synonym_terms[word] for word in text]
    lexemes = tuple(term.lexeme for term in found if term.lexeme)
    if not lexemes or not all(term.is_recognised for term in found):
        return None
    phrase = tsquery.phrase([term.lexeme for term in found]) if len(lexemes) > 1 else None
    return Synonym(lexemes, phrase)
