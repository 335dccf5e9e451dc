"""The criteria of NSPA records as criteria of awards, and as texts where they cannot be coded."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from scholarship_api.exchange.nspa.codes import BY_NAME, Code, fold
from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabularies.vocabulary import UnknownCodeError

_LISTS: Final = frozenset(
    {"CitizenshipStatuses", "DegreeSeeking", "Demographics", "GraduationStatuses"}
)
"""Elements that hold codes alone: one of them is enough."""
_NUMBERS: Final = {
    "Academics": ("AcademicEligibility", "AcademicEligibilityValue"),
    "FinancialInformation": ("FinancialEligibilityCriteria", "FinancialEligibilityAmount"),
}
"""Elements that hold codes with a number: all have to be met."""
_UNITED_STATES: Final = frozenset({"united states", "united states of america", "usa", "us"})


def as_list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON
    """One item may stand without its list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def in_words(value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {in_words(each)}" for name, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(in_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def unknown(name: str, value: Any) -> str:  # noqa: ANN401 - any JSON
    """The text that keeps what has no field."""
    return f"NSPA {name}: {in_words(value)}"


def read_criteria(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A set of criteria, and texts for what cannot be coded.

    Where one value of a list cannot be coded, the whole list stays a text: coded without it, the
    list would exclude those who meet this value.
    """
    criteria: dict[str, Any] = {}
    texts: list[str] = []
    for element, value in content.items():
        if value is None:
            continue
        if element in _LISTS:
            texts += _read_codes(element, as_list(value), criteria)
        elif element in _NUMBERS:
            texts += _read_numbers(element, as_list(value), criteria)
        elif element == "FieldsOfStudy":
            texts += _read_fields(as_list(value), criteria)
        elif element == "Locations":
            texts += _read_locations(as_list(value), criteria)
        else:
            texts.append(unknown(element, value))
    return criteria, texts


def _read_codes(element: str, names: Sequence[Any], criteria: dict[str, Any]) -> Iterator[str]:
    by_kind: dict[str, list[Any]] = {}
    for name in names:
        kind = str(name).partition(" - ")[0] if element == "Demographics" else ""
        by_kind.setdefault(kind, []).append(name)
    for alternatives in by_kind.values():
        codes = [BY_NAME.get((element, fold(name))) for name in alternatives]
        if not all(codes):
            yield unknown(element, alternatives)
            continue
        for code in codes:
            if code is not None:
                criteria.setdefault(code.field, []).append(code.value)


def _read_numbers(element: str, entries: Sequence[Any], criteria: dict[str, Any]) -> Iterator[str]:
    name_key, number_key = _NUMBERS[element]
    for entry in entries:
        if not isinstance(entry, Mapping):
            yield unknown(element, entry)
            continue
        code = BY_NAME.get((element, fold(entry.get(name_key))))
        number = _number(entry.get(number_key))
        if code is None or number is None or not _add_number(code, number, criteria):
            yield unknown(element, [in_words(list(entry.values()))])


def _number(value: Any) -> Decimal | None:  # noqa: ANN401 - any JSON
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < _MAX_NUMBER else None


_MAX_NUMBER: Final = 10**9


def _add_number(code: Code, number: Decimal, criteria: dict[str, Any]) -> bool:
    """Whether the number can be coded, and nothing else is coded there already."""
    if code.field == "tests":
        test, _, section = code.value.partition(".")
        score = {"test": test, "section": section, "min": float(number)}
        if 0 <= number <= _MAX_SCORE:
            criteria.setdefault("tests", []).append(score)
        return 0 <= number <= _MAX_SCORE
    low, high = _BOUNDS[code.field]
    is_whole = code.field in ("min_gpa", "max_gpa") or number == int(number)
    if code.field in criteria or not low <= number <= high or not is_whole:
        return False
    criteria[code.field] = float(round(number, 2)) if number != int(number) else int(number)
    return True


_BOUNDS: Final = {
    "min_gpa": (0, 4),
    "max_gpa": (0, 4),
    "class_rank_percent_max": (1, 100),
    "max_sai": (-1_500, 10**9),
}
"""The numbers that the criteria can have. Others are of another scale, and stay texts."""
_MAX_SCORE: Final = 10_000


def _read_fields(fields: Sequence[Any], criteria: dict[str, Any]) -> Iterator[str]:
    found: list[str] = []
    for each in fields:
        codes = as_list(each.get("CIPCode")) if isinstance(each, Mapping) else []
        parsed = [_cip(code) for code in codes]
        if not parsed or None in parsed:
            yield unknown("FieldsOfStudy", list(fields))
            return
        found += [code for code in parsed if code is not None]
    if found:
        criteria["cip_codes"] = list(dict.fromkeys(found))


def _cip(code: Any) -> str | None:  # noqa: ANN401 - any JSON
    try:
        return VOCABULARIES["cip_codes"].parse(str(code))
    except (UnknownCodeError, ValueError):
        return None


def _read_locations(places: Sequence[Any], criteria: dict[str, Any]) -> Iterator[str]:
    states: list[str] = []
    for place in places:
        name = _state_name(place)
        state = _STATES.get(fold(name)) if name else None
        if state is None:
            yield unknown("Locations", list(places))
            return
        states.append(state)
    if states:
        criteria["residency_states"] = list(dict.fromkeys(states))


_STATES: Final = {
    fold(text): code
    for code in VOCABULARIES["states"].terms
    for text in (code, VOCABULARIES["states"].label(code))
}
"""The states by code and by name."""


def _state_name(place: Any) -> str | None:  # noqa: ANN401 - any JSON
    """The name of a US state, if the place is no more than that."""
    if isinstance(place, str):
        return place
    if not isinstance(place, Mapping):
        return None
    given = {fold(name): value for name, value in place.items() if value}
    if fold(given.pop("country", "us")) not in _UNITED_STATES:
        return None
    state = given.pop("state", None)
    return state if isinstance(state, str) and not given else None
