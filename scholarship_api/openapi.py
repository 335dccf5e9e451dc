"""The command `openapi`."""

import json

import typer

from scholarship_api.app import create_app
from scholarship_api.settings.settings import DefaultSettings


def openapi_command() -> None:
    """Print the OpenAPI document; needs no server and no settings."""
    settings = DefaultSettings(
        environment="development", database_url="postgresql://localhost/unused"
    )
    document = create_app(settings).openapi()
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
