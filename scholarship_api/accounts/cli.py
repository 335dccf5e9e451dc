"""`scholarship-api users`: the only way to create an account. No account is built in."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, NoReturn, TypeVar

import sqlalchemy.exc
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from scholarship_api.accounts import service
from scholarship_api.accounts.models import Account
from scholarship_api.accounts.passwords import MAX_PASSWORD_BYTES, check_new_password, hash_password
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.accounts.service import PersonalData
from scholarship_api.activity import service as activity
from scholarship_api.catalogue import personal_data as catalogue
from scholarship_api.command_errors import EXIT_CONFIG, EXIT_PROBLEM, EXIT_UNAVAILABLE
from scholarship_api.errors import ApiError, DatabaseUnavailable
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.platform.observability import logging
from scholarship_api.platform.observability.redaction import escape_control_characters
from scholarship_api.settings.settings import Settings, load_settings

PIPE_COLUMNS: Final = 2_000
UNDEFINED_TABLE: Final = "42P01"

T = TypeVar("T")

users = typer.Typer(
    name="users",
    help="Create, list, disable, export and delete accounts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

personal_data: Final[dict[str, PersonalData]] = {
    "interactions": activity.personal_data,
    "changes": catalogue.changes,
    "idempotency_keys": catalogue.idempotency_keys,
}
"""The topics of other features for `users export`."""

Name = Annotated[str, typer.Argument(help="The account's username, in any letter case.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
PasswordStdin = Annotated[
    bool,
    typer.Option(
        "--password-stdin",
        help="Read the password from standard input, or ask for it on a terminal. Required:"
        " everybody on the machine can see arguments.",
    ),
]


@users.command("create")
def create_command(
    username: Annotated[str, typer.Argument(help="1-150 letters, digits and . _ @ + -")],
    *,
    role: Annotated[Role, typer.Option()],
    password_stdin: PasswordStdin,
    organization: Annotated[
        str | None, typer.Option(help="The organization whose awards a partner may write.")
    ] = None,
    email: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Create an account."""
    try:
        new = NewAccount(username=username, role=role, organization=organization, email=email)
    except ValidationError as error:
        _fail(*(problem["msg"].removeprefix("Value error, ") for problem in error.errors()))
    password_hash = _read_password_hash(password_stdin=password_stdin)
    _write(lambda session: service.create(session, new=new, password_hash=password_hash))
    typer.echo(f"Created {new.username} ({new.role}).")


@users.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """List all accounts by name."""
    accounts = _run(_list)
    if as_json:
        typer.echo(json.dumps([_summary(account) for account in accounts], indent=2))
    elif accounts:
        _print_table(accounts)
    else:
        typer.echo("There are no accounts yet; create one with: scholarship-api users create")


@users.command("disable")
def disable_command(username: Name) -> None:
    """Refuse the logins and tokens of an account from now on."""

    async def disable(session: WriteSession) -> str:
        account = await service.get(session, username=username)
        await service.disable(session, account=account)
        return account.username

    typer.echo(f"Disabled {_write(disable)}.")


@users.command("enable")
def enable_command(username: Name) -> None:
    """Let a disabled account log in again. Its former tokens stay refused."""

    async def enable(session: WriteSession) -> str:
        account = await service.get(session, username=username)
        await service.enable(session, account=account)
        return account.username

    typer.echo(f"Enabled {_write(enable)}.")


@users.command("set-password")
def set_password_command(username: Name, *, password_stdin: PasswordStdin) -> None:
    """Set a new password. Tokens that were issued before are refused."""
    password_hash = _read_password_hash(password_stdin=password_stdin)

    async def set_password(session: WriteSession) -> str:
        account = await service.get(session, username=username)
        await service.set_password(session, account=account, password_hash=password_hash)
        return account.username

    typer.echo(f"Set the password of {_write(set_password)}; its tokens are no longer valid.")


@users.command("export")
def export_command(username: Name) -> None:
    """Print all personal data of an account as JSON."""

    async def export(database: Database) -> dict[str, Any]:
        async with database.read_session() as session:
            account = await service.get(session, username=username)
            return await service.export(session, account=account, other_topics=personal_data)

    typer.echo(json.dumps(_run(export), indent=2))


@users.command("delete")
def delete_command(
    username: Name, *, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete an account for good."""
    if not yes:
        typer.confirm(f"Delete {escape_control_characters(username)} for good?", abort=True)

    async def delete(session: WriteSession) -> str:
        account = await service.get(session, username=username)
        await service.delete(session, account_id=account.id)
        return account.username

    typer.echo(f"Deleted {_write(delete)}.")


async def _list(database: Database) -> Sequence[Account]:
    async with database.read_session() as session:
        return await service.list_all(session)


def _summary(account: Account) -> dict[str, Any]:
    return {
        "id": str(account.id),
        "username": account.username,
        "role": account.role,
        "organization": account.organization,
        "email": account.email,
        "disabled": account.disabled_at is not None,
        "created_at": account.created_at.astimezone(dt.UTC).isoformat(),
    }


def _print_table(accounts: Sequence[Account]) -> None:
    table = Table("Name", "Role", "Organization", "E-mail", "State", "Created", box=None)
    for account in accounts:
        cells = (
            account.username,
            account.role,
            account.organization or "",
            account.email or "",
            "active" if account.disabled_at is None else "disabled",
            f"{account.created_at:%Y-%m-%d}",
        )
        table.add_row(*(escape(escape_control_characters(cell)) for cell in cells))
    # A pipe has no width of its own, and nothing may be cut off there.
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    Console(highlight=False, width=width).print(table)


def _read_password_hash(*, password_stdin: bool) -> str:
    if not password_stdin:
        _fail("give the password on standard input, with --password-stdin", code=2)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        # One byte more than the longest password, to notice a longer one.
        given = sys.stdin.buffer.read(MAX_PASSWORD_BYTES + len(b"\r\n") + 1)
        try:
            password = given.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            _fail("the password is not valid UTF-8")
    try:
        return hash_password(check_new_password(password))
    except ValueError as error:
        _fail(f"the password {error}")


def _write(work: Callable[[WriteSession], Awaitable[T]]) -> T:
    async def in_transaction(database: Database) -> T:
        async with database.write_session() as session:
            return await work(session)

    return _run(in_transaction)


def _run(work: Callable[[Database], Awaitable[T]]) -> T:
    """The result of `work`. Failures end the program with a message and an exit code."""
    settings = load_settings()
    logging.configure(settings)
    if not settings.database_url.get_secret_value():
        _fail("DATABASE_URL is not set", code=EXIT_CONFIG)

    async def run() -> T:
        async with _opened(settings) as database:
            return await work(database)

    try:
        return asyncio.run(run())
    except DatabaseUnavailable:
        _fail("the database cannot be reached", code=EXIT_UNAVAILABLE)
    except ApiError as error:
        _fail(error.message)
    except sqlalchemy.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != UNDEFINED_TABLE:
            raise
        _fail("the database has no accounts yet; run: scholarship-api migrate")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    try:
        yield database
    finally:
        await database.close()


def _fail(*messages: str, code: int = EXIT_PROBLEM) -> NoReturn:
    for message in messages:
        typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(code)
