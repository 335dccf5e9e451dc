"""How an award is stored: which of its fields are columns, and the values of those columns."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cached_property
from operator import itemgetter
from typing import Any, Final

from scholarship_api.catalogue import rounds
from scholarship_api.catalogue.award_parts import as_stored
from scholarship_api.catalogue.criteria_set import EligibilityCriteria, citizenship_in_one_word
from scholarship_api.catalogue.eligibility_sets import (
    COLUMN_FIELDS,
    StoredSet,
    fits_columns,
    from_columns,
    settle,
    shown_criteria,
)
from scholarship_api.catalogue.field_types import zone_of
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.recurrence import move_to_next_occurrence
from scholarship_api.catalogue.schemas import ScholarshipInput
from scholarship_api.catalogue.stored_awards import StoredAward

CRITERIA_FIELDS: Final = COLUMN_FIELDS
"""Fields of `eligibility_criteria` that are columns."""

_CRITERIA_FIELDS: Final = frozenset(CRITERIA_FIELDS)

PART_FIELDS: Final = (
    "eligibility_sets",
    "other_requirements",
    "preferences",
    "rounds",
    "requirements",
    "application",
    "coverage",
    "flags",
    "sources",
)
"""Fields that are columns of JSON, each NULL when it has no value."""

TOP_LEVEL_FIELDS: Final = tuple(
    name
    for name in ScholarshipInput.model_fields
    if name not in ("amount", "eligibility_criteria", *PART_FIELDS)
)
"""The other fields, each a column. `amount` is only a short form of amount_min and amount_max."""

WRITTEN_COLUMNS: Final = (
    *TOP_LEVEL_FIELDS,
    *CRITERIA_FIELDS,
    *PART_FIELDS,
    "deadline_date",
    "opens_at",
    "turns_at",
)
"""The columns that a writer sets, in the order of `column_values`."""

REQUIRED_FIELDS: Final = tuple(
    name for name, field in ScholarshipInput.model_fields.items() if field.is_required()
)
LIST_FIELDS: Final = frozenset({"grade_levels", "residency_states", "fields_of_study"})
BOOLEAN_FIELDS: Final = frozenset(
    {"deadline_estimated", "renewable", "essay_required", "financial_need", "criteria_complete"}
)
READ_ONLY_FIELDS: Final = frozenset(
    {"version", "created_at", "updated_at", "availability", "days_left", "opens_at"}
)
"""Fields of the API's answers that are accepted in writes and ignored."""

MAX_PARTS_CHARACTERS: Final = 131_072
"""Characters of the JSON of an award's parts, so that its line of an export can be imported again
(`bulk.parsing.MAX_LINE_BYTES`), also as CSV, which doubles the quotes."""

_NO_PARTS: Final = (None,) * len(PART_FIELDS)

_top_level_values: Final = itemgetter(*TOP_LEVEL_FIELDS)
_criteria_values: Final = itemgetter(*CRITERIA_FIELDS)
_part_values: Final = itemgetter(*PART_FIELDS)


class JsonArray(list[Any]):
    """A value for a column of JSON; plain lists are for columns of arrays. It stays as it is."""

    @cached_property
    def text(self) -> str:
        return json_text(self)


class JsonObject(dict[str, Any]):
    """A value for a column of JSON. It stays as it is."""

    @cached_property
    def text(self) -> str:
        return json_text(self)


