"""The ranking formula: how well an award suits the words of a query.

    score = EXACT_NAME_SCORE if the query is the name
        + (1 + 0.05 * min(1, query length / name length)) * sum of the clauses' scores
    clause's score = weight * min(1, alternatives * ts_rank(award, clause))

- A clause is a word, a pair of words or a synonym; `text/tsquery.py` builds them and
  `text/weights.py` has their weights.
- ts_rank grows with the number of times the clause occurs, and depends on the field. If a
  clause has several alternatives, ts_rank is their mean. Multiplied by their number, it is their
  sum, and counts at most as much as one word can.
- The factor in front favours an award whose name is not much longer than the query, by 5 % at most.
- A word that occurs once in a field has 6/pi^2 of the field's weight, and the whole weight at most,
  however often it occurs.

The score is negated, so that one ascending comparison of rows, (score, deadline, id), decides what
comes after a cursor.
"""

from collections.abc import Sequence
from typing import Final

from scholarship_api.search import limits

FIELD_WEIGHTS: Final = "{0.4, 0.6, 0.8, 1.0}"
"""For the labels D, C, B and A of the search vector: fields of study, types and grade levels; the
description; the organization; the name. Chosen with `python -m benchmarks.quality`."""


EXACT_NAME_SCORE: Final = 10_000
"""Above the score of any other award: 64 clauses with weights below 21 come to 1 400 at most."""


def negated_score() -> str:
    """SQL for the negated score of the award `s`.

    It uses as many clauses, the heaviest ones, as `counted.total` matches can be ranked by. A
    cursor holds the clauses of the first page, so that later pages use the same. Weights that are
    left without a clause add nothing: a constant would differ between the first page and others.
    """
    room = f"{limits.MAX_RANKED_CLAUSES_TIMES_MATCHES:d} / greatest(1, counted.total)"
    clauses = f"(%(clauses)s::text[]::tsquery[])[:greatest(1, {room})]"
    return f"""-(CASE WHEN s.name_folded = public.fold_text(%(typed)s::text)
        THEN {EXACT_NAME_SCORE:d} ELSE 0 END)
    - (1 + 0.05 * least(1, %(query_length)s::float8 / length(s.name))) * (
        SELECT coalesce(sum(clause.weight * least(1, clause.alternative_count
            * ts_rank('{FIELD_WEIGHTS}', s.search_vector, clause.words))), 0)
        FROM unnest({clauses}, %(weights)s::float8[], %(alternative_counts)s::int[])
            AS clause (words, weight, alternative_count)
        WHERE clause.words IS NOT NULL
    )"""


def boosted(score: str, factors: Sequence[float]) -> str:
    """SQL for a score that is multiplied by the first factor whose awards the award `s` is one
    of. The ids of the factors' awards are the parameters `boosted_0`, `boosted_1` and so on."""
    if not factors:
        return score
    cases = " ".join(
        f"WHEN s.id = ANY (%(boosted_{place})s::text[]) THEN {factor:g}"
        for place, factor in enumerate(factors)
    )
    return f"({score}) * CASE {cases} ELSE 1 END"
