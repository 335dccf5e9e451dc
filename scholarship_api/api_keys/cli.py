"""`scholarship-api keys`: API keys for programs, which need no password."""

import datetime as dt
import json
import uuid
from typing import Annotated, Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scholarship_api.accounts.roles import Scope
from scholarship_api.api_keys import schemas, service
from scholarship_api.catalogue.audit import COMMAND_LINE
from scholarship_api.database_commands import fail, in_transaction, with_database
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.observability.redaction import escape_control_characters
from scholarship_api.settings.settings import load_settings

PIPE_COLUMNS: Final = 2_000

keys = typer.Typer(
    name="keys",
    help="Create, list, rotate and revoke API keys, and count their requests.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

KeyId = Annotated[uuid.UUID, typer.Argument(help="The id of the key, see `keys list`.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@keys.command("create")
def create_command(
    name: Annotated[str, typer.Argument(help="What the key is for, as people will read it.")],
    *,
    scope: Annotated[list[Scope], typer.Option(help="What the key may do; may be repeated.")],
    organization: Annotated[
        str | None, typer.Option(help="Confine the key to the awards of one organization.")
    ] = None,
    tier: Annotated[
        str | None, typer.Option(help="A name of RATE_LIMIT_TIERS, for other rate limits.")
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            help="Make a publishable key for pages of this origin; may be repeated. It only reads."
        ),
    ] = None,
    expires: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day (UTC) on which the key is valid."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create an API key and print its secret, which cannot be read again."""
    try:
        new = schemas.NewApiKey(
            name=name,
            kind="publishable" if origin else "secret",
            scopes=scope,
            organization=organization,
            tier=tier,
            origins=origin or [],
            expires_at=expires and _end_of(expires),
        )
    except ValidationError as error:
        fail(*(problem["msg"].removeprefix("Value error, ") for problem in error.errors()))
    except OverflowError:
        fail("--expires must be before 9999-12-31")
    tiers = load_settings().rate_limit_tiers
    created = in_transaction(
        lambda session: service.create(session, new=new, source=COMMAND_LINE, tiers=tiers)
    )
    _print_secret(created, as_json=as_json)


@keys.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """List all API keys by name."""

    async def read(database: Database) -> list[schemas.ApiKeySummary]:
        async with database.read_session() as session:
            return await service.list_all(session)

    found = with_database(read)
    if as_json:
        typer.echo(json.dumps([key.model_dump(mode="json") for key in found], indent=2))
    elif found:
        _print_table(found)
    else:
        typer.echo("There are no API keys yet; create one with: scholarship-api keys create")


@keys.command("rotate")
def rotate_command(
    key_id: KeyId,
    *,
    overlap_hours: Annotated[
        int,
        typer.Option(
            min=0,
            max=schemas.MAX_OVERLAP_HOURS,
            help="For how long the former secret stays valid.",
        ),
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it."""
    rotated = in_transaction(
        lambda session: service.rotate(
            session, key_id, overlap_hours=overlap_hours, source=COMMAND_LINE
        )
    )
    _print_secret(rotated, as_json=as_json)


@keys.command("revoke")
def revoke_command(key_id: KeyId) -> None:
    """End a key for good."""
    in_transaction(lambda session: service.revoke(session, key_id, source=COMMAND_LINE))
    typer.echo(f"Revoked {key_id}.")


@keys.command("usage")
def usage_command(
    key_id: Annotated[
        uuid.UUID | None, typer.Argument(help="The id of one key; all keys without it.")
    ] = None,
    *,
    days: Annotated[
        int, typer.Option(min=1, max=schemas.MAX_USAGE_DAYS, help="Today and the days before.")
    ] = 30,
    as_json: AsJson = False,
) -> None:
    """Count the requests of API keys per day (UTC) and group of routes."""

    async def read(database: Database) -> list[schemas.UsageRow]:
        async with database.read_session() as session:
            return await service.all_usage(session, days=days, key_id=key_id)

    found = with_database(read)
    if as_json:
        items = [row.model_dump(mode="json") for row in found]
        typer.echo(json.dumps({"items": items}, indent=2))
        return
    table = Table("Day", "Key", "Group of routes", "Requests", box=None)
    for row in found:
        table.add_row(f"{row.day:%Y-%m-%d}", str(row.key_id), row.route_group, str(row.requests))
    Console(highlight=False, width=PIPE_COLUMNS).print(table)


def _end_of(day: dt.datetime) -> dt.datetime:
    return day.replace(tzinfo=dt.UTC) + dt.timedelta(days=1)


def _print_secret(key: schemas.ApiKeyWithSecret, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(key.model_dump(mode="json"), indent=2))
        return
    typer.echo(
        f"Key {key.id} ({escape_control_characters(key.name)}). Its secret, shown this once:",
        err=True,
    )
    typer.echo(key.secret)


def _print_table(found: list[schemas.ApiKeySummary]) -> None:
    table = Table("Id", "Name", "Kind", "Scopes", "Organization", "State", "Last used", box=None)
    for key in found:
        cells = (
            str(key.id),
            key.name,
            key.kind,
            " ".join(key.scopes),
            key.organization or "",
            _state(key),
            f"{key.last_used_on:%Y-%m-%d}" if key.last_used_on else "never",
        )
        table.add_row(*(escape(escape_control_characters(cell)) for cell in cells))
    Console(highlight=False, width=PIPE_COLUMNS).print(table)


def _state(key: schemas.ApiKeySummary) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None and key.expires_at <= dt.datetime.now(dt.UTC):
        return "expired"
    return "active"
