"""The rows of the checklist, and how they are shown."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from rich.console import Console
from rich.table import Table

Outcome = Literal["passed", "failed", "warning", "skipped", "allowed"]
"""`allowed` is a failure that the operator accepts with --allow."""

Finding = tuple[Outcome, str]
"""The outcome of a check, and the subject or the problem."""

_COLOURS: Final = {
    "passed": "green",
    "failed": "red",
    "warning": "yellow",
    "skipped": "dim",
    "allowed": "yellow",
}


@dataclass(frozen=True, slots=True)
class CheckResult:
    name: str
    outcome: Outcome
    detail: str


def with_allowed(results: Iterable[CheckResult], allowed: Collection[str]) -> list[CheckResult]:
    """The results, with the failures of the named checks allowed."""
    return [
        replace(result, outcome="allowed")
        if result.outcome == "failed" and result.name in allowed
        else result
        for result in results
    ]


def all_passed(results: Iterable[CheckResult]) -> bool:
    """Whether nothing failed; warnings, skipped checks and allowed failures do not count."""
    return not any(result.outcome == "failed" for result in results)


def as_json(results: Sequence[CheckResult]) -> str:
    checks = [asdict(result) for result in results]
    return json.dumps({"passed": all_passed(results), "checks": checks}, indent=2)


def print_table(results: Iterable[CheckResult], console: Console) -> None:
    table = Table(title="Pre-deploy checklist", title_justify="left")
    for heading in ("Check", "Outcome", "Detail"):
        table.add_column(heading)
    for result in results:
        colour = _COLOURS[result.outcome]
        table.add_row(result.name, f"[{colour}]{result.outcome}[/]", result.detail)
    console.print(table)
