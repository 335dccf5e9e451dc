"""Checks the licences of all delivered packages against the allowed list: `make licences`

Exit codes: 0 all are allowed; 1 one is not allowed or not known; 2 wrong usage.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Annotated, Final, Literal, cast

import typer
from rich.console import Console
from rich.table import Table

from deploy.supply_chain import licence_names
from deploy.supply_chain.lock import FILE, Lock, LockedPackage

POLICY: Final = Path(__file__).with_name("policy.toml")

_COLOURS: Final = {"allowed": "green", "forbidden": "red", "unknown": "red"}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The licence of a package whose metadata do not name it, found by a person."""

    version: str
    licence: str
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Policy:
    allowed: frozenset[str]
    reviewed: dict[str, Reviewed]


@dataclass(frozen=True, slots=True)
class Finding:
    package: LockedPackage
    licence: str
    outcome: Literal["allowed", "forbidden", "unknown"]


def read_policy(file: Path) -> Policy:
    table = tomllib.loads(file.read_text())["licences"]
    reviewed = {name: Reviewed(**entry) for name, entry in table.get("reviewed", {}).items()}
    return Policy(frozenset(table["allowed"]), reviewed)


def named_or_reviewed(metadata: Message, policy: Policy, *, name: str, version: str) -> str | None:
    """The licence that the metadata name, else the reviewed one of this very version."""
    named = licence_names.distribution_licence(metadata)
    reviewed = policy.reviewed.get(name)
    if named is None and reviewed is not None and reviewed.version == version:
        return reviewed.licence
    return named


def check(packages: Iterable[LockedPackage], policy: Policy) -> list[Finding]:
    """One finding for each package. The locked version must be installed in this environment."""
    return [_check(package, policy) for package in packages]


def _check(package: LockedPackage, policy: Policy) -> Finding:
    try:
        distribution = metadata.distribution(package.name)
    except metadata.PackageNotFoundError:
        return Finding(package, "is not installed", "unknown")
    if distribution.version != package.version:
        return Finding(package, f"{distribution.version} is installed", "unknown")
    # importlib.metadata gives an email.message.Message, which its types do not say.
    licence = named_or_reviewed(
        cast("Message", distribution.metadata),
        policy,
        name=package.name,
        version=package.version,
    )
    if licence is None:
        return Finding(package, "is not named", "unknown")
    if licence_names.is_satisfied(licence, allowed=policy.allowed):
        return Finding(package, licence, "allowed")
    return Finding(package, licence, "forbidden")


def as_table(findings: Iterable[Finding]) -> Table:
    table = Table(title="Licences of delivered packages", title_justify="left")
    for heading in ("Package", "Version", "Licence", "Outcome"):
        table.add_column(heading)
    for finding in findings:
        outcome = f"[{_COLOURS[finding.outcome]}]{finding.outcome}[/]"
        table.add_row(finding.package.name, finding.package.version, finding.licence, outcome)
    return table


def main(
    lock: Annotated[Path, typer.Option(help="A lock file of uv.", dir_okay=False)] = FILE,
    policy: Annotated[
        Path, typer.Option(help="The list of allowed licences.", dir_okay=False)
    ] = POLICY,
) -> None:
    """Check the licences of the runtime dependencies, with all extras, against the list."""
    findings = check(Lock(lock).runtime(), read_policy(policy))
    Console().print(as_table(findings))
    refused = [finding for finding in findings if finding.outcome != "allowed"]
    for finding in refused:
        package = finding.package
        line = f"{package.name} {package.version}: {finding.outcome}: {finding.licence}"
        Console(stderr=True, highlight=False, soft_wrap=True).print(line, markup=False)
    raise typer.Exit(1 if refused or not findings else 0)


if __name__ == "__main__":
    typer.run(main)
