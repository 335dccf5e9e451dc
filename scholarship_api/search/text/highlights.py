"""Passages of an award in which the words of a query are marked.

PostgreSQL marks words by parsing and stemming each text, which took more than half of the time of
the statement that reads a page. Here the words to mark are given: those of the catalogue that have
a lexeme of the query. This works for texts in which a word is a row of digits and Latin letters
that each fold to one letter of ASCII. PostgreSQL marks the other texts, see `sql/summaries.py`.
Tests compare the marks, and the letters, of both.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from scholarship_api.catalogue.word_boundaries import APOSTROPHES, SEPARATORS
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

_JOINED: Final = re.compile(r"([a-z0-9]+)[-'&]([a-z0-9]+)")
"""Two words that are found as one, too: pre-med, O'Brien."""

_WORD: Final = re.compile(r"[a-z0-9]+")
_GAP: Final = " … "
_SENTENCE_END: Final = ". "


def _folded_letters() -> dict[str, str]:
    """The letters of Latin-1 and Latin Extended-A that are a letter of ASCII with a mark."""
    letters = map(chr, range(0xC0, 0x180))
    bases = {letter: unicodedata.normalize("NFD", letter)[0] for letter in letters}
    bases |= {"Ø": "O", "ø": "o", "Đ": "D", "đ": "d", "Ł": "L", "ł": "l"}
    return {letter: base for letter, base in bases.items() if base.isascii()}


FOLDED_LETTERS: Final = _folded_letters()

_FOLDING: Final = str.maketrans(FOLDED_LETTERS)
_OTHER: Final = re.compile(rf"[^\x00-\x7F{''.join(FOLDED_LETTERS)}{SEPARATORS}{APOSTROPHES}]")


def can_mark(texts: str) -> bool:
    """Whether `highlighter` finds the words of these texts."""
    return texts.isascii() or _OTHER.search(texts) is None


def stems(match: str) -> frozenset[str]:
    """The lexemes of a tsquery that several words may have."""
    return frozenset(lexeme for lexeme in lexemes_of(match) if not lexeme.startswith(_PARTED))


def highlighter(match: str, words: Iterable[str]) -> Callable[[str], str]:
    """A function that marks words in the joined texts of an award, and escapes them for HTML.

    `match` is a tsquery, and `words` are those of the catalogue with one of its `stems`. Numbers
    and words that are told apart from others with their stem are lexemes themselves.
    """
    marked = frozenset(words) | {lexeme.removeprefix(_PARTED) for lexeme in lexemes_of(match)}

    def highlight(texts: str) -> str:
        folded = (texts if texts.isascii() else texts.translate(_FOLDING)).lower()
        present = [word for word in marked if word in folded]

        def passages_of(text: str, chosen: Sequence[int]) -> str:
            """The name, the organization and the chosen sentences; all if none is chosen."""
            name, organization, description = text.split(TEXT_SEPARATOR)
            if chosen:
                sentences = description.split(_SENTENCE_END)
                description = _GAP.join([sentences[place] for place in chosen])
            return " | ".join(filter(None, (name, organization, description)))

        # Most sentences do not even have the letters of the words.
        chosen = [
            place
            for place, sentence in enumerate(
                folded[folded.rindex(TEXT_SEPARATOR) + 1 :].split(_SENTENCE_END)
            )
            if any(word in sentence for word in present)
            and not marked.isdisjoint(_WORD.findall(sentence))
        ]
        passages, plain = passages_of(texts, chosen), passages_of(folded, chosen)
        words = list(_WORD.finditer(plain))
        places = [place for place, word in enumerate(words) if word.group() in marked]
        if not places:
            places = _places_of_joined(plain, words, marked)
        return _GAP.join(
            _written(passages, words, first, last, places)
            for first, last in _fragments(words, places)
        )

    return highlight


def _places_of_joined(
    folded: str, words: list[re.Match[str]], marked: Collection[str]
) -> list[int]:
    """The places of words that are marked together only."""
    starts = {
        found.start(part)
        for found in _JOINED.finditer(folded)
        if found[1] + found[2] in marked
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
        return len({words[place].group() for place in cluster}), len(cluster)

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
    """The words from `first` to `last` and what stands between them, escaped for HTML.

    `words` have the places of the words in the text, `places` are those to mark.
    """
    written: list[str] = []
    at = 0 if first == 0 else words[first].start()
    end = len(text) if last == len(words) - 1 else words[last].end()
    for place in places:
        if first <= place <= last:
            word = words[place]
            start, stop = word.span()
            written += (html.escape(text[at:start]), f"<mark>{text[start:stop]}</mark>")
            at = stop
    return "".join((*written, html.escape(text[at:end])))
