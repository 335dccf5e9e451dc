"""Which missing answers of a profile would settle most awards."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from pyroaring import BitMap

from scholarship_api.catalogue.read_model.matching import Matches


class AskedFor(NamedTuple):
    field: str
    """The field of the profile that the answer belongs to."""
    question: str
    awards: int
    """How many awards the answer would settle."""
    hundredths: int
    """The sum of their amounts."""


def best_questions(
    matches: Matches, amounts_of: Callable[[BitMap], int], *, limit: int
) -> Sequence[AskedFor]:
    """The questions that settle most awards first, then those with the highest amounts."""
    questions = {
        alternative.profile_field: alternative.question
        for criterion in reversed(matches.criteria)
        for alternative in reversed(criterion.alternatives)
        if alternative.question
    }
    settled = {
        field: awards for field, awards in matches.settled_by_answer().items() if field in questions
    }
    most = sorted(settled, key=lambda field: (-len(settled[field]), field))[: 2 * limit]
    found = [
        AskedFor(field, questions[field], len(settled[field]), amounts_of(settled[field]))
        for field in most
    ]
    found.sort(key=lambda each: (-each.awards, -each.hundredths, each.field))
    return found[:limit]
