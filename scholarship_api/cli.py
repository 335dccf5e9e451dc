"""The command line: `scholarship-api --help` lists what it does.

Exit codes: 0 done; 1 the work met problems, which are listed; 2 wrong usage; 69 a server that is
needed cannot be used; 78 the settings are not usable.
"""

import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from scholarship_api import healthcheck
from scholarship_api.accounts import cli as accounts
from scholarship_api.activity import service as activity
from scholarship_api.catalogue import cli as catalogue
from scholarship_api.devserver import supervisor
from scholarship_api.platform.database import migrations
from scholarship_api.platform.observability import logging
from scholarship_api.platform.server import start as server
from scholarship_api.preflight import checks
from scholarship_api.settings.settings import EXIT_CONFIG, Settings, SettingsError, load_settings

app = typer.Typer(
    name="scholarship-api",
    help="Scholarship Discovery & Search API.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(accounts.users)
accounts.personal_data["interactions"] = activity.personal_data
app.command("import")(catalogue.import_command)
app.command("export")(catalogue.export_command)
app.command("sample")(catalogue.sample_command)

STATE_DIR = Path(".dev")


def main() -> None:
    """The console script; turns what is expected to go wrong into a message and an exit code."""
    try:
        app()
    except SettingsError as error:
        _fail(str(error), EXIT_CONFIG)
    except (server.PrestartError, migrations.MigrationTimeoutError) as error:
        _fail(str(error), server.EXIT_UNAVAILABLE)


def _fail(message: str, code: int) -> NoReturn:
    Console(stderr=True, highlight=False).print(message, markup=False)
    sys.exit(code)


@app.command()
def dev(
    *,
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65_535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    reload: Annotated[bool, typer.Option(help="Start anew when a source file changes.")] = True,
) -> None:
    """Serve for development, with PostgreSQL, Valkey and a catalogue of its own.

    The state lies in .dev/. DATABASE_URL and RATE_LIMIT_BACKEND_URL, when set, are used instead.
    """
    code = supervisor.run(
        port=port,
        host=host,
        state_dir=STATE_DIR,
        reload=reload,
        migrate=lambda: migrations.upgrade(_migration_url(load_settings())),
        load_bundled_catalogue=lambda: (
            catalogue.load_bundled(load_settings().database_url.get_secret_value()).accepted
        ),
    )
    raise typer.Exit(code)


@app.command()
def start() -> None:
    """Wait for the servers, migrate, then serve: the entry point of every deployment."""
    server.start(_serving_settings())


@app.command()
def prestart() -> None:
    """Wait for PostgreSQL and Redis, migrate, and try a query. Safe when replicas race."""
    server.prestart(_serving_settings())


@app.command()
def serve() -> None:
    """Serve without migrating, for deployments that migrate in a job of its own."""
    server.serve(_serving_settings())


@app.command()
def migrate(
    *,
    revision: Annotated[str, typer.Argument(help="A revision, or head.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Take the schema back to it.")] = False,
) -> None:
    """Bring the database's schema to a revision, with DATABASE_MIGRATION_URL if it is set."""
    settings = load_settings()
    logging.configure(settings)
    move = migrations.downgrade if down else migrations.upgrade
    applied = move(_migration_url(settings), revision=revision)
    typer.echo(f"The schema is at {', '.join(applied) or 'base'}.")


@app.command()
def check(
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
    raise typer.Exit(0 if checks.all_passed(results) else 1)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document; needs no server."""
    os.environ.setdefault("DATABASE_URL", "postgresql://localhost/none")
    # The commands that serve import the application in gunicorn, and need not do so here too.
    create_app = pkgutil.resolve_name("scholarship_api.app:create_app")
    document = create_app(Settings(environment="development")).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


@app.command("healthcheck")
def check_health() -> None:
    """Exit with 0 while the server on this machine's PORT answers /healthz."""
    raise typer.Exit(healthcheck.main())


def _serving_settings() -> Settings:
    settings = load_settings()
    logging.configure(settings)
    return settings


def _migration_url(settings: Settings) -> str:
    return settings.database_migration_url.get_secret_value()
