"""Passages of an award in which the words of a query are marked.

PostgreSQL marks words by parsing and stemming each text, which took more than half of the time of
the statement that reads a page. Here the words to mark are given: those of the catalogue that have
a lexeme of the query. This works for texts in ASCII, in which a word is a row of letters and
digits. PostgreSQL marks the other texts, see `sql/summaries.py`. A test compares the marks of both.
"""

import html
import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from scholarship_api.search.text.tsquery import lexemes_of

TEXT_SEPARATOR: Final = "\x1e"
"""Between the name, the organization and the description; no stored text contains it."""

MAX_FRAGMENTS: Final = 2
MAX_WORDS: Final = 24
"""The longest fragment; PostgreSQL is told the same."""
MIN_WORDS: Final = 8
"""The words shown of a text without any of the words."""

_PARTED: Final = "="
"""The sign of a word that is told apart from others with its stem."""

_JOINED: Final = re.compile(r"([A-Za-z0-9]+)[-'&]([A-Za-z0-9]+)")
"""Two words that are found as one, too: pre-med, O'Brien."""

_WORD: Final = re.compile(r"[A-Za-z0-9]+")
_GAP: Final = " … "


def stems(match: str) -> frozenset[str]:
    """The lexemes of a tsquery that several words may have."""
    return frozenset(lexeme for lexeme in lexemes_of(match) if not lexeme.startswith(_PARTED))


def highlighter(match: str, words: Iterable[str]) -> Callable[[str], str]:
    """A function that marks words in the joined texts of an award, and escapes them for HTML.

    `match` is a tsquery, and `words` are those of the catalogue with one of its `stems`. Numbers
    and words that are told apart from others with their stem are lexemes themselves.
    """
    marked = frozenset(words) | {lexeme.removeprefix(_PARTED) for lexeme in lexemes_of(match)}

    def has_marked(sentence: str) -> bool:
        lowered = sentence.lower()
        # Most sentences do not even have the letters of the words.
        return any(word in lowered for word in marked) and not marked.isdisjoint(
            _WORD.findall(lowered)
        )

    def highlight(texts: str) -> str:
        name, organization, description = texts.split(TEXT_SEPARATOR)
        sentences = _GAP.join(filter(has_marked, description.split(". "))) or description
        passages = " | ".join(filter(None, (name, organization, sentences)))
        words = list(_WORD.finditer(passages))
        places = [place for place, word in enumerate(words) if word.group().lower() in marked]
        if not places:
            passages = " | ".join(filter(None, (name, organization, description)))
            words = list(_WORD.finditer(passages))
            places = _places_of_joined(passages, words, marked)
        return _GAP.join(
            _written(passages, words, first, last, places)
            for first, last in _fragments(words, places)
        )

    return highlight


def _places_of_joined(text: str, words: list[re.Match[str]], marked: Collection[str]) -> list[int]:
    """The places of words that are marked together only."""
    starts = {
        found.start(part)
        for found in _JOINED.finditer(text)
        if (found[1] + found[2]).lower() in marked
        for part in (1, 2)
    }
    return [place for place, word in enumerate(words) if word.start() in starts]


def _fragments(words: list[re.Match[str]], places: list[int]) -> list[tuple[int, int]]:
    """The first and the last word of each fragment, of those that have the most words to mark."""
    if not places:
        return [(0, min(MIN_WORDS, len(words)) - 1)]
    clusters: list[list[int]] = []
    for place in places:
        if clusters and place - clusters[-1][0] < MAX_WORDS:
            clusters[-1].append(place)
        else:
            clusters.append([place])

    def different_words(cluster: list[int]) -> tuple[int, int]:
        return len({words[place].group().lower() for place in cluster}), len(cluster)

    best = sorted(sorted(clusters, key=different_words, reverse=True)[:MAX_FRAGMENTS])
    fragments: list[tuple[int, int]] = []
    for number, cluster in enumerate(best):
        spare = MAX_WORDS - (cluster[-1] - cluster[0] + 1)
        earliest = fragments[-1][1] + 1 if fragments else 0
        first = max(earliest, cluster[0] - spare // 2)
        latest = best[number + 1][0] - 1 if number + 1 < len(best) else len(words) - 1
        fragments.append((first, min(latest, first + MAX_WORDS - 1)))
    return fragments


def _written(
    text: str, words: list[re.Match[str]], first: int, last: int, places: list[int]
) -> str:
    """The words from `first` to `last` and what stands between them, escaped for HTML."""
    written: list[str] = []
    at = 0 if first == 0 else words[first].start()
    end = len(text) if last == len(words) - 1 else words[last].end()
    for place in places:
        if first <= place <= last:
            word = words[place]
            written += (html.escape(text[at : word.start()]), f"<mark>{word.group()}</mark>")
            at = word.end()
    return "".join((*written, html.escape(text[at:end])))
