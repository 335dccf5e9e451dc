"""English words beyond those of the catalogue: a word that is one of them is no misspelling."""

import re
from functools import cache
from importlib import resources
from typing import Final

_FILE: Final = "english_words.txt"
"""66 000 words of at least three letters, one a line, in alphabetical order. Their source and their
licence stand in `english_words.NOTICE.txt`."""


_WORDS_OF_ONE_BEGINNING: Final = re.compile(rb"^(..).*(?:\n\1.*)*", re.MULTILINE)
_BEGINNING: Final = 2
"""Letters by which the list is divided, so that little of it is searched for a word: 1 us."""


def is_english(word: str) -> bool:
    """Whether the folded word is a common English word, or a common name.

    The list spells most words as the British do, so colors is looked up as colours, too.
    """
    if not word.isascii():
        return False
    return _is_listed(word) or ("or" in word and _is_listed(word.replace("or", "our")))


def _is_listed(word: str) -> bool:
    listed = _lists().get(word[:_BEGINNING].encode())
    return listed is not None and f"\n{word}\n".encode() in listed


@cache
def _lists() -> dict[bytes, bytes]:
    """The words by their first letters, each list as one text: a set of them all would take 5 MB in
    each worker."""
    words = (resources.files(__package__) / _FILE).read_bytes()
    return {found[1]: b"\n" + found[0] + b"\n" for found in _WORDS_OF_ONE_BEGINNING.finditer(words)}
