"""The command `check`."""

from typing import Annotated

import typer
from rich.console import Console

from scholarship_api.command_errors import EXIT_PROBLEM
from scholarship_api.preflight import checks, results


def check_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    replicas: Annotated[int, typer.Option(min=1, help="How many replicas share the database.")] = 1,
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Accept a failure of this check, such as docs; may be repeated."),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Also look at the deployment that runs there.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="Also look at this image: docker's, or an archive of one.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Look at the settings alone and at no server.")
    ] = False,
) -> None:
    """Run the pre-deploy checklist with the settings of this environment; exit code 1 if a check
    fails."""
    allowed = {name.lower().replace("-", " ") for name in allow or ()}
    if unknown := allowed - set(checks.NAMES):
        message = f"no check is called {', '.join(sorted(unknown))}; there are {_names()}"
        raise typer.BadParameter(message, param_hint="--allow")
    rows = checks.run_checks(
        replicas=replicas, base_url=base_url, image=image, offline=offline, allowed=allowed
    )
    if as_json:
        typer.echo(results.as_json(rows))
    else:
        results.print_table(rows, Console())
    raise typer.Exit(0 if results.all_passed(rows) else EXIT_PROBLEM)


def _names() -> str:
    return ", ".join(checks.NAMES)
