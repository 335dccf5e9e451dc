"""Words that are in no award: what was meant, by spelling and by spaces too many or too few."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scholarship_api.platform.database.libpq import Fetch
from scholarship_api.search.text import dictionary, edit_distance, synonyms
from scholarship_api.search.text.edit_distance import Known
from scholarship_api.search.text.parser import Query, Word
from scholarship_api.search.text.tsquery import Meaning

MAX_OTHERS: Final = 3
"""Further words that may have been meant, beside the most likely one."""

AS_LIKELY: Final = 0.5
"""How much farther off than the nearest word they may be."""

SPACE: Final = 1.0
"""The cost of a space left out; that of a letter is 1 too."""


@dataclass(frozen=True, slots=True)
class Slip:
    word: Word
    folded: str
    awards: float
    """How many there are in the catalogue."""


async def corrections(
    fetch: Fetch,
    query: Query,
    slips: Sequence[Slip],
) -> dict[Word, Meaning]:
    """Meanings for the words that could be made out; those of a space too many also for the word
    beside."""
    slips = [slip for slip in slips if len(slip.folded) <= edit_distance.LONGEST]
    if not slips:
        return {}
    plain = query.plain_words
    pairs = {slip.word: list(_pairs(slip.word, plain)) for slip in slips}
    spellings = {
        *(text for slip in slips for text in edit_distance.slipped(slip.folded)),
        *(half for slip in slips for pair in edit_distance.halves(slip.folded) for half in pair),
        *(_joined(pair) for found in pairs.values() for pair in found),
    }
    similar = await dictionary.similar(
        fetch, [slip.folded for slip in slips], spellings=sorted(spellings)
    )
    known = {each.word: each for each in similar}
    corrected: dict[Word, Meaning] = {}
    for slip in slips:
        if slip.word in corrected:
            continue
        joined = next((pair for pair in pairs[slip.word] if _joined(pair) in known), None)
        if joined is not None:
            first, second = joined
            corrected[first] = _meaning(known[_joined(joined)], slip)
            corrected[second] = Meaning(None, correction="")
            continue
        is_alone = len(list(query.words)) == 1
        meaning = _nearest(slip, known, is_alone=is_alone)
        if meaning is not None:
            corrected[slip.word] = meaning
    return corrected


def _pairs(word: Word, plain: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """The word with its neighbours, between which there is but a space or a sign."""
    if word not in plain:
        return
    at = plain.index(word)
    for first, second in ((at, at + 1), (at - 1, at)):
        if first >= 0 and second < len(plain) and plain[second].start == plain[first].end + 1:
            yield plain[first], plain[second]


def _joined(pair: tuple[Word, Word]) -> str:
    return (pair[0].text + pair[1].text).casefold()


def _nearest(slip: Slip, known: Mapping[str, Known], *, is_alone: bool) -> Meaning | None:
    entries = (Known(entry, "", 0) for entry in synonyms.entries() if entry not in known)
    near = edit_distance.nearest(slip.folded, [*known.values(), *entries], limit=1 + MAX_OTHERS)
    split = max(
        (pair for pair in edit_distance.halves(slip.folded) if all(half in known for half in pair)),
        key=lambda pair: min(known[half].documents for half in pair),
        default=None,
    )
    if split is not None and (not near or near[0][0] > SPACE):
        first, second = (known[half] for half in split)
        rarer = min(first, second, key=lambda half: half.documents)
        return Meaning(
            None,
            weight=_weight(rarer, slip),
            correction=f"{first.word} {second.word}",
            halves=(first.lexeme, second.lexeme),
        )
    if not near:
        return None
    (cost, best), *further = near
    # Beside other words these show which one was meant; alone they would only add to the result.
    others = (
        ()
        if is_alone
        else tuple(
            other.lexeme
            for farther, other in further
            if other.lexeme not in ("", best.lexeme) and farther <= cost + AS_LIKELY
        )
    )
    return _meaning(best, slip, others=others)


def _meaning(word: Known, slip: Slip, *, others: tuple[str, ...] = ()) -> Meaning:
    return Meaning(
        word.lexeme or None,
        weight=_weight(word, slip),
        correction=word.word,
        others=tuple(dict.fromkeys(others)),
        is_optional=synonyms.is_noise(word.word),
    )


def _weight(word: Known, slip: Slip) -> float:
    return math.log1p(slip.awards / max(word.documents, 1))
