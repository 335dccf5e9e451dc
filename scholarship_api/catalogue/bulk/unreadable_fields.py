"""Fields that cannot be read, which a lenient import keeps as words of a draft."""

import json
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from scholarship_api.catalogue.bulk.records import Record
from scholarship_api.catalogue.bulk.unknown_codes import MAX_TEXT
from scholarship_api.catalogue.columns import InvalidAward
from scholarship_api.vocabulary import ScholarshipType, Status

MAX_OTHER_REQUIREMENTS: Final = 20

NOT_STATED: Final = "Not stated"
"""The organization of a draft that names none."""

_STAND_INS: Final = {
    "organization": NOT_STATED,
    "scholarship_type": ScholarshipType.MERIT_BASED.value,
}
"""Values of required fields in a draft; a person corrects them before it is published."""

_DEADLINE: Final = ("application_deadline", "deadline_kind")
_AMOUNTS: Final = ("amount", "amount_min", "amount_max")
_GROUPS: Final = (
    ("application_deadline", _DEADLINE),
    ("currency", _AMOUNTS),
    ("amount", _AMOUNTS),
    ("eligibility_sets", ("eligibility_criteria",)),
)
"""Words in errors of the row as a whole, and the fields that such an error speaks of."""


def with_fields_in_words(
    record: Record, problem: InvalidAward | ValidationError | None
) -> Record | None:
    """The record as a draft, without the fields that have errors: their text stands in the
    description or among the other requirements. None if the row is no award without them."""
    if isinstance(record.content, InvalidAward):
        return None
    content: dict[str, Any] = dict(record.content)
    texts: list[str] = []
    for error in record.errors:
        cell = record.cells.get(error.field)
        texts.append(f"{error.column or 'Further cells'}: {cell.text if cell else error.value}")
        if error.field in _STAND_INS:
            content.setdefault(error.field, _STAND_INS[error.field])
    for path in _paths(problem):
        if path[0] in _STAND_INS and not content.get(path[0]):
            content[path[0]] = _STAND_INS[path[0]]
            continue
        if path[0] in ("id", "name") or not _take_out(content, path, record, texts):
            return None
        if path[0] in _STAND_INS:
            content[path[0]] = _STAND_INS[path[0]]
    content["status"] = Status.DRAFT.value
    _add_words(content, texts)
    return Record(record.line, content, cells=record.cells)


def _paths(problem: InvalidAward | ValidationError | None) -> Iterator[tuple[str, ...]]:
    """The fields of the errors; of one criterion or part, the innermost field that has a name."""
    if problem is None:
        return
    if isinstance(problem, InvalidAward):
        found = [(problem.field, problem.reason)]
        locations: list[tuple[str, ...]] = [(problem.field,)] if problem.field else []
    else:
        details = problem.errors(include_url=False, include_context=False, include_input=False)
        found = [("", one["msg"]) for one in details if not one["loc"]]
        locations = [tuple(str(step) for step in one["loc"]) for one in details if one["loc"]]
    yielded: set[tuple[str, ...]] = set()
    for location in locations:
        path = location[:2] if location[0] == "eligibility_criteria" else location[:1]
        if path not in yielded:
            yielded.add(path)
            yield path
    for field, message in found:
        if not field:
            for word, fields in _GROUPS:
                if word in message:
                    yield from ((name,) for name in fields)
                    break


def _take_out(
    content: dict[str, Any], path: tuple[str, ...], record: Record, texts: list[str]
) -> bool:
    """Remove a field and add its text; False if there is no such field."""
    parent: Any = content
    for step in path[:-1]:
        parent = parent.get(step)
        if not isinstance(parent, dict):
            return False
    if path[:-1]:  # the record is not to change
        parent = dict(parent)
        content[path[0]] = parent
    if path[-1] not in parent:
        return path[-1] in (*_DEADLINE, *_AMOUNTS)
    value = parent.pop(path[-1])
    cell = record.cells.get(".".join(path))
    if cell is not None:
        text = f"{cell.column}: {cell.text}"
    else:
        plain = value if isinstance(value, str) else json.dumps(value, default=str)
        text = f"{path[-1].replace('_', ' ').capitalize()}: {plain}"
    if text not in texts:
        texts.append(text)
    return True


def _add_words(content: dict[str, Any], texts: list[str]) -> None:
    given = content.get("other_requirements") or []
    others = list(given) if isinstance(given, list) else []
    description = [content["description"]] if content.get("description") else []
    for text in texts:
        if len(text) <= MAX_TEXT and len(others) < MAX_OTHER_REQUIREMENTS:
            others.append(text)
        else:
            description.append(text)
    if others:
        content["other_requirements"] = others
    if description:
        content["description"] = "\n".join(map(str, description))
