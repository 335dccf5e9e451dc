"""The command line: `scholarship-api --help` lists what it does.

Exit codes: 0 done; 1 the work met problems, which are listed; 2 wrong usage; 69 a server that is
needed, or the port, cannot be used; 78 the settings cannot be used.

A command's module is imported when the command runs: `--help` and `healthcheck` need none of the
application, which takes a second to import.
"""

import pkgutil
import sys
from typing import Any, Final, NamedTuple

import typer
import typer.main
from typer.core import TyperGroup

from scholarship_api import healthcheck
from scholarship_api.command_errors import CommandError, report


class _Command(NamedTuple):
    name: str
    where: str
    """`module:attribute`: a function, or a Typer with commands of its own."""
    summary: str
    """The first line of the command's own help."""


COMMANDS: Final = (
    _Command(
        "users",
        "scholarship_api.accounts.cli:users",
        "Create, list, disable, export and delete accounts.",
    ),
    _Command(
        "keys",
        "scholarship_api.api_keys.cli:keys",
        "Create, list, rotate and revoke API keys, and count their requests.",
    ),
    _Command(
        "audit",
        "scholarship_api.audit.cli:audit_command",
        "Print all changes and events as NDJSON, newest first.",
    ),
    _Command(
        "import",
        "scholarship_api.exchange.cli:import_command",
        "Add and update scholarships from a spreadsheet, CSV or NDJSON file.",
    ),
    _Command(
        "preview",
        "scholarship_api.exchange.cli:preview_command",
        "Show what the first rows of a file would become, and write nothing.",
    ),
    _Command(
        "template",
        "scholarship_api.exchange.cli:template_command",
        "Write a spreadsheet to fill in, with the columns that an import knows.",
    ),
    _Command(
        "export",
        "scholarship_api.exchange.export.cli:export_command",
        "Write the catalogue in a form that `import` reads, or that others read.",
    ),
    _Command(
        "sample",
        "scholarship_api.catalogue.cli:sample_command",
        "Write a synthetic catalogue of any size, for load tests and benchmarks.",
    ),
    _Command(
        "dev",
        "scholarship_api.devserver.cli:dev_command",
        "Serve for development, with its own PostgreSQL, Valkey and catalogue.",
    ),
    _Command(
        "start",
        "scholarship_api.platform.server.cli:start_command",
        "Wait for the servers, migrate, then serve: the entry point of every deployment.",
    ),
    _Command(
        "prestart",
        "scholarship_api.platform.server.cli:prestart_command",
        "Wait for PostgreSQL and Redis, migrate, and try a query. Safe when replicas race.",
    ),
    _Command(
        "serve",
        "scholarship_api.platform.server.cli:serve_command",
        "Serve without migrating, for deployments that migrate in a job of its own.",
    ),
    _Command(
        "search-rules",
        "scholarship_api.search_rules.cli:search_rules",
        "Write the synonyms and rules of the search to a file, or read them from one.",
    ),
    _Command(
        "worker",
        "scholarship_api.worker.cli:worker_command",
        "Deliver webhooks and alerts until SIGTERM. Any number of workers may run.",
    ),
    _Command(
        "deliveries",
        "scholarship_api.webhooks.cli:deliveries",
        "List the messages of webhooks, and send dead ones again.",
    ),
    _Command(
        "migrate",
        "scholarship_api.platform.server.cli:migrate_command",
        "Bring the database's schema to a revision, with DATABASE_MIGRATION_URL if it is set.",
    ),
    _Command(
        "check",
        "scholarship_api.preflight.cli:check_command",
        "Run the pre-deploy checklist with the settings of this environment; exit code 1 if a check"
        " fails.",
    ),
    _Command(
        "mcp",
        "scholarship_api.exchange.mcp.cli:mcp_command",
        "Offer the API to an assistant as MCP tools, on standard input and output.",
    ),
    _Command(
        "openapi",
        "scholarship_api.openapi:openapi_command",
        "Print the OpenAPI document; needs no server and no settings.",
    ),
)


def load(name: str) -> Any:  # noqa: ANN401 - Typer's command class is its own
    """Import a command."""
    [where] = [command.where for command in COMMANDS if command.name == name]
    target = pkgutil.resolve_name(where)
    if isinstance(target, typer.Typer):
        return typer.main.get_group(target)
    single = typer.Typer(add_completion=False)
    single.command(name)(target)
    return typer.main.get_command(single)


class _LazyGroup(TyperGroup):
    """Lists the commands by their summaries, and imports the one that is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - as above
        name, command, rest = super().resolve_command(ctx, args)
        if name in {command.name for command in COMMANDS}:
            command = load(name)
        return name, command, rest


app = typer.Typer(
    name="scholarship-api",
    help="Scholarship Discovery & Search API.",
    cls=_LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _not_called() -> None:
    """Stands for a command in the list."""


for _command in COMMANDS:
    app.command(_command.name, help=_command.summary)(_not_called)


@app.command("healthcheck")
def check_health() -> None:
    """Exit with 0 while the server on this machine's PORT answers /healthz."""
    raise typer.Exit(healthcheck.main())


def main() -> None:
    """The console script; turns what is expected to go wrong into a message and an exit code."""
    try:
        app()
    except CommandError as error:
        report(error)
        sys.exit(error.exit_code)
