"""The command `check`."""

from typing import Annotated

import typer
from rich.console import Console

from scholarship_api.command_errors import EXIT_PROBLEM
from scholarship_api.preflight import checks


def check_command(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    replicas: Annotated[int, typer.Option(min=1, help="Of the deployment.")] = 1,
    base_url: Annotated[
        str | None, typer.Option(help="Also look at the deployment that runs there.")
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="Also look at this image: docker's, or an archive of one.")
    ] = None,
) -> None:
    """The pre-deploy checklist, with the settings of this environment; exit code 1 if any fails."""
    results = checks.run_checks(replicas=replicas, base_url=base_url, image=image)
    if as_json:
        typer.echo(checks.as_json(results))
    else:
        checks.print_table(results, Console())
    raise typer.Exit(0 if checks.all_passed(results) else EXIT_PROBLEM)
