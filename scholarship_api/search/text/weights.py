"""How much each kind of clause counts in the ranking; `sql/scoring.py` has the formula.

The factors were chosen with `python -m benchmarks.quality`.
"""

import math
from typing import Final

SYNONYM_BOOST: Final = 0.7
"""The factor of a synonym, so that awards with the word itself come first."""

MISLEADING_WORD_BOOST: Final = 0.25
"""The factor of a word that mostly stands for something else; its synonyms have the factor 1."""

PREFIX_BOOST: Final = 0.05
"""The factor of the completions of a word, so that awards with the whole word come first."""

CORRECTION_BOOST: Final = 20.0
"""The factor of a correction that is not required: it outweighs all other words together."""

PROXIMITY_BOOST: Final = 0.5
"""The factor of two words that stand near each other, applied to the weight of the rarer one."""

PHRASE_BOOST: Final = 0.6
"""The factor of a synonym of several words. ts_rank gives a word that occurs once at the best place
0.6, and a phrase there 1."""


def inverse_document_frequency(*, documents: int, awards: float) -> float:
    """The weight of a word: the fewer awards contain it, the more it tells about them.

    As in BM25 of Lucene 8, without its additions of one half.
    """
    return math.log1p(awards / max(documents, 1))
