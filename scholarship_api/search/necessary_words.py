"""The words without which an award cannot be a result of a search.

They are a tsquery that every award with the words of the search satisfies, now and after the words
of the catalogue have changed: a word that no award had may be there tomorrow, and then it is not
corrected or completed as it is today. Stored searches keep the tsquery, so that a changed award is
compared with few of them.
"""

from typing import Final

from scholarship_api.search.schemas import SearchRequest
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.search.text import dictionary, parser
from scholarship_api.search.text.analysis import absent_synonyms, analyse
from scholarship_api.search.text.interpretation import interpret
from scholarship_api.search.text.tsquery import quote

MAX_CHARACTERS: Final = 8_000
"""The length of the tsquery. A longer one saves little, and counts as none."""

STEM_LETTERS: Final = 3
"""The first letters of a word, which its stem has too: `nur` of nursing and nurs."""


async def necessary_words(snapshot: Snapshot, request: SearchRequest) -> str | None:
    """The tsquery; None for a search that an award without any of its words may satisfy.

    Raises ValidationFailed for a query that cannot be searched for.
    """
    if not request.q:
        return None
    texts = [request.q]
    preferred: frozenset[str] = frozenset()
    if request.interpret:
        understood = interpret(
            request.q, today=snapshot.now.date(), filters=SearchRequest.model_fields
        )
        if understood.phrases or understood.preferred_words:
            if not understood.q:
                return None
            texts.append(understood.q)
            preferred = frozenset(understood.preferred_words)
    found: list[str] = []
    for text in texts:
        # An unknown word is ignored or corrected, in a way that any new award may change.
        words = [word.text for word in parser.parse(text).words]
        statistics = await dictionary.look_up(snapshot, words)
        if not all(each.is_recognised for each in statistics):
            return None
        analysed = await analyse(snapshot, text, correct=False, preferred=preferred)
        if analysed is None:
            return None
        found.append(analysed.match)
        unfinished = await _with_unfinished_word(snapshot, text, preferred)
        if unfinished is None:
            return None
        found.append(unfinished)
        # A synonym that no award has is searched for as soon as an award has it.
        found += ["&".join(map(quote, each)) for each in await absent_synonyms(snapshot, text)]
    joined = "|".join(f"({match})" for match in dict.fromkeys(found) if match)
    return joined if joined and len(joined) <= MAX_CHARACTERS else None


async def _with_unfinished_word(
    snapshot: Snapshot, text: str, preferred: frozenset[str]
) -> str | None:
    """The words, of which the last one may be the beginning of any word; empty if it is not.

    None if its beginning says too little.
    """
    query = parser.parse(text)
    last = query.prefix_word
    if last is None:
        return ""
    letters = last.text.casefold()[:STEM_LETTERS]
    if len(letters) < STEM_LETTERS or not letters.isascii() or not letters.isalpha():
        return None
    beginning = f"{quote(letters)}:*"
    others = query.text[: last.start].strip()
    analysed = None
    if others:
        analysed = await analyse(snapshot, others, correct=False, preferred=preferred)
    return beginning if analysed is None else f"({analysed.match})&{beginning}"
