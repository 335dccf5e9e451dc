"""`scholarship-api users`: the only way to create an account with a password. None is built in."""

import datetime as dt
import json
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Final

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
from scholarship_api.audit import personal_data as audit
from scholarship_api.catalogue import personal_data as catalogue
from scholarship_api.database_commands import fail, in_transaction, with_database
from scholarship_api.mail import service as mail
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.platform.observability.redaction import escape_control_characters
from scholarship_api.subjects.personal_data import ACCOUNT_TOPICS
from scholarship_api.subjects.service import of_account

PIPE_COLUMNS: Final = 2_000

users = typer.Typer(
    name="users",
    help="Create, list, disable, export and delete accounts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

personal_data: Final[dict[str, PersonalData]] = {
    "mail": of_account(mail.personal_data),
    "interactions": activity.personal_data,
    "changes": catalogue.changes,
    "idempotency_keys": catalogue.idempotency_keys,
    "events": audit.events,
    **ACCOUNT_TOPICS,
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
        fail(*(problem["msg"].removeprefix("Value error, ") for problem in error.errors()))
    password_hash = _read_password_hash(password_stdin=password_stdin)
    in_transaction(lambda session: service.create(session, new=new, password_hash=password_hash))
    typer.echo(f"Created {new.username} ({new.role}).")


@users.command("list")
def list_command(*, as_json: AsJson = False) -> None:
    """List all accounts by name."""
    accounts = with_database(_list)
    if as_json:
        typer.echo(json.dumps([_summary(*each) for each in accounts], indent=2))
    elif accounts:
        _print_table(accounts)
    else:
        typer.echo("There are no accounts yet; create one with: scholarship-api users create")


@users.command("find")
def find_command(
    *,
    issuer: Annotated[str, typer.Option(help="The identity provider, as in OIDC_ISSUERS.")],
    subject: Annotated[str, typer.Option(help="The `sub` of the person there.")],
) -> None:
    """Print the username of a person whom an identity provider knows."""

    async def find(database: Database) -> str:
        async with database.read_session() as session:
            account = await service.get_of_identity(session, issuer=issuer, subject=subject)
            return account.username

    typer.echo(with_database(find))


@users.command("disable")
def disable_command(username: Name) -> None:
    """Refuse the logins and tokens of an account from now on."""

    async def disable(session: WriteSession) -> str:
        account = await service.get(session, username=username)
        await service.disable(session, account=account)
        return account.username

    typer.echo(f"Disabled {in_transaction(disable)}.")


@users.command("enable")
def enable_command(username: Name) -> None:
    """Let a disabled account log in again. Its former tokens stay refused."""

    async def enable(session: WriteSession) -> str:
        account = await service.get(session, username=username)
        await service.enable(session, account=account)
        return account.username

    typer.echo(f"Enabled {in_transaction(enable)}.")


@users.command("set-password")
def set_password_command(username: Name, *, password_stdin: PasswordStdin) -> None:
    """Set a new password. Tokens that were issued before are refused."""
    password_hash = _read_password_hash(password_stdin=password_stdin)

    async def set_password(session: WriteSession) -> str:
        account = await service.get(session, username=username)
        await service.set_password(session, account=account, password_hash=password_hash)
        return account.username

    typer.echo(
        f"Set the password of {in_transaction(set_password)}; its tokens are no longer valid."
    )


@users.command("export")
def export_command(username: Name) -> None:
    """Print all personal data of an account as JSON."""

    async def export(database: Database) -> dict[str, Any]:
        async with database.read_session() as session:
            account = await service.get(session, username=username)
            return await service.export(session, account=account, other_topics=personal_data)

    typer.echo(json.dumps(with_database(export), indent=2))


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

    typer.echo(f"Deleted {in_transaction(delete)}.")


async def _list(database: Database) -> list[tuple[Account, str | None]]:
    async with database.read_session() as session:
        return await service.list_all(session)


def _summary(account: Account, issuer: str | None) -> dict[str, Any]:
    return {
        "id": str(account.id),
        "username": account.username,
        "role": account.role,
        "organization": account.organization,
        "email": account.email,
        "identity_provider": issuer,
        "disabled": account.disabled_at is not None,
        "created_at": account.created_at.astimezone(dt.UTC).isoformat(),
    }


def _print_table(accounts: Sequence[tuple[Account, str | None]]) -> None:
    table = Table(
        "Name", "Role", "Organization", "E-mail", "Provider", "State", "Created", box=None
    )
    for account, issuer in accounts:
        cells = (
            account.username,
            account.role,
            account.organization or "",
            account.email or "",
            issuer or "",
            "active" if account.disabled_at is None else "disabled",
            f"{account.created_at:%Y-%m-%d}",
        )
        table.add_row(*(escape(escape_control_characters(cell)) for cell in cells))
    # A pipe has no width of its own, and nothing may be cut off there.
    width = None if sys.stdout.isatty() else PIPE_COLUMNS
    Console(highlight=False, width=width).print(table)


def _read_password_hash(*, password_stdin: bool) -> str:
    if not password_stdin:
        fail("give the password on standard input, with --password-stdin", code=2)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        # One byte more than the longest password, to notice a longer one.
        given = sys.stdin.buffer.read(MAX_PASSWORD_BYTES + len(b"\r\n") + 1)
        try:
            password = given.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            fail("the password is not valid UTF-8")
    try:
        return hash_password(check_new_password(password))
    except ValueError as error:
        fail(f"the password {error}")
