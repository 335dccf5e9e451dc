"""Criteria with unknown codes, which an import keeps as requirements in words.

A list of codes is an any-of: without the unknown code it would shut out those who have it. So the
whole criterion leaves the set, and its text stands among the other requirements of the award.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from scholarship_api.vocabularies.vocabulary import UnknownCodeError

MAX_TEXT: Final = 500
"""Characters of one of the other requirements."""

_ALTERNATIVES: Final = (
    frozenset({"citizenship_required", "citizenships", "immigration_statuses"}),
    frozenset(
        {
            "residency_countries",
            "residency_states",
            "residency_counties",
            "residency_zips",
            "residency_places",
        }
    ),
)
"""Fields that are one criterion: a value of any of them is enough."""

_HOLD_CRITERIA: Final = frozenset({"eligibility_criteria", "eligibility_sets", "preferences"})
"""Fields of a row whose values may have codes."""


class _Place(NamedTuple):
    """A criterion of a row."""

    path: tuple[str | int, ...]
    """Where its set is."""
    field: str


def with_codes_in_words(
    content: Mapping[str, Any], error: ValidationError
) -> dict[str, object] | None:
    """The row with those criteria in words; None if it has errors besides unknown codes."""
    if _HOLD_CRITERIA.isdisjoint(content):
        return None  # before pydantic makes the details of each error
    places: list[_Place] = []
    for details in error.errors(include_url=False, include_input=False):
        place = _place(details["loc"])
        if place is None or not isinstance(details.get("ctx", {}).get("error"), UnknownCodeError):
            return None
        if place not in places:
            places.append(place)
    changed = dict(content)
    texts: list[object] = []
    for path, field in places:
        criteria = _copied(changed, path)
        in_words = _in_words(criteria, field)
        if not in_words:
            continue  # taken out with another field of the same criterion
        if path[0] == "preferences":
            preference = _copied(changed, path[:-1])
            preference["criteria"] = criteria
            if not criteria and not preference.get("text"):
                preference["text"] = in_words
        else:
            texts.append(in_words)
    if texts:
        others = changed.get("other_requirements") or []
        changed["other_requirements"] = [*others, *texts] if isinstance(others, list) else others
        changed["criteria_complete"] = False
    return changed


def _place(location: tuple[str | int, ...]) -> _Place | None:
    match location:
        case ("eligibility_criteria", str(field), *_):
            return _Place(location[:1], field)
        case ("eligibility_sets", int(), str(field), *_):
            return _Place(location[:2], field)
        case ("preferences", int(), "criteria", str(field), *_):
            return _Place(location[:3], field)
    return None


def _copied(content: dict[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
    """The object at the path, after copying everything on the way to it."""
    parent: Any = content
    for step in path:
        parent[step] = parent[step].copy()
        parent = parent[step]
    found: dict[str, Any] = parent
    return found


def _in_words(criteria: dict[str, Any], field: str) -> str:
    """Take a criterion out of a set, and return what it said."""
    fields = next((group for group in _ALTERNATIVES if field in group), frozenset({field}))
    parts = [
        f"{name.replace('_', ' ').capitalize()}: {', '.join(_words(criteria.pop(name)))}"
        for name in [name for name in criteria if name in fields]
    ]
    text = "; or ".join(parts)
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _words(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield " ".join(_words(item))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _words(item)
    elif value is not None:
        yield str(value)
