"""English words beyond those of the catalogue: a word that is one of them is no misspelling."""

from functools import cache
from importlib import resources
from typing import Final

_FILE: Final = "english_words.txt"
"""66 000 words of at least three letters, one a line, in alphabetical order. Their source and their
licence stand in `english_words.NOTICE.txt`."""


def is_english(word: str) -> bool:
    """Whether the folded word is a common English word, or a common name.

    The text is searched as a whole, 20 us: a set of its words would take 5 MB in each worker.
    """
    return word.isascii() and f"\n{word}\n".encode() in _words()


@cache
def _words() -> bytes:
    return b"\n" + (resources.files(__package__) / _FILE).read_bytes()
