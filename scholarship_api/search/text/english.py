"""English words beyond those of the catalogue: a word that is one of them is no misspelling."""

from functools import cache
from importlib import resources
from typing import Final

_FILE: Final = "english_words.txt"
"""66 000 words of at least three letters, one a line, in alphabetical order. Their source and their
licence stand in `english_words.NOTICE.txt`."""


def is_english(word: str) -> bool:
    """Whether the folded word is a common English word, or a common name.

    The list spells most words as the British do, so colors is looked up as colours, too. The text
    is searched as a whole, 20 us: a set of its words would take 5 MB in each worker.
    """
    if not word.isascii():
        return False
    return _is_listed(word) or ("or" in word and _is_listed(word.replace("or", "our")))


def _is_listed(word: str) -> bool:
    return f"\n{word}\n".encode() in _words()


@cache
def _words() -> bytes:
    return b"\n" + (resources.files(__package__) / _FILE).read_bytes()
