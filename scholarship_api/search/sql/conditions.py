"""The WHERE clause of a search, with its parameters.

Clauses are literals of this package. Whatever a client sent is a parameter.
"""

import math
from dataclasses import dataclass, field
from typing import Final

NO_TEXT: Final = "true"
"""The text clause of a search without `q`."""

_INDEX_ONLY: Final = ("s.status", "s.closes_at")
"""Columns that the indexes of the sort orders contain."""


@dataclass(slots=True)
class Conditions:
    clauses: list[str] = field(default_factory=lambda: ["s.status = 'published'"])
    params: dict[str, object] = field(default_factory=dict)
    text: str = NO_TEXT
    """The clause for `q`. It is kept apart because each tier of a result has another one."""
    estimated_matches: float = math.inf
    """About how many awards match `q`, according to the dictionary."""

    def add(self, clause: str, **params: object) -> None:
        self.clauses.append(clause)
        self.params.update(params)

    def with_text(
        self, clause: str, *, estimated_matches: float = math.inf, **params: object
    ) -> "Conditions":
        return Conditions(self.clauses, self.params | params, clause, estimated_matches)

    @property
    def has_text(self) -> bool:
        return self.text != NO_TEXT

    @property
    def index_only(self) -> str:
        """The clauses that the indexes of the sort orders can check without reading the row."""
        return " AND ".join(clause for clause in self.clauses if clause.startswith(_INDEX_ONLY))

    @property
    def is_filtered(self) -> bool:
        """Whether there are filters beside those of every search."""
        return len(self.clauses) > 1 + ("now" in self.params)

    @property
    def where(self) -> str:
        return " AND ".join([*self.clauses, self.text])