class InvalidAward(Exception):
    """An award cannot be stored: the field (empty: the award as a whole) and the reason."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


def column_values(
    award: ScholarshipInput,
    now: dt.datetime,
    *,
    current_sets: Sequence[StoredSet] | None = None,
) -> tuple[Any, ...]:
    """The values of WRITTEN_COLUMNS.

    A yearly, estimated deadline that passed before `now` is moved to its next occurrence. With
    rounds, the deadline is the next round's. `current_sets` are those that a write replaces. Raises
    InvalidAward when a deadline lies outside of the years 1 to 9999, or sets and criteria
    contradict each other.
    """
    local_day = opens_at = turns_at = None
    if award.rounds:
        opens_at, turns_at, local_day = _settle_deadline(award, now)
    else:
        try:
            move_to_next_occurrence(award, now)
            deadline = award.application_deadline
            if isinstance(deadline, dt.datetime):
                local_day = deadline.astimezone(zone_of(award.deadline_timezone)).date()
        except OverflowError:
            raise InvalidAward("must lie in the years 1 to 9999", "application_deadline") from None
    given = award.__dict__
    criteria, sets = _criteria_columns(award, current_sets)
    parts: tuple[Any, ...] = _NO_PARTS
    if sets is not None or any(_part_values(given)):
        parts = _stored_parts(given, sets)
    return (*_top_level_values(given), *criteria, *parts, local_day, opens_at, turns_at)


def _criteria_columns(
    award: ScholarshipInput, current_sets: Sequence[StoredSet] | None
) -> tuple[tuple[Any, ...], list[dict[str, Any]] | None]:
    """The values of CRITERIA_FIELDS, and the sets unless those hold them."""
    criteria = award.eligibility_criteria
    are_given = bool(award.eligibility_sets) or (
        current_sets is not None and "eligibility_sets" in award.model_fields_set
    )
    if not are_given and _CRITERIA_FIELDS.issuperset(criteria.model_fields_set):
        return _criteria_values(criteria.__dict__), None
    try:
        sets = settle(
            sets=award.eligibility_sets if are_given else None,
            criteria=criteria if "eligibility_criteria" in award.model_fields_set else None,
            current=current_sets,
        )
    except ValueError as error:
        raise InvalidAward(str(error), "eligibility_criteria") from None
    if not are_given and current_sets is None:
        return _columns_of(criteria), None if fits_columns(sets) else sets
    shown = shown_criteria(sets)
    in_columns = EligibilityCriteria.model_validate(
        {name: shown[name] for name in CRITERIA_FIELDS if name in shown}
    )
    return _criteria_values(in_columns.__dict__), None if fits_columns(sets) else sets


def _columns_of(criteria: EligibilityCriteria) -> tuple[Any, ...]:
    """The values of CRITERIA_FIELDS of criteria that are the only set."""
    values = criteria.__dict__
    if criteria.citizenships or criteria.immigration_statuses:
        citizenship = citizenship_in_one_word(
            criteria.citizenships or (), criteria.immigration_statuses or ()
        )
        values = values | {"citizenship_required": citizenship}
    columns: tuple[Any, ...] = _criteria_values(values)
    return columns


def _stored_parts(
    given: Mapping[str, Any], sets: list[dict[str, Any]] | None
) -> tuple[JsonArray | JsonObject | None, ...]:
    stored: list[JsonArray | JsonObject | None] = []
    for name in PART_FIELDS:
        value = sets if name == "eligibility_sets" else as_stored(given[name])
        if not value:
            stored.append(None)
        else:
            stored.append(JsonObject(value) if isinstance(value, dict) else JsonArray(value))
    if sum(len(value.text) for value in stored if value) > MAX_PARTS_CHARACTERS:
        raise InvalidAward(
            f"the parts of an award may have at most {MAX_PARTS_CHARACTERS:,} characters"
        )
    return tuple(stored)


def _settle_deadline(
    award: ScholarshipInput, now: dt.datetime
) -> tuple[dt.datetime | None, dt.datetime | None, dt.date | None]:
    """Give the award the deadline of its next round; return the columns besides its fields."""
    try:
        move_to_next_occurrence(award, now)
        times = rounds.of_stored(as_stored(award.rounds))
        deadline = rounds.deadline_at(times, now)
        turns_at = rounds.next_turn(times, now)
    except OverflowError:
        raise InvalidAward("must lie in the years 1 to 9999", "rounds") from None
    award.application_deadline = deadline.application_deadline
    award.deadline_kind = deadline.deadline_kind
    award.deadline_timezone = deadline.deadline_timezone
    award.deadline_estimated = deadline.deadline_estimated
    award.notification_date = deadline.notification_date
    return deadline.opens_at, turns_at, deadline.deadline_date


def sets_of(scholarship: Scholarship | StoredAward) -> list[dict[str, Any]]:
    """The sets of criteria of a stored award."""
    sets: list[dict[str, Any]] | None = scholarship.eligibility_sets
    if sets is not None:
        return sets
    columns = {name: getattr(scholarship, name) for name in CRITERIA_FIELDS}
    return from_columns(EligibilityCriteria.model_validate(columns).as_stored())


_encode_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_text(value: object) -> str:
    return _encode_json(value)


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
