"""Further conditions, preferences, rounds and parts of an application of synthetic awards.

The constants give the share of each, out of 1000 awards.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from scholarship_api.sample_data.tables import TABLE_BITS, Bits, choose_distinct, weighted_table

OTHER_REQUIREMENTS: Final = 350
"""With conditions that are not coded."""

COMPLETE: Final = 450
"""With criteria that say everything; never together with conditions that are not coded."""

PREFERENCES: Final = 120
TWO_ROUNDS: Final = 80
REQUIREMENTS: Final = 400
COVERAGE: Final = 300
APPLICATION: Final = 200

_TEXTS: Final = (
    "Attend an interview with the committee.",
    "Show leadership in school or community.",
    "Write about a project of your own.",
    "Be enrolled at an accredited college in the fall.",
    "Do twenty hours of community service a year.",
    "Plan to work in the region after graduation.",
    "A teacher nominates.",
    "Not have received this award before.",
    "Attend the ceremony in spring.",
    "Be of good character.",
    "Belong to a chapter of the association.",
    "Work part time while in school.",
    "Show how the award helps to reach a goal.",
    "Keep a full course load during the year.",
    "Send proof of admission before the payment.",
    "Be in good standing at the school.",
)
_PREFERENCES: Final[Sequence[Mapping[str, Any]]] = (
    {"criteria": {"financial_need": True}, "weight": 2, "text": "Financial need comes first."},
    {"criteria": {"first_generation": True}, "text": "First-generation students are preferred."},
    {"criteria": {"genders": ["woman"]}, "text": "Women are encouraged to apply."},
    {"criteria": {"circumstances": ["rural"]}, "text": "Students of rural areas are preferred."},
    {"criteria": {"grade_levels": ["undergraduate"]}, "text": "Undergraduates are preferred."},
    {"criteria": {"military": [{"relations": ["self"]}]}, "text": "Veterans are preferred."},
)
_KINDS: Final = weighted_table(
    (
        ("transcript", 40),
        ("resume", 15),
        ("fafsa", 15),
        ("interview", 8),
        ("proof", 7),
        ("test_scores", 6),
        ("video", 4),
        ("portfolio", 3),
        ("nomination", 2),
    )
)
_NUMBER_OF_KINDS: Final = weighted_table(((1, 60), (2, 30), (3, 10)))
_NUMBER_OF_TEXTS: Final = weighted_table(((1, 45), (2, 30), (3, 15), (4, 10)))
_TEXT_TABLE: Final = weighted_table((text, 1) for text in _TEXTS)
_PREFERENCE_TABLE: Final = weighted_table((number, 1) for number in range(len(_PREFERENCES)))
_METHODS: Final = weighted_table(
    (("external", 80), ("paper", 8), ("email", 5), ("nomination", 5), ("automatic", 2))
)
_COVERAGES: Final = weighted_table(
    (("amount", 82), ("full_tuition", 6), ("stipend", 5), ("full_cost", 4), ("in_kind", 3))
)
_PERIODS: Final = weighted_table((("once", 60), ("year", 32), ("term", 6), ("month", 2)))
_MONTHS_APART: Final = 6


def _share(per_mille: int) -> tuple[bool, ...]:
    return weighted_table(((True, per_mille), (False, 1000 - per_mille)))


_HAS_OTHER_REQUIREMENTS: Final = _share(OTHER_REQUIREMENTS)
_IS_COMPLETE: Final = _share(COMPLETE * 1000 // (1000 - OTHER_REQUIREMENTS))
_HAS_PREFERENCES: Final = _share(PREFERENCES)
_HAS_TWO_ROUNDS: Final = _share(TWO_ROUNDS)
_HAS_REQUIREMENTS: Final = _share(REQUIREMENTS)
_HAS_COVERAGE: Final = _share(COVERAGE)
_HAS_APPLICATION: Final = _share(APPLICATION)


def conditions(bits: Bits) -> dict[str, Any]:
    """Conditions that are not coded, whether the criteria are complete, and preferences."""
    found: dict[str, Any] = {}
    if _HAS_OTHER_REQUIREMENTS[bits(TABLE_BITS)]:
        number = _NUMBER_OF_TEXTS[bits(TABLE_BITS)]
        found["other_requirements"] = choose_distinct(_TEXT_TABLE, number, bits)
    elif _IS_COMPLETE[bits(TABLE_BITS)]:
        found["criteria_complete"] = True
    if _HAS_PREFERENCES[bits(TABLE_BITS)]:
        found["preferences"] = [dict(_PREFERENCES[_PREFERENCE_TABLE[bits(TABLE_BITS)]])]
    return found


def parts(row: Mapping[str, Any], bits: Bits) -> dict[str, Any]:
    """Coverage, the parts of an application and the way to apply."""
    found: dict[str, Any] = {}
    if _HAS_COVERAGE[bits(TABLE_BITS)]:
        found["coverage"] = _coverage(row, bits)
    if _HAS_REQUIREMENTS[bits(TABLE_BITS)]:
        found["requirements"] = _requirements(row, bits)
    if _HAS_APPLICATION[bits(TABLE_BITS)]:
        found["application"] = {"method": _METHODS[bits(TABLE_BITS)], "minutes": 15 + 15 * bits(3)}
    return found


def _coverage(row: Mapping[str, Any], bits: Bits) -> dict[str, Any]:
    kind = _COVERAGES[bits(TABLE_BITS)]
    found: dict[str, Any] = {"kind": kind, "per": _PERIODS[bits(TABLE_BITS)]}
    if kind in ("full_tuition", "full_cost"):
        found["components"] = ["tuition", "fees"][: 1 + bits(1)]
    if row.get("renewable"):
        found["renewal"] = "renewable"
    return found


def _requirements(row: Mapping[str, Any], bits: Bits) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if row.get("essay_required"):
        found.append({"kind": "essay", "max_words": 250 * (1 + bits(2))})
    letters = row.get("recommendation_letters", 0)
    if letters:
        found.append({"kind": "recommendation", "count": letters})
    number = _NUMBER_OF_KINDS[bits(TABLE_BITS)]
    found += [{"kind": kind} for kind in choose_distinct(_KINDS, number, bits)]
    return found


def second_round(deadline: str, bits: Bits) -> list[dict[str, Any]] | None:
    """Two rounds half a year apart, for some awards whose estimated day returns every year."""
    if not _HAS_TWO_ROUNDS[bits(TABLE_BITS)]:
        return None
    year, month, day = deadline.split("-")
    other = (int(month) - 1 + _MONTHS_APART) % 12 + 1
    days = (day, f"{min(int(day), 28):02d}")
    closing = sorted((f"{year}-{month}-{days[0]}", f"{year}-{other:02d}-{days[1]}"))
    return [
        {"key": key, "closes_at": closes_at, "estimated": True}
        for key, closes_at in zip(("spring", "fall"), closing, strict=True)
    ]
