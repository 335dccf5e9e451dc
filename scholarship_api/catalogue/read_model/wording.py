"""Values of awards and profiles as sentences have them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from scholarship_api.vocabularies.registry import VOCABULARIES
from scholarship_api.vocabulary import INTERNATIONAL, PERMANENT_RESIDENT

_MEANINGS: Final = {
    PERMANENT_RESIDENT: "US citizen or permanent resident",
    INTERNATIONAL: "any country but the US",
}
_NONE: Final = "none of these"


def in_words(value: object, vocabulary: str | None = None) -> str:
    """`vocabulary` has the labels of the codes."""
    if isinstance(value, str):
        return _code(value, vocabulary)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(in_words(item, vocabulary) for item in value) or _NONE
    if isinstance(value, Mapping):
        return _entry(value)
    return _code(str(value), vocabulary)


def _code(text: str, vocabulary: str | None) -> str:
    if vocabulary is not None:
        return VOCABULARIES[vocabulary].label(text)
    return _MEANINGS.get(text, text.replace("_", " "))


def _entry(entry: Mapping[str, Any]) -> str:
    if "condition" in entry:
        condition = in_words(entry["condition"], "conditions")
        relation = entry.get("relation") or "self"
        if relation == "self":
            return condition
        return f"{condition} ({in_words(relation, 'condition_relations').lower()})"
    if "test" in entry:
        name = in_words(f"{entry['test']}.{entry.get('section') or ''}".rstrip("."), "tests")
        return f"{name} {in_words(entry.get('min', entry.get('score')))}"
    if "kind" in entry:
        return _affiliation(entry)
    if "statuses" in entry or "branches" in entry or "relations" in entry:
        return _service(entry)
    return ", ".join(str(part) for part in (entry.get("name"), entry.get("state")) if part)


def _affiliation(entry: Mapping[str, Any]) -> str:
    name = entry.get("name") or in_words(entry["kind"], "affiliation_kinds").lower()
    return _with_relations(str(name), entry.get("relations"), "affiliation_relations")


def _service(entry: Mapping[str, Any]) -> str:
    statuses = in_words(entry.get("statuses") or ["military"], "military_statuses")
    if branches := entry.get("branches"):
        statuses = f"{statuses} ({in_words(branches, 'military_branches')})"
    return _with_relations(statuses, entry.get("relations"), "military_relations")


def _with_relations(text: str, relations: Any, vocabulary: str) -> str:  # noqa: ANN401
    if not relations:
        return text
    return f"{text} ({in_words(relations, vocabulary).lower()})"
