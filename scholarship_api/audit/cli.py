"""The command `audit`."""

import datetime as dt
import uuid
from typing import Annotated, Final

import typer
from pydantic import ValidationError

from scholarship_api.audit import schemas, service
from scholarship_api.database_commands import fail, with_database
from scholarship_api.platform.database.engine import Database

INSTANTS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]


def audit_command(
    *,
    action: Annotated[
        str | None,
        typer.Option(help="One action such as key.created, or its first part with the dot."),
    ] = None,
    actor: Annotated[
        uuid.UUID | None, typer.Option(help="The id of the account or key that did it.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="The id of the award, account or key; for an award, its history."),
    ] = None,
    since: Annotated[
        dt.datetime | None, typer.Option(formats=INSTANTS, help="From this time on, in UTC.")
    ] = None,
    until: Annotated[
        dt.datetime | None, typer.Option(formats=INSTANTS, help="Before this time, in UTC.")
    ] = None,
) -> None:
    """Print all changes and events as NDJSON, newest first."""
    try:
        filters = schemas.AuditFilters(
            action=action, actor_id=actor, target=target, since=_in_utc(since), until=_in_utc(until)
        )
    except ValidationError as error:
        fail(*(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors()))

    async def write(database: Database) -> None:
        async for entry in service.export(database, filters):
            typer.echo(entry.model_dump_json())

    with_database(write)


def _in_utc(instant: dt.datetime | None) -> dt.datetime | None:
    return None if instant is None else instant.replace(tzinfo=dt.UTC)
