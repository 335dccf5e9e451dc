"""The words of a search query that may be kept.

People paste all kinds of things into a search box: names, card numbers, passwords, addresses. A
list of things to remove is never complete, so only words that the service knows anyway are kept:
words of the catalogue, of the synonym table and of the enumerations. `candidate_words` finds what
could be such a word; the dictionary says which ones are.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.text import dictionary
from scholarship_api.vocabulary import FIELD_ALIASES, FieldOfStudy, GradeLevel, ScholarshipType

MAX_INPUT_CHARACTERS: Final = 512
"""Characters of a query that are read, which is all that the search itself reads."""

MAX_WORDS: Final = 12
"""Words that are kept. Longer queries are sentences rather than searches."""

MAX_WORD_CHARACTERS: Final = 40
"""The longest word that the catalogue's dictionary holds."""

MAX_QUERY_CHARACTERS: Final = 100
"""The limit of all kept words of a query together; the table's column has the same."""

# Letters, which hyphens, apostrophes and slashes may join. A piece with a digit or any other sign
# is left out as a whole: it may be a part of a number, an address or a password.
_PIECE: Final = re.compile(r"[^\W\d_]+(?:[-'’/][^\W\d_]+)*")  # noqa: RUF001
_JOINTS: Final = re.compile(r"[-'’/]")  # noqa: RUF001
_PUNCTUATION: Final = "\"'“”‘’.,;:!?()[]{}*+-"  # noqa: RUF001

_VOCABULARY: Final = frozenset(
    word
    for value in (*FieldOfStudy, *FIELD_ALIASES, *ScholarshipType, *GradeLevel)
    for word in value.split("_")
)
"""The words of the enumerations, which the catalogue may lack."""


async def known_query(snapshot: Snapshot, q: str | None) -> str:
    """The known words of a query, in the spelling of the dictionary; empty when none is known."""
    if not q:
        return ""
    words = candidate_words(q)
    table = (await snapshot.rules()).synonyms
    known = {word: word for word in words if word in _VOCABULARY or table.contains(word)}
    known |= await dictionary.spellings(snapshot, [word for word in words if word not in known])
    return join_known(words, known)


def candidate_words(text: str) -> list[str]:
    """The pieces of a query that consist of letters alone, in lower case and in their order."""
    folded = unicodedata.normalize("NFKC", text[:MAX_INPUT_CHARACTERS])[:MAX_INPUT_CHARACTERS]
    words: list[str] = []
    for piece in folded.casefold().split():
        stripped = piece.strip(_PUNCTUATION)
        if _PIECE.fullmatch(stripped):
            words += [
                word for word in _JOINTS.split(stripped) if 1 < len(word) <= MAX_WORD_CHARACTERS
            ]
    return words[:MAX_WORDS]


def join_known(words: Iterable[str], known: Mapping[str, str]) -> str:
    """The known words, one space between them; empty when none is known.

    `known` gives the spelling of the dictionary for each known word.
    """
    query = ""
    for word in words:
        if word not in known:
            continue
        longer = f"{query} {known[word]}" if query else known[word]
        if len(longer) > MAX_QUERY_CHARACTERS:
            break
        query = longer
    return query
