"""The record of an award in the read model, and the columns that it is read from."""

import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from scholarship_api.catalogue.read_model.criteria import CriteriaSet

NEVER: Final = 2**63 - 1
"""The closing instant of an award without a deadline, so that it comes after all others."""

NO_AMOUNT: Final = -1
"""The amount of an award that names none; amounts are never negative."""


class AwardRecord(NamedTuple):
    """A published award."""

    id: str
    row_version: int
    """PostgreSQL's xmin: another one after each change of the row, whoever makes it."""
    closes_at: int
    """Microseconds since 1970 in UTC, or NEVER."""
    amount: int
    """Hundredths of the award's own currency, or NO_AMOUNT."""
    created_at: int
    """Microseconds since 1970 in UTC."""
    closing_day: int | None
    """The deadline's calendar day in its own time zone, in days since 1970."""
    time_zone: str
    scholarship_type: str
    renewable: bool
    sets: tuple[CriteriaSet, ...]
    """Its sets of criteria, of which one has to be met; at least one, which may be empty."""


_MICROSECONDS: Final = "(extract(epoch FROM {}) * 1000000)::bigint"

# Text that PostgreSQL prints as JSON is read in a fifth of the time of separate values.
RECORD: Final = f"""json_build_array(s.id, s.xmin::text::bigint,
    {_MICROSECONDS.format("s.application_deadline")}, (s.amount * 100)::bigint,
    {_MICROSECONDS.format("s.created_at")}, s.deadline_date - DATE '1970-01-01',
    s.deadline_timezone, s.scholarship_type, s.renewable,
    (s.min_gpa * 100)::int, (s.max_gpa * 100)::int, s.citizenship_required, s.grade_levels,
    s.residency_states, s.fields_of_study, s.min_age, s.max_age, s.financial_need)"""
"""In SQL, what `parse` reads, of the row `s` of scholarships."""

_CRITERIA_FIELDS: Final = (
    "citizenship_required",
    "grade_levels",
    "residency_states",
    "fields_of_study",
    "min_age",
    "max_age",
    "financial_need",
)


def parse(text: bytes) -> AwardRecord:
    """The record that `RECORD` is the text of."""
    return record_of(from_json(text))


def record_of(values: Sequence[Any]) -> AwardRecord:
    """The record of the values that `RECORD` lists."""
    (
        award_id,
        row_version,
        closes_at,
        amount,
        created_at,
        closing_day,
        time_zone,
        scholarship_type,
        renewable,
        min_gpa,
        max_gpa,
        *criteria,
    ) = values
    criteria_set: dict[str, Any] = {
        name: value
        for name, value in zip(_CRITERIA_FIELDS, criteria, strict=True)
        if value is not None and value is not False and value != []
    }
    for name, hundredths in (("min_gpa", min_gpa), ("max_gpa", max_gpa)):
        if hundredths is not None:
            criteria_set[name] = _hundredths(hundredths)
    return AwardRecord(
        award_id,
        row_version,
        NEVER if closes_at is None else closes_at,
        NO_AMOUNT if amount is None else amount,
        created_at,
        closing_day,
        time_zone,
        scholarship_type,
        renewable,
        (criteria_set,),
    )


@functools.lru_cache(maxsize=1024)
def _hundredths(number: int) -> Decimal:
    return Decimal(number).scaleb(-2)
