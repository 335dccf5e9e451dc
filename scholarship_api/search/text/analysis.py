"""What the words of a query mean in this catalogue: stems, completions, corrections, synonyms."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.search.snapshot import Entry, Source
from scholarship_api.search.text import dictionary, parser, synonyms, tsquery
from scholarship_api.search.text.parser import Query, Word
from scholarship_api.search.text.spellcheck import Slip, corrections
from scholarship_api.search.text.synonyms import Alternatives
from scholarship_api.search.text.tsquery import Meaning, Synonym, TextQuery, Unit

MAX_SYNONYMS: Final = 24
"""Of all words of a query together."""

OPTIONAL_DIGITS: Final = 4
"""A number this long is an amount or a year, which no award need name."""

Stems = dict[str, Entry]
"""The words of the synonyms."""


async def understand(source: Source, q: str) -> TextQuery | None:
    """None when `q` holds nothing to look for. Raises ValidationFailed for too many words."""
    try:
        query = parser.parse(q)
    except ValueError as error:
        raise ValidationFailed.of("q", str(error)) from None
    if not query.clauses:
        return None
    texts = {word: word.text for word in query.words}
    said = _otherwise(query, texts)
    entries, stems = await _look_up(source, query, said)
    meanings = {word: _meaning(entry) for word, entry in entries.items()}
    slips = _slips(query, entries, said)
    if slips:
        corrected = await corrections(source.fetch, query, slips)
        if corrected:
            meanings |= corrected
            texts |= {
                word: meaning.correction
                for word, meaning in corrected.items()
                if meaning.correction is not None
            }
            said = _otherwise(query, texts)
            stems |= await _stems(source, said, known=stems)
    awards = next(iter(entries.values())).awards
    units = _units(said, meanings, stems)
    return tsquery.compile_query(query, meanings, units, awards=awards)


async def _look_up(
    source: Source, query: Query, said: Mapping[Word, Alternatives]
) -> tuple[dict[Word, Entry], Stems]:
    typed = list(query.words)
    synonymous = _words_of(said)
    last = query.prefix_word
    entries = await dictionary.look_up(
        source,
        [*(word.text for word in typed), *synonymous],
        completed=None if last is None or synonyms.is_noise(last.text) else len(typed) - 1,
    )
    return (
        dict(zip(typed, entries, strict=False)),
        dict(zip(synonymous, entries[len(typed) :], strict=True)),
    )


async def _stems(source: Source, said: Mapping[Word, Alternatives], *, known: Stems) -> Stems:
    new = [word for word in _words_of(said) if word not in known]
    return dict(zip(new, await dictionary.look_up(source, new), strict=True))


def _otherwise(query: Query, texts: Mapping[Word, str]) -> dict[Word, Alternatives]:
    """What the table of synonyms says of the plain words, by the first word of each entry."""
    plain = query.plain_words
    typed = [texts[word] for word in plain]
    found: dict[Word, Alternatives] = {}
    at = count = 0
    while at < len(plain) and count < MAX_SYNONYMS:
        entry = synonyms.alternatives(typed, at=at)
        if entry is None:
            at += 1
            continue
        found[plain[at]] = entry
        count += len(entry.texts)
        at += entry.length
    return found


def _words_of(said: Mapping[Word, Alternatives]) -> list[str]:
    texts = (text for entry in said.values() for text in entry.texts)
    return list(dict.fromkeys(word for text in texts for word in text))


@lru_cache(maxsize=tsquery.MAX_REMEMBERED)
def _meaning(entry: Entry) -> Meaning:
    """A word that is not known is left to its completions, if it has any."""
    word = entry.folded
    return Meaning(
        lexeme=None if entry.completions and not entry.known else entry.lexeme,
        weight=_weight(entry),
        share=min(1.0, (entry.documents + entry.begun) / entry.awards),
        completions=entry.completions,
        is_optional=synonyms.is_noise(word) or (word.isdigit() and len(word) >= OPTIONAL_DIGITS),
    )


def _weight(entry: Entry) -> float:
    """Inverse document frequency, as in BM25 of Lucene 8 but without its halves."""
    return math.log1p(entry.awards / max(entry.documents, 1))


def _slips(
    query: Query, entries: Mapping[Word, Entry], said: Mapping[Word, Alternatives]
) -> list[Slip]:
    """The words that are in no award, begin none, and are in no entry of the synonyms."""
    unknown = [word for word, entry in entries.items() if not entry.known and not entry.completions]
    if not unknown:
        return []
    plain = query.plain_words
    explained = {
        word
        for first, entry in said.items()
        for word in plain[plain.index(first) : plain.index(first) + entry.length]
    }
    excluded = {word for clause in query.clauses if clause.is_excluded for word in clause.words}
    return [
        Slip(word, entries[word].folded, awards=entries[word].awards)
        for word in unknown
        if word not in excluded and word not in explained
    ]


def _units(
    said: Mapping[Word, Alternatives], meanings: Mapping[Word, Meaning], stems: Stems
) -> dict[Word, Unit]:
    units = {}
    typed = list(meanings)
    for first, entry in said.items():
        at = typed.index(first)
        own = [meanings[word] for word in typed[at : at + entry.length]]
        found = [
            (synonym, min(_weight(stems[word]) for word in text if stems[word].lexeme))
            for text in entry.texts
            if (synonym := _synonym(text, stems)) is not None
            and [synonym.lexemes] != [(meaning.lexeme,) for meaning in own]
        ]
        if found:
            # Another word that is rarer than the one that was asked for tells no more than it.
            weight = max(weight for _, weight in found)
            if any(meaning.lexeme for meaning in own):
                weight = min(weight, max(meaning.weight for meaning in own if meaning.lexeme))
            units[first] = Unit(
                entry.length,
                tuple(dict.fromkeys(synonym for synonym, _ in found)),
                own_weight=synonyms.MISLEADING if entry.is_meant else 1.0,
                weight=weight * (1.0 if entry.is_meant else synonyms.ALIKE),
                has_own_words=all(meaning.lexeme for meaning in own) and not entry.is_meant,
            )
        elif entry.length > 1:
            units[first] = Unit(entry.length, ())
    return units


def _synonym(text: Sequence[str], stems: Stems) -> Synonym | None:
    """None if no award can have it."""
    entries = [stems[word] for word in text]
    lexemes = tuple(entry.lexeme for entry in entries if entry.lexeme)
    if not lexemes or not all(entry.known for entry in entries):
        return None
    phrase = tsquery.phrase([entry.lexeme for entry in entries]) if len(lexemes) > 1 else None
    return Synonym(lexemes, phrase)
