"""The fast way to read tables with the columns of the service's own export."""

from collections.abc import Sequence

from pydantic_core import from_json

from scholarship_api.catalogue.bulk.formats import CSV_COLUMNS, LIST_SEPARATOR, restore
from scholarship_api.catalogue.columns import (
    BOOLEAN_FIELDS,
    CRITERIA_FIELDS,
    LIST_FIELDS,
    PART_FIELDS,
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    drop_read_only,
)

_ACCEPTED = frozenset({*CSV_COLUMNS, *READ_ONLY_FIELDS, "amount"})
_CRITERIA = frozenset(CRITERIA_FIELDS)
_LISTS_OF_TEXT = frozenset({"flags", "other_requirements"})
"""Parts that people may write like other lists in a cell, instead of JSON."""


def is_own_header(names: Sequence[str]) -> bool:
    """Whether all columns are known by their exact names, each once, and none is missing."""
    return set(REQUIRED_FIELDS) <= set(names) <= _ACCEPTED and len(set(names)) == len(names)


def award_of(header: Sequence[str], cells: Sequence[str]) -> dict[str, object] | None:
    """The award of a row; None when a cell has to be read as people write it."""
    content: dict[str, object] = {}
    criteria: dict[str, object] = {}
    for name, cell in zip(header, cells, strict=True):
        text = restore(cell).strip()
        if not text:
            continue
        value: object = text
        if name in LIST_FIELDS or (name in _LISTS_OF_TEXT and not text.startswith("[")):
            value = [part for item in text.split(LIST_SEPARATOR) if (part := item.strip())]
        elif name in PART_FIELDS:
            try:
                value = from_json(text, allow_inf_nan=False)
            except ValueError:
                return None
        elif name in BOOLEAN_FIELDS:
            value = text.lower() == "true"
            if not value and text.lower() != "false":
                return None
        (criteria if name in _CRITERIA else content)[name] = value
    if criteria:
        content["eligibility_criteria"] = criteria
    drop_read_only(content)
    return content
