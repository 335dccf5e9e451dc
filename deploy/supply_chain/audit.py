"""Checks every locked package for known vulnerabilities: `make audit`

Each package is looked up by name and version at the index that it was locked from. The JSON API of
the index includes the vulnerabilities of the OSV database. `uv audit` asks OSV itself, which gives
the same answer for a package without vulnerabilities and for an unknown package. The index tells
them apart. Any unclear answer is a failure.

Exit codes: 0 every package was looked up and none is vulnerable; 1 anything else; 2 wrong usage.
"""

import asyncio
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.console import Console
from rich.table import Table

from deploy.supply_chain.lock import FILE, Lock, LockedPackage

POLICY: Final = Path(__file__).with_name("policy.toml")
CONNECTIONS: Final = 8
"""Requests to the index at the same time."""

TIMEOUT_SECONDS: Final = 20.0
"""Seconds for one request to the index."""

PAUSES_SECONDS: Final = (0.5, 2.0)
"""Seconds before each further attempt when the index cannot be reached or is overloaded."""


@dataclass(frozen=True, slots=True)
class Ignored:
    id: str
    package: str
    until: date
    """The last day on which the entry counts."""
    reason: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    package: str
    what: str


@dataclass(frozen=True, slots=True)
class Vulnerability:
    id: str
    aliases: frozenset[str]
    fixed_in: tuple[str, ...]
    summary: str


class NoAnswerError(Exception):
    """A package could not be looked up; the message says why."""


def read_ignored(file: Path) -> list[Ignored]:
    """The ignored vulnerabilities of the policy. Raises TypeError when an entry lacks a field."""
    return [Ignored(**entry) for entry in tomllib.loads(file.read_text()).get("ignored", [])]


async def audit(
    packages: Sequence[LockedPackage], ignored: Sequence[Ignored], *, today: date
) -> list[Problem]:
    """All problems, sorted. An ignored entry that matches nothing is a problem too."""
    gate = asyncio.Semaphore(CONNECTIONS)
    async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=True) as client:

        async def ask(package: LockedPackage) -> list[Vulnerability] | NoAnswerError:
            async with gate:
                try:
                    return await _look_up(client, package)
                except NoAnswerError as error:
                    return error

        answers = await asyncio.gather(*map(ask, packages))
    problems = [] if packages else [Problem("uv.lock", "has no packages")]
    unused = set(ignored)
    for package, answer in zip(packages, answers, strict=True):
        name = f"{package.name} {package.version}"
        if isinstance(answer, NoAnswerError):
            problems.append(Problem(name, f"cannot be looked up: {answer}"))
            continue
        for found in answer:
            entries = {
                entry
                for entry in ignored
                if entry.package == package.name and entry.id in {found.id, *found.aliases}
            }
            unused -= entries
            if not any(entry.until >= today for entry in entries):
                fix = f" (fixed in {', '.join(found.fixed_in)})" if found.fixed_in else ""
                problems.append(Problem(name, f"{found.id}{fix}: {found.summary}"))
    problems += [Problem(entry.package, f"{entry.id} need not be ignored") for entry in unused]
    return sorted(problems)


async def _look_up(client: httpx.AsyncClient, package: LockedPackage) -> list[Vulnerability]:
    if package.registry is None:
        raise NoAnswerError("it does not come from an index")
    index = package.registry.rstrip("/").removesuffix("/simple")
    answer = await _get(client, f"{index}/pypi/{package.name}/{package.version}/json")
    try:
        entries = answer.json()["vulnerabilities"]
        return [_vulnerability(entry) for entry in entries if not entry.get("withdrawn")]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoAnswerError("the answer does not say what is known") from error


async def _get(client: httpx.AsyncClient, url: str) -> httpx.Response:
    reason = ""
    for pause in (0.0, *PAUSES_SECONDS):
        await asyncio.sleep(pause)
        try:
            answer = await client.get(url)
        except httpx.HTTPError as error:
            reason = f"the index cannot be reached ({type(error).__name__})"
        else:
            if answer.status_code == httpx.codes.OK:
                return answer
            reason = f"the index answers {answer.status_code}"
            if answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
    raise NoAnswerError(reason)


def _vulnerability(entry: dict[str, Any]) -> Vulnerability:
    text = entry.get("summary") or entry.get("details") or ""
    return Vulnerability(
        id=entry["id"],
        aliases=frozenset(entry.get("aliases") or ()),
        fixed_in=tuple(entry.get("fixed_in") or ()),
        summary=text.splitlines()[0] if text else "",
    )


def main(
    lock: Annotated[Path, typer.Option(help="A lock file of uv.", dir_okay=False)] = FILE,
    policy: Annotated[
        Path, typer.Option(help="The list of ignored vulnerabilities.", dir_okay=False)
    ] = POLICY,
) -> None:
    """Look up every package of the lock, of all groups, extras, platforms and versions."""
    packages = Lock(lock).packages()
    today = datetime.now(UTC).date()
    problems = asyncio.run(audit(packages, read_ignored(policy), today=today))
    if problems:
        table = Table("Package", "Problem", title="Audit", title_justify="left")
        for problem in problems:
            table.add_row(problem.package, problem.what)
        Console().print(table)
        typer.echo(f"{len(problems)} problems in {len(packages)} packages.")
        raise typer.Exit(1)
    typer.echo(f"{len(packages)} packages were looked up; no vulnerability is known.")


if __name__ == "__main__":
    typer.run(main)
