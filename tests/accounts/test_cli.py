"""`scholarship-api users` on a real database. All tests but one run it in this process."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from anyio import to_thread
from sqlalchemy import create_engine, select
from typer.testing import CliRunner, Result

from scholarship_api.accounts.cli import personal_data
from scholarship_api.accounts.cli import users as users_command
from scholarship_api.accounts.models import Account
from scholarship_api.platform.database import migrations
from scholarship_api.platform.database.sessions import ReadSession

PASSWORD = "correct horse battery staple \U0001f511"

Run = Callable[..., Result]


@pytest.fixture
def users(module_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("DATABASE_URL", module_database_url)

    def run(*arguments: str, given: str | bytes = "") -> Result:
        done = CliRunner().invoke(users_command, arguments, input=given)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        assert PASSWORD not in done.output
        assert "$argon2" not in done.output
        return done

    return run


def new_name() -> str:
    return f"User-{uuid.uuid4().hex[:8]}"


def create(users: Run, name: str, *options: str, given: str | bytes = f"{PASSWORD}\n") -> Any:  # noqa: ANN401
    return users(
        "create", name, *(options or ("--role", "student")), "--password-stdin", given=given
    )


async def in_thread(run: Callable[..., Result], *arguments: Any, **named: Any) -> Result:  # noqa: ANN401
    """Commands start their own event loop."""
    return await to_thread.run_sync(lambda: run(*arguments, **named))


def stored(database_url: str, name: str) -> Account | None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        row = connection.execute(select(Account).where(Account.username == name)).one_or_none()
    engine.dispose()
    return row  # type: ignore[return-value]


@pytest.mark.anyio
async def test_the_life_of_an_account(
    users: Run, client: httpx.AsyncClient, module_database_url: str
) -> None:
    name = new_name()
    done = await in_thread(
        create,
        users,
        name,
        *("--role", "partner", "--organization", "Acme [Trust]", "--email", "p@x.org"),
    )
    assert (done.exit_code, done.stdout) == (0, f"Created {name} (partner).\n")

    async def status(password: str) -> int:
        body = {"username": name, "password": password}
        return (await client.post("/api/v1/auth/login-simple", json=body)).status_code

    assert await status(PASSWORD) == 200
    assert (await in_thread(users, "disable", name.lower())).stdout == f"Disabled {name}.\n"
    assert await status(PASSWORD) == 401
    listed = json.loads((await in_thread(users, "list", "--json")).stdout)
    (own,) = (entry for entry in listed if entry["username"] == name)
    assert own.pop("id")
    assert own.pop("created_at").endswith("+00:00")
    assert own == {
        "username": name,
        "role": "partner",
        "organization": "Acme [Trust]",
        "email": "p@x.org",
        "identity_provider": None,
        "disabled": True,
    }
    assert (await in_thread(users, "enable", name)).exit_code == 0
    assert await status(PASSWORD) == 200
    changed = await in_thread(
        users, "set-password", name, "--password-stdin", given="another good password"
    )
    assert changed.exit_code == 0
    assert await status(PASSWORD) == 401
    assert await status("another good password") == 200
    assert (await in_thread(users, "delete", name, given="n\n")).exit_code == 1
    assert (await in_thread(users, "delete", name)).exit_code == 1
    assert await status("another good password") == 200
    assert (await in_thread(users, "delete", name, given="y\n")).exit_code == 0
    assert await status("another good password") == 401
    assert stored(module_database_url, name) is None
    assert (await in_thread(users, "delete", name, "--yes")).exit_code == 1


@pytest.mark.anyio
async def test_the_export_holds_all_data_of_a_person(
    users: Run, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = new_name()
    done = await in_thread(create, users, name, "--role", "student", "--email", "p@x.org")
    assert done.exit_code == 0
    body = {"username": name, "password": PASSWORD}
    answer = await client.post("/api/v1/auth/login-simple", json=body)
    token = answer.json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    account_id = (await client.get("/api/v1/auth/me", headers=headers)).json()["id"]
    assert (await client.post("/api/v1/auth/logout", headers=headers)).status_code == 204

    async def interactions(session: ReadSession, account_id: uuid.UUID) -> object:
        return [{"subject": str(account_id), "read_only": type(session) is ReadSession}]

    monkeypatch.setitem(personal_data, "interactions", interactions)
    done = await in_thread(users, "export", name)
    exported = json.loads(done.stdout)
    assert set(exported) == {
        *("account", "revoked_tokens", "mail"),
        *("interactions", "changes", "idempotency_keys"),
        *("events", "profile", "saved_searches", "applications", "feeds"),
    }
    assert exported["account"]["email"] == "p@x.org"
    columns = {column.name for column in Account.__table__.columns}
    kept = columns - {"password_hash", "password_version"}
    assert set(exported["account"]) == kept | {"identity_provider"}
    assert len(exported["revoked_tokens"]) == 1
    assert exported["interactions"] == [{"subject": account_id, "read_only": True}]


def test_the_list_as_a_table(users: Run) -> None:
    names = [new_name(), new_name()]
    long_name = "The [bold]Very[/bold] Long Name of a \u00c5ngstr\u00f6m Trust " + "x" * 150
    assert create(users, names[0], "--role", "partner", "--organization", long_name).exit_code == 0
    assert create(users, names[1], "--role", "read-only").exit_code == 0
    assert users("disable", names[1]).exit_code == 0
    lines = users("list").stdout.splitlines()
    (partner,) = (line for line in lines if names[0] in line)
    (disabled,) = (line for line in lines if names[1] in line)
    assert long_name in partner
    assert "active" in partner
    assert "disabled" in disabled


def test_the_list_without_accounts(
    users: Run, scratch_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", scratch_database_url)
    unmigrated = users("list")
    assert (unmigrated.exit_code, unmigrated.stdout) == (1, "")
    assert "scholarship-api migrate" in unmigrated.stderr
    migrations.upgrade(scratch_database_url)
    assert "no accounts yet" in users("list").stdout
    assert json.loads(users("list", "--json").stdout) == []


def test_a_name_is_taken_in_any_letter_case(users: Run) -> None:
    name = new_name()
    assert create(users, name).exit_code == 0
    again = create(users, name.swapcase())
    assert again.exit_code == 1
    assert "already" in again.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("a b", "--role", "student"), "letters, digits"),
        (("\u0430dmin", "--role", "student"), "letters, digits"),
        (("-x", "--role", "student"), ""),
        (("x" * 151, "--role", "student"), "letters, digits"),
        (("somebody", "--role", "partner"), "organization"),
        (("somebody", "--role", "student", "--organization", "Acme"), "organization"),
        (("somebody", "--role", "partner", "--organization", " "), "organization"),
        (("somebody", "--role", "partner", "--organization", "a\x1b[2J"), "control"),
        (("somebody", "--role", "root"), "root"),
        (("somebody", "--role", "student", "--email", "nobody"), "e-mail"),
        (("somebody",), "--role"),
    ],
)
def test_an_invalid_account_is_refused(
    users: Run, module_database_url: str, options: tuple[str, ...], message: str
) -> None:
    done = users("create", *options, "--password-stdin", given=PASSWORD)
    assert done.exit_code in {1, 2}
    assert message in done.stderr
    assert "\x1b[2J" not in done.stderr
    assert stored(module_database_url, options[0]) is None


@pytest.mark.parametrize(
    "given",
    ["", "\n", "eleven char", "a\0b" * 10, "x" * 5000, b"\xff" * 20],
    ids=["empty", "line end", "short", "nul", "5000", "not utf-8"],
)
def test_an_invalid_password_is_refused(
    users: Run, module_database_url: str, given: str | bytes
) -> None:
    name = new_name()
    done = create(users, name, given=given)
    assert done.exit_code == 1
    assert "the password" in done.stderr
    assert stored(module_database_url, name) is None


def test_the_final_line_end_does_not_belong_to_the_password(
    users: Run, module_database_url: str
) -> None:
    for given in (f" {PASSWORD}\nx\n", f"{'x' * 1024}\r\n"):
        assert create(users, new_name(), given=given).exit_code == 0


def test_a_password_is_read_from_standard_input_only(users: Run, module_database_url: str) -> None:
    name = new_name()
    done = users("create", name, "--role", "student", given=PASSWORD)
    assert done.exit_code == 2
    assert "--password-stdin" in done.stderr
    assert users("create", name, "--role", "student", "--password", "x").exit_code == 2
    assert stored(module_database_url, name) is None


def test_an_unknown_account_is_reported(users: Run) -> None:
    for command in ("disable", "enable", "export"):
        done = users(command, "nobody")
        assert (done.exit_code, done.stdout) == (1, "")
        assert "no account" in done.stderr
    assert users("set-password", "nobody", "--password-stdin", given=PASSWORD).exit_code == 1


def test_a_missing_database_is_reported(users: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hidden-password@127.0.0.1:1/none")
    away = users("list")
    assert (away.exit_code, away.stdout) == (69, "")
    assert "cannot be reached" in away.stderr
    assert "hidden-password" not in away.stderr
    monkeypatch.delenv("DATABASE_URL")
    unset = users("list")
    assert (unset.exit_code, unset.stdout) == (78, "")
    assert "DATABASE_URL" in unset.stderr


@pytest.mark.slow
def test_the_installed_command(module_database_url: str) -> None:
    name = new_name()
    arguments = ("create", name, "--role", "student", "--password-stdin")
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c"),
            "from scholarship_api.accounts.cli import users; users()",
            *arguments,
        ],
        input=PASSWORD.encode(),
        capture_output=True,
        env={**os.environ, "ENVIRONMENT": "test", "DATABASE_URL": module_database_url},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.decode()) == (0, f"Created {name} (student).\n")
    events = [json.loads(line)["event"] for line in done.stderr.decode().splitlines()]
    assert events == ["account.created"]
    assert stored(module_database_url, name) is not None


def test_help_names_every_command(users: Run) -> None:
    text = users("--help").stdout
    for command in ("create", "list", "disable", "enable", "set-password", "export", "delete"):
        assert command in text
