"""An award while the cells of its row are read, and how they fit together in the end."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from scholarship_api.catalogue.bulk.records import Cell, RowError
from scholarship_api.catalogue.bulk.unknown_codes import MAX_TEXT
from scholarship_api.exchange import headers
from scholarship_api.exchange.targets import OPENS_AT

MAX_OTHER_REQUIREMENTS: Final = 20
"""Further ones stand in the description."""

_DEADLINE_FIELDS: Final = (
    "application_deadline",
    "deadline_kind",
    "deadline_estimated",
    "deadline_timezone",
)
_ACADEMIC_YEAR: Final = re.compile(r"(?:19|20)\d{2}\s*[-/\u2013]\s*(?:\d{4}|\d{2})")
_ROUND_NAME: Final = re.compile(
    r"\b(fall|autumn|winter|spring|summer|priority|early|regular|final|first|second|third"
    r"|\d{1,2})\b"
)


@dataclass(slots=True)
class Outcome:
    """The result of reading a cell."""

    column: str
    value: str
    became: dict[str, object] = field(default_factory=dict)
    """The fields that it gave, by dotted names."""
    kept_as: str = ""
    """The field that holds its text, where no other field does."""
    note: str = ""
    error: str = ""


@dataclass(slots=True)
class Draft:
    """The award as far as it has been read."""

    fields: dict[str, Any] = field(default_factory=dict)
    """By dotted names."""
    rounds: list[dict[str, Any]] = field(default_factory=list)
    deadline: dict[str, Any] = field(default_factory=dict)
    """The fields of a deadline without a day."""
    assumed_currency: str | None = None
    """The currency of a sign such as $, if no column gives another."""
    description: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    cells: dict[str, Cell] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def has_error(self, name: str) -> bool:
        return any(error.field == name for error in self.errors)

    def set(self, name: str, value: object) -> bool:
        """Set a field; False when it has another value already."""
        if name == "description":
            self.description.append(str(value))
        elif name == "other_requirements" and isinstance(value, list):
            self.requirements += value
        elif name not in self.fields:
            self.fields[name] = value
        else:
            return self._add(name, value)
        return True

    def _add(self, name: str, value: object) -> bool:
        """Join a value with the one that another cell gave; False if they contradict each other."""
        given = self.fields[name]
        if isinstance(value, list) and isinstance(given, list):
            self.fields[name] = [*given, *(each for each in value if each not in given)]
        elif name == "coverage.text":
            self.fields[name] = f"{given}; {value}"[:MAX_TEXT]
        elif name == "coverage.kind":
            self.fields[name] = value if given in ("amount", "varies") else given
        else:
            return str(given).casefold() == str(value).casefold()
        return True


# --- Deadlines -----------------------------------------------------------------------------------


def merge_deadline(draft: Draft, header: str, fields: dict[str, Any]) -> None:
    """Move the deadline of a column from its fields to the rounds of the draft."""
    rounds = fields.pop("rounds", None)
    deadline: dict[str, Any] = {
        name: fields.pop(name) for name in _DEADLINE_FIELDS if name in fields
    }
    if rounds is not None:
        draft.rounds += rounds
    elif deadline.get("application_deadline"):
        found = {"closes_at": deadline["application_deadline"], "kind": "fixed"}
        if deadline.get("deadline_estimated"):
            found["estimated"] = True
        if "deadline_timezone" in deadline:
            found["timezone"] = deadline["deadline_timezone"]
        if key := _round_key(header):
            found["key"] = key
        draft.rounds.append(found)
    elif deadline:
        draft.deadline |= deadline


@functools.lru_cache(maxsize=256)
def _round_key(header: str) -> str:
    """The name of a round in a header such as `Fall Deadline`."""
    found = _ROUND_NAME.search(headers.normalised(header))
    if found is None:
        return ""
    return found[1] if found[1].isalpha() else f"round_{found[1]}"


def settle_deadline(draft: Draft, round_name: str) -> None:
    """Give the award one deadline, or its rounds when there are several or they have more to say.

    `round_name` is the text of a column such as `Academic Year`.
    """
    fields = draft.fields
    given_kind = fields.pop("deadline_kind", None)
    _add_opening(draft, fields.pop(OPENS_AT, None))
    if round_name:
        year = _ACADEMIC_YEAR.search(round_name)
        for each in draft.rounds if year else ():
            each.setdefault("academic_year", year[0] if year else "")
        draft.description.append(f"Round: {round_name}")
    if _is_plain(draft.rounds):
        _set_single(fields, draft.rounds[0])
    elif draft.rounds:
        fields["rounds"] = _distinct(draft.rounds)
    else:
        fields.update(draft.deadline)
        if given_kind is not None:
            fields["deadline_kind"] = given_kind


def _add_opening(draft: Draft, opens_at: object) -> None:
    is_rolling = draft.deadline.get("deadline_kind") == "rolling"
    if opens_at is not None and len(draft.rounds) <= 1:
        kind = "rolling" if is_rolling else "unknown"
        [only] = draft.rounds or [{"kind": kind}]
        only.setdefault("opens_at", opens_at)
        draft.rounds = [only]
    elif opens_at is not None:
        draft.description.append(f"Applications open: {opens_at}")
    elif is_rolling and draft.rounds:
        draft.rounds.append({"kind": "rolling"})


def _is_plain(rounds: list[dict[str, Any]]) -> bool:
    """Whether the fields of the deadline say all of the only round."""
    return (
        len(rounds) == 1
        and bool(rounds[0].get("closes_at"))
        and not rounds[0].keys() & {"opens_at", "academic_year"}
    )


def _set_single(fields: dict[str, Any], only: Mapping[str, Any]) -> None:
    fields["application_deadline"] = only["closes_at"]
    fields["deadline_kind"] = "fixed"
    if only.get("estimated"):
        fields["deadline_estimated"] = True
    if "timezone" in only:
        fields.setdefault("deadline_timezone", only["timezone"])


def _distinct(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rounds with distinct keys: of two with the same key, the later one loses it."""
    keys: set[str] = set()
    kept: list[dict[str, Any]] = []
    for given in rounds:
        key = given.get("key")
        without_key = {name: value for name, value in given.items() if name != "key"}
        each = without_key if key in keys else given
        if key:
            keys.add(key)
        if each not in kept:
            kept.append(each)
    return kept


