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
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65_535, help="Port to listen on; PORT or 8000 unless given, 0 a free one."
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    reload: Annotated[bool, typer.Option(help="Start anew when a source file changes.")] = True,
) -> None:
    """Serve for development, with its own PostgreSQL, Valkey and catalogue.

    Their data are in .dev/. If DATABASE_URL or RATE_LIMIT_BACKEND_URL is set, that server is used
    instead.
    """
    code = supervisor.run(
        port=load_settings().port if port is None else port,
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
