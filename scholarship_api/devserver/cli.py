"""The command `dev`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.devserver import supervisor
from scholarship_api.platform.database import migrations
from scholarship_api.settings.settings import load_settings

STATE_DIR: Final = Path(".dev")


def dev_command(
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
        migrate=_migrate,
        load_bundled_catalogue=_load_catalogue,
    )
    raise typer.Exit(code)


def _migrate() -> None:
    migrations.upgrade(load_settings().database_migration_url.get_secret_value())


def _load_catalogue() -> int:
    return load_bundled(load_settings().database_url.get_secret_value()).accepted
