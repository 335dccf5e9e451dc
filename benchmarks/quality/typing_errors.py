"""Misspellings that no one here wrote, and frequent words that must stay as they are.

The misspellings are those of the `codespell` dictionary whose correction is a word of the bundled
catalogue. The frequent words are the first FREQUENT_WORDS of `wordfreq`, which has other sources
than the search's own list of English words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

import wordfreq

from benchmarks.quality.snapshots import open_snapshot
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.text import dictionary
from scholarship_api.search.text.analysis import analyse

FREQUENT_WORDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Misspelling:
    typed: str
    intended: frozenset[str]
    """The words of the catalogue that may have been intended."""
    corrected: str | None
    """The word that is searched for instead; None if the typed one is."""
    is_found: bool
    """Whether the stem that is searched for is that of an intended word."""


@dataclass(frozen=True, slots=True)
class TypingErrors:
    misspellings: tuple[Misspelling, ...]
    wrongly_corrected: Mapping[str, str]
    """Frequent words, and the words that are searched for instead."""
    frequent_words: int

    @property
    def recall(self) -> float:
        """The share of misspellings for which the right stem is searched for."""
        found = sum(each.is_found for each in self.misspellings)
        return found / len(self.misspellings)

    @property
    def exact_recall(self) -> float:
        """The share of misspellings for which the intended word itself is proposed."""
        found = sum(each.corrected in each.intended for each in self.misspellings)
        return found / len(self.misspellings)

    @property
    def wrong_share(self) -> float:
        return len(self.wrongly_corrected) / self.frequent_words

    def recall_by_letters(self) -> dict[int, tuple[float, int]]:
        """The recall and the number of the misspellings of each length."""
        lengths = sorted({len(each.typed) for each in self.misspellings})
        groups = {
            length: [each.is_found for each in self.misspellings if len(each.typed) == length]
            for length in lengths
        }
        return {length: (sum(found) / len(found), len(found)) for length, found in groups.items()}


async def measure(database_url: str) -> TypingErrors:
    async with open_snapshot(database_url) as snapshot:
        rows = await snapshot.fetch("SELECT word, lexeme FROM search_words", {})
        stems = {word.decode(): lexeme.decode() for word, lexeme in rows}
        misspellings = [
            await _misspelling(snapshot, typed, intended, stems)
            for typed, intended in _misspellings_of(stems)
        ]
        frequent = wordfreq.top_n_list("en", FREQUENT_WORDS, ascii_only=True)
        wrong = {
            word: corrected
            for word in frequent
            if (corrected := await _correction(snapshot, word)) is not None
        }
    return TypingErrors(tuple(misspellings), wrong, len(frequent))


def _misspellings_of(stems: Mapping[str, str]) -> Iterator[tuple[str, frozenset[str]]]:
    """The misspellings with the words of the catalogue that each may stand for."""
    text = (resources.files("codespell_lib") / "data" / "dictionary.txt").read_text("utf-8")
    for line in text.lower().splitlines():
        typed, _, corrections = line.partition("->")
        intended = {word.strip() for word in corrections.split(",")} & stems.keys()
        if intended and typed.isalpha() and typed not in stems:
            yield typed, frozenset(intended)


async def _misspelling(
    snapshot: Snapshot, typed: str, intended: frozenset[str], stems: Mapping[str, str]
) -> Misspelling:
    corrected = await _correction(snapshot, typed)
    if corrected is None:
        [statistics] = await dictionary.look_up(snapshot, [typed])
        stem = statistics.lexeme
    else:
        stem = stems.get(corrected)
    is_found = stem in {stems[word] for word in intended}
    return Misspelling(typed, intended, corrected, is_found)


async def _correction(snapshot: Snapshot, word: str) -> str | None:
    text = await analyse(snapshot, word)
    return None if text is None else text.did_you_mean
