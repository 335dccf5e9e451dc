"""The sets of criteria of an award, and the one that stands for all of them.

`eligibility_criteria` is the set when there is one, and else what all sets have in common. Sets
are given and stored as JSON, with the criteria that require anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scholarship_api.catalogue.criteria_set import (
    EligibilityCriteria,
    citizenship_in_one_word,
    requires,
)

StoredSet = Mapping[str, Any]

COLUMN_FIELDS: Final = (
    "min_gpa",
    "max_gpa",
    "grade_levels",
    "citizenship_required",
    "residency_states",
    "fields_of_study",
    "min_age",
    "max_age",
    "financial_need",
)
"""The criteria that have columns of their own. A set of these alone is stored in the columns."""

_COLUMN_FIELDS: Final = frozenset(COLUMN_FIELDS)


def common_criteria(sets: Sequence[StoredSet]) -> dict[str, Any]:
    """The criteria that all sets have with the same values."""
    if not sets:
        return {}
    first, *others = sets
    if not others:
        return dict(first)
    return {
        name: value
        for name, value in first.items()
        if all(_is_same(value, other.get(name)) for other in others)
    }


def shown_criteria(sets: Sequence[StoredSet]) -> dict[str, Any]:
    """The value of `eligibility_criteria`, without the criteria that require nothing."""
    criteria = common_criteria(sets)
    citizenship = citizenship_in_one_word(
        criteria.get("citizenships", ()), criteria.get("immigration_statuses", ())
    )
    return criteria if citizenship is None else criteria | {"citizenship_required": citizenship}


def fits_columns(sets: Sequence[StoredSet]) -> bool:
    """Whether the columns of COLUMN_FIELDS hold all of the sets."""
    return not sets or (len(sets) == 1 and _COLUMN_FIELDS.issuperset(sets[0]))


def from_columns(columns: StoredSet) -> list[dict[str, Any]]:
    """The sets of an award whose criteria fit the columns: none when they require nothing."""
    criteria = {name: columns[name] for name in COLUMN_FIELDS if requires(columns.get(name))}
    return [criteria] if criteria else []


def settle(
    *,
    sets: Sequence[EligibilityCriteria] | None,
    criteria: EligibilityCriteria | None,
    current: Sequence[StoredSet] | None = None,
) -> list[dict[str, Any]]:
    """The sets of an award that is written with `eligibility_sets`, `eligibility_criteria` or both.

    None stands for what is not given. Of two that contradict each other, the one that differs from
    the `current` sets counts, so that an answer of the API can be changed in one of them and sent
    back. Raises ValueError when that cannot be told.
    """
    single = criteria.as_stored() if criteria is not None else {}
    alone = [single] if single else []
    if sets is None:
        return alone
    several = [each.as_stored() for each in sets]
    several = [each for at, each in enumerate(several) if each not in several[:at]]
    if several == [{}]:
        several = []
    if criteria is None or _repeats(single, several):
        return several
    if current is not None and _are_same(several, current):
        return alone
    if current is not None and _repeats(single, current):
        return several
    if not several:
        return alone
    raise ValueError("must repeat what all eligibility_sets have in common, or be left out")


def _repeats(single: StoredSet, sets: Sequence[StoredSet]) -> bool:
    """Whether `eligibility_criteria` says what it does in an answer, or in an export."""
    shown = shown_criteria(sets)
    in_columns: StoredSet = {name: shown[name] for name in COLUMN_FIELDS if name in shown}
    return _are_same([single], [common_criteria(sets)]) or _are_same([single], [in_columns])


def _are_same(some: Sequence[StoredSet], others: Sequence[StoredSet]) -> bool:
    return len(some) == len(others) and all(
        one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
        for one, other in zip(some, others, strict=True)
    )


def _is_same(one: object, other: object) -> bool:
    """Whether two values require the same: the order in a list does not matter."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(value in other for value in one)
    return one == other
