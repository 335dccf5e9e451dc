"""The record of an award in the read model, and the columns that it is read from."""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from scholarship_api.catalogue.read_model.criteria import CRITERIA, CriteriaSet, fields_of
from scholarship_api.catalogue.read_model.rule import Conditions, Preference

NEVER: Final = 2**63 - 1
"""The closing instant of an award without a deadline, so that it comes after all others."""

NO_AMOUNT: Final = -1
"""The amount of an award that names none; amounts are never negative."""

NO_DIGEST: Final = 0
"""The digest of conditions that have none; they equal no others."""

_DIGEST_BYTES: Final = 8
"""A change that leaves the digest as it was, by chance, comes once in 10^19 changes."""

_FIELDS: Final = frozenset(fields_of(CRITERIA))


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
    eligibility_sets: Sequence[CriteriaSet]
    """Its sets of criteria, of which one has to be met; at least one, which may be empty."""
    opens_at: int | None = None
    """When its next round opens, if none is open; microseconds since 1970 in UTC."""
    criteria_complete: bool = False
    """Whether the sets and `other_requirements` say all that is required."""
    other_requirements: Sequence[str] = ()
    preferences: Sequence[Mapping[str, Any]] = ()
    """Each with `criteria` (a set), `weight` and perhaps `text`; see `award_parts.Preference`."""
    essay_required: bool = False
    recommendation_letters: int = 0
    coverage_kind: str | None = None
    requirement_kinds: Sequence[str] = ()
    asks_for_fee: bool = False
    conditions_digest: int = NO_DIGEST
    """Records with the same digest have the same conditions, unless it is NO_DIGEST."""

    @property
    def conditions(self) -> Conditions:
        """Who may apply."""
        return Conditions(
            self.eligibility_sets,
            # A field that a newer release has written is a condition that this one cannot check.
            is_complete=self.criteria_complete
            and all(_FIELDS.issuperset(each) for each in self.eligibility_sets),
            has_texts=bool(self.other_requirements),
            preferences=[
                Preference(each.get("criteria") or {}, each["weight"]) for each in self.preferences
            ],
        )


_MICROSECONDS: Final = "(extract(epoch FROM {}) * 1000000)::bigint"

# Text that PostgreSQL prints as JSON is read in a fifth of the time of separate values.
RECORD: Final = f"""json_build_array(s.id, s.xmin::text::bigint,
    {_MICROSECONDS.format("s.application_deadline")}, (s.amount * 100)::bigint,
    {_MICROSECONDS.format("s.created_at")}, s.deadline_date - DATE '1970-01-01',
    s.deadline_timezone, s.scholarship_type, s.renewable,
    {_MICROSECONDS.format("s.opens_at")},
    (s.min_gpa * 100)::int, (s.max_gpa * 100)::int, s.citizenship_required, s.grade_levels,
    s.residency_states, s.fields_of_study, s.min_age, s.max_age, s.financial_need,
    s.eligibility_sets, s.criteria_complete,
    s.other_requirements, s.preferences, s.essay_required, s.recommendation_letters,
    s.coverage ->> 'kind', jsonb_path_query_array(s.requirements, '$.kind'),
    coalesce((s.application ->> 'fee')::numeric > 0, false)
        OR coalesce(s.flags ? 'requires_fee', false))"""
"""In SQL, what `parse` reads, of the row `s` of scholarships."""

_CONDITIONS: Final = slice(10, 22)
"""The values of `RECORD` that the conditions are made of."""

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
    values = from_json(text)
    conditions = hashlib.blake2b(to_json(values[_CONDITIONS]), digest_size=_DIGEST_BYTES)
    return record_of(values, conditions_digest=int.from_bytes(conditions.digest()))


def record_of(values: Sequence[Any], *, conditions_digest: int = NO_DIGEST) -> AwardRecord:
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
        opens_at,
        min_gpa,
        max_gpa,
        citizenship_required,
        grade_levels,
        residency_states,
        fields_of_study,
        min_age,
        max_age,
        financial_need,
        eligibility_sets,
        criteria_complete,
        other_requirements,
        preferences,
        essay_required,
        recommendation_letters,
        coverage_kind,
        requirement_kinds,
        asks_for_fee,
    ) = values
    if eligibility_sets is None:
        criteria = (
            citizenship_required,
            grade_levels,
            residency_states,
            fields_of_study,
            min_age,
            max_age,
            financial_need,
        )
        only_set: dict[str, Any] = {
            name: value
            for name, value in zip(_CRITERIA_FIELDS, criteria, strict=True)
            if value is not None and value is not False and value != []
        }
        for name, hundredths in (("min_gpa", min_gpa), ("max_gpa", max_gpa)):
            if hundredths is not None:
                only_set[name] = _hundredths(hundredths)
        eligibility_sets = (only_set,)
    else:
        for each in eligibility_sets:
            _make_decimal(each)
    for each in preferences or ():
        _make_decimal(each.get("criteria") or {})
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
        eligibility_sets,
        opens_at,
        criteria_complete,
        other_requirements or (),
        preferences or (),
        essay_required,
        recommendation_letters,
        coverage_kind,
        requirement_kinds or (),
        asks_for_fee,
        conditions_digest,
    )


def _make_decimal(criteria_set: dict[str, Any]) -> None:
    """JSON has GPAs as floating-point numbers, which compare unequal to those of a profile."""
    for name in ("min_gpa", "max_gpa"):
        if name in criteria_set:
            criteria_set[name] = _hundredths(round(criteria_set[name] * 100))


@functools.lru_cache(maxsize=1024)
def _hundredths(number: int) -> Decimal:
    return Decimal(number).scaleb(-2)
