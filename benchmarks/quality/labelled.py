"""The labelled queries and the measures of a ranking."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("queries.toml")
GRADES: Final = (3, 2, 1)
RELEVANT: Final = 2
"""The lowest grade that counts as relevant for recall and the reciprocal rank."""

DEPTH: Final = 10
"""Results that a person looks at; all measures stop there."""

MISSPELLING: Final = "misspelling"


@dataclass(frozen=True, slots=True)
class LabelledQuery:
    q: str
    category: str
    is_held_out: bool
    grades: Mapping[str, int]
    """The grade of each relevant award by its id; 3 is the best."""

    @property
    def targets(self) -> frozenset[str]:
        """The awards with the best grade."""
        best = max(self.grades.values())
        return frozenset(id_ for id_, grade in self.grades.items() if grade == best)


@dataclass(frozen=True, slots=True)
class Score:
    ndcg: float
    reciprocal_rank: float
    recall: float


def read() -> list[LabelledQuery]:
    """The queries in the order of the file. Raises ValueError for an award with two grades."""
    queries = []
    for entry in tomllib.loads(FILE.read_text())["queries"]:
        graded = [(id_, grade) for grade in GRADES for id_ in entry.get(f"grade_{grade}", ())]
        grades = dict(graded)
        if len(grades) != len(graded):
            raise ValueError(f"{entry['q']!r} grades an award twice")
        queries.append(
            LabelledQuery(entry["q"], entry["category"], entry.get("held_out", False), grades)
        )
    return queries


def score(query: LabelledQuery, found: Sequence[str]) -> Score:
    """The measures of the first DEPTH ids of a result, each from 0 to 1.

    NDCG has the gain 2^grade - 1 and the discount log2(rank + 1): Burges et al., Learning to Rank
    using Gradient Descent, 2005. Recall counts at most DEPTH relevant awards.
    """
    grades = [query.grades.get(id_, 0) for id_ in found[:DEPTH]]
    ideal = sorted(query.grades.values(), reverse=True)[:DEPTH]
    relevant = sum(grade >= RELEVANT for grade in query.grades.values())
    hits = [rank for rank, grade in enumerate(grades, start=1) if grade >= RELEVANT]
    return Score(
        ndcg=_gain(grades) / _gain(ideal),
        reciprocal_rank=1 / hits[0] if hits else 0.0,
        recall=len(hits) / min(relevant, DEPTH),
    )


def _gain(grades: Sequence[int]) -> float:
    return math.fsum(
        (2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1)
    )


def mean(scores: Sequence[Score]) -> Score:
    count = len(scores)
    return Score(
        ndcg=sum(each.ndcg for each in scores) / count,
        reciprocal_rank=sum(each.reciprocal_rank for each in scores) / count,
        recall=sum(each.recall for each in scores) / count,
    )
