"""The commands `start`, `prestart`, `serve` and `migrate`."""

from typing import Annotated

import alembic.util
import typer

from scholarship_api.platform.observability import logging
from scholarship_api.platform.server import prestart, start
from scholarship_api.settings.settings import Settings, load_settings


def start_command() -> None:
    """Wait for the servers, migrate, then serve: the entry point of every deployment."""
    start.start(_configured())


def prestart_command() -> None:
    """Wait for PostgreSQL and Redis, migrate, and try a query. Safe when replicas race."""
    prestart.prestart(_configured())


def serve_command() -> None:
    """Serve without migrating, for deployments that migrate in a job of its own."""
    start.serve(_configured())


def migrate_command(
    *,
    revision: Annotated[str, typer.Argument(help="A revision, or head.")] = "head",
    down: Annotated[bool, typer.Option("--down", help="Take the schema back to it.")] = False,
) -> None:
    """Bring the database's schema to a revision, with DATABASE_MIGRATION_URL if it is set."""
    try:
        applied = prestart.migrate(_configured(), revision=revision, down=down)
    except alembic.util.CommandError as error:
        raise typer.BadParameter(str(error), param_hint="REVISION") from None
    typer.echo(f"The schema is at {', '.join(applied) or 'base'}.")


def _configured() -> Settings:
    settings = load_settings()
    logging.configure(settings)
    return settings
