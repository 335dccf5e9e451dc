"""The recommendation score, in thousandths, and the reason for each of its parts.

The functions are pure. `ranking` scores all awards at once by the same tables.
"""

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from scholarship_api.vocabulary import ScholarshipType

MAX_SCORE: Final = 1000

MATCH_WEIGHT: Final = 4
"""Thousandths for each hundredth of the match score, so 0.4 for a full match."""

MAX_MATCH_SCORE: Final = 100
"""Hundredths."""

FIELD_NAMED: Final = 300
"""For an award that names the student's field of study."""

AMOUNTS: Final = ((5000, 100), (1000, 50))
"""Minimum amount in the award's own currency, and its points; the first that applies counts."""

DEADLINES: Final = ((0, -100), (7, 50), (30, 100), (181, 0))
"""First day before the deadline, counted in days left, and the points until the next entry."""

TYPES: Final = {ScholarshipType.MERIT_BASED: 50, ScholarshipType.ACADEMIC_ACHIEVEMENT: 50}
NEED_WITH_NEED: Final = 50
"""For a need-based award and a profile that states financial need."""


class PartName(StrEnum):
    MATCH = "match"
    FIELD_OF_STUDY = "field_of_study"
    AMOUNT = "amount"
    DEADLINE = "deadline"
    SCHOLARSHIP_TYPE = "scholarship_type"


@dataclass(frozen=True, slots=True)
class Part:
    name: PartName
    points: int
    """Thousandths."""
    reason: str


def parts(
    award: Mapping[str, Any],
    profile: Mapping[str, Any],
    *,
    match_score: int,
    days_left: int | None,
) -> tuple[Part, ...]:
    """Return all parts of the score, including those of 0 points.

    `match_score` is in hundredths. `days_left` counts calendar days in the deadline's own time
    zone; it is None for a rolling or unknown deadline.
    """
    return (
        Part(
            PartName.MATCH,
            match_score * MATCH_WEIGHT,
            f"The match score is {match_score / 100}.",
        ),
        _field(award["fields_of_study"], profile.get("field_of_study") or ()),
        _amount(award["amount"], award["currency"]),
        _deadline(days_left),
        _type(award["scholarship_type"], is_in_need=profile.get("financial_need") is True),
    )


def total(scored: Sequence[Part]) -> int:
    """Add up the parts, in thousandths, within 0 and MAX_SCORE."""
    return within_bounds(sum(part.points for part in scored))


def total_of(match_score: int, points: int) -> int:
    """The total of a match score in hundredths and the points of all other parts."""
    return within_bounds(match_score * MATCH_WEIGHT + points)


def highest_total(points: int) -> int:
    """The total of a full match with these points of all other parts."""
    return total_of(MAX_MATCH_SCORE, points)


def within_bounds(points: int) -> int:
    return min(MAX_SCORE, max(0, points))


def _field(named: Collection[str], fields: str | Collection[str]) -> Part:
    studied = {fields} if isinstance(fields, str) else set(fields)
    if not studied.isdisjoint(named):
        points, reason = FIELD_NAMED, "It is meant for your field of study."
    elif not named:
        points, reason = 0, "It is open to all fields of study."
    elif not studied:
        points, reason = 0, "It is meant for certain fields of study; the profile names none."
    else:
        points, reason = 0, "It is meant for other fields of study."
    return Part(PartName.FIELD_OF_STUDY, points, reason)


def _amount(amount: Decimal | None, currency: str | None) -> Part:
    if amount is None:
        return Part(PartName.AMOUNT, 0, "Its amount is not known.")
    points = next((points for minimum, points in AMOUNTS if amount >= minimum), 0)
    return Part(PartName.AMOUNT, points, f"It pays up to {amount:,.2f} {currency}.")


def _deadline(days_left: int | None) -> Part:
    if days_left is None:
        return Part(PartName.DEADLINE, 0, "It has no fixed deadline.")
    starts = [start for start, _ in DEADLINES]
    points = DEADLINES[max(0, bisect_right(starts, days_left) - 1)][1]
    when = {0: "today", 1: "tomorrow"}.get(days_left, f"in {days_left} days")
    return Part(PartName.DEADLINE, points, f"It closes {when}.")


def _type(scholarship_type: str, *, is_in_need: bool) -> Part:
    kind = ScholarshipType(scholarship_type)
    points = TYPES.get(kind, 0)
    reason = f"It is a {kind.replace('_', ' ')} award."
    if kind is ScholarshipType.NEED_BASED and is_in_need:
        points, reason = NEED_WITH_NEED, "It is a need based award, and you state financial need."
    return Part(PartName.SCHOLARSHIP_TYPE, points, reason)