# --- Other fields --------------------------------------------------------------------------------


def settle_requirements(fields: dict[str, Any]) -> None:
    """With requirements, the letters and the essay follow from them: say them there too."""
    requirements = fields.get("requirements")
    if not isinstance(requirements, list) or not requirements:
        return
    kinds = {each.get("kind") for each in requirements if isinstance(each, dict)}
    letters = fields.get("recommendation_letters")
    if isinstance(letters, int) and letters > 0 and "recommendation" not in kinds:
        requirements.append({"kind": "recommendation", "count": letters})
    if fields.get("essay_required") and "essay" not in kinds:
        requirements.append({"kind": "essay"})


def settle_coverage(fields: dict[str, Any]) -> None:
    """The terms of a payment need a kind, which follows from whether there is an amount."""
    if "coverage.kind" in fields or not any(name.startswith("coverage.") for name in fields):
        return
    has_amount = any(name in fields for name in ("amount", "amount_min", "amount_max"))
    fields["coverage.kind"] = "amount" if has_amount else "varies"


def settle_words(draft: Draft) -> None:
    requirements = list(dict.fromkeys(draft.requirements))
    if requirements:
        draft.fields["other_requirements"] = requirements[:MAX_OTHER_REQUIREMENTS]
    lines = [*draft.description, *requirements[MAX_OTHER_REQUIREMENTS:]]
    if lines:
        draft.fields["description"] = "\n".join(lines)


def nested(fields: Mapping[str, Any]) -> dict[str, object]:
    """Fields by dotted names as an award: `coverage.kind` is `kind` of `coverage`."""
    content: dict[str, Any] = {}
    for name, value in fields.items():
        parent, dot, child = name.partition(".")
        if dot:
            inner = content.setdefault(parent, {})
            if isinstance(inner, dict):
                inner[child] = value
        elif isinstance(value, dict) and isinstance(content.get(name), dict):
            content[name] = {**value, **content[name]}
        else:
            content[name] = value
    return content
