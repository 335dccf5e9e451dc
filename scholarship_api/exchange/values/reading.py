"""The result of reading a cell, and words for cells that say nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NO_VALUE: Final = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "\u2013",
        "\u2014",
        "?",
        ".",
        "n/a",
        "n.a.",
        "na",
        "#n/a",
        "nil",
        "null",
        "blank",
    }
)
"""Texts of cells that say nothing, folded."""

NO_LIMIT: Final = frozenset(
    {
        *("none", "any", "all", "no", "open", "open to all", "everyone", "anyone", "unrestricted"),
        *("no requirement", "no requirements", "no restriction", "no restrictions", "not required"),
        *("none required", "no minimum", "no limit", "any major", "all majors", "all levels"),
        *("ninguno", "ninguna", "todos", "todas", "cualquiera", "sin requisitos", "no aplica"),
        *("abierto a todos", "keine", "aucun", "aucune", "nenhum", "nenhuma"),
        *("all students", "any level", "any field", "all fields", "not applicable"),
    }
)
"""Texts of criteria that require nothing, folded."""

_SPACES: Final = re.compile(r"\s+")
_DASHES: Final = re.compile("[\u2010-\u2015\u2212]")


class UnreadableValueError(ValueError):
    """A text has no reading, or several; the message says why."""


@dataclass(slots=True)
class Reading:
    """A cell as fields of an award."""

    fields: Mapping[str, object] = field(default_factory=dict)
    """Values by dotted names, as in `eligibility_criteria.min_gpa`."""
    words: str = ""
    """Text that no field holds, and that is kept with the award."""
    note: str = ""
    """An assumption or a conversion that a person may want to check."""


def folded(text: str) -> str:
    """Text for comparisons: lower case, plain spaces and hyphens."""
    return _SPACES.sub(" ", _DASHES.sub("-", text)).strip().casefold()


def says_nothing(text: str) -> bool:
    return folded(text) in NO_VALUE
