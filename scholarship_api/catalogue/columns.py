"""How an award is stored: which of its fields are columns, and the values of those columns."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Any, Final

from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.recurrence import move_to_next_occurrence
from scholarship_api.catalogue.schemas import EligibilityCriteria, ScholarshipInput

CRITERIA_FIELDS: Final = tuple(EligibilityCriteria.model_fields)
"""Fields of `eligibility_criteria`, each a column."""

TOP_LEVEL_FIELDS: Final = tuple(
    name for name in ScholarshipInput.model_fields if name not in ("amount", "eligibility_criteria")
)
"""The other fields, each a column. `amount` is only a short form of amount_min and amount_max."""

WRITTEN_COLUMNS: Final = (*TOP_LEVEL_FIELDS, *CRITERIA_FIELDS, "deadline_date")
"""The columns that a writer sets, in the order of `column_values`."""

REQUIRED_FIELDS: Final = tuple(
    name for name, field in ScholarshipInput.model_fields.items() if field.is_required()
)
LIST_FIELDS: Final = frozenset({"grade_levels", "residency_states", "fields_of_study"})
BOOLEAN_FIELDS: Final = frozenset(
    {"deadline_estimated", "renewable", "essay_required", "financial_need"}
)
READ_ONLY_FIELDS: Final = frozenset(
    {"version", "created_at", "updated_at", "availability", "days_left"}
)
"""Fields of the API's answers that are accepted in writes and ignored."""

_top_level_values: Final = itemgetter(*TOP_LEVEL_FIELDS)
_criteria_values: Final = itemgetter(*CRITERIA_FIELDS)


class InvalidAward(Exception):
    """An award cannot be stored: the field (empty: the award as a whole) and the reason."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


def column_values(award: ScholarshipInput, now: dt.datetime) -> tuple[Any, ...]:
    """The values of WRITTEN_COLUMNS.

    A yearly, estimated deadline that passed before `now` is moved to its next occurrence. Raises
    InvalidAward when a deadline lies outside of the years 1 to 9999.
    """
    local_day = None
    try:
        move_to_next_occurrence(award, now)
        deadline = award.application_deadline
        if isinstance(deadline, dt.datetime):
            local_day = deadline.astimezone(zone_of(award.deadline_timezone)).date()
    except OverflowError:
        raise InvalidAward("must lie in the years 1 to 9999", "application_deadline") from None
    return (
        *_top_level_values(award.__dict__),
        *_criteria_values(award.eligibility_criteria.__dict__),
        local_day,
    )


def drop_read_only(content: dict[str, object]) -> None:
    """Remove the fields of an answer that cannot be written, so that it can be sent back as it is.

    `amount` is one of them when it repeats the bound that it was derived from; given alone, it
    would set both bounds.
    """
    for name in READ_ONLY_FIELDS & content.keys():
        del content[name]
    if content.get("amount") is not None:
        highest = content.get("amount_max")
        if highest is None:
            highest = content.get("amount_min")
        if highest is not None and _is_equal(content["amount"], highest):
            del content["amount"]


def _is_equal(one: object, other: object) -> bool:
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return False  # str() of a deeply nested one raises RecursionError
    try:
        return Decimal(str(one)) == Decimal(str(other))
    except InvalidOperation:
        return False
