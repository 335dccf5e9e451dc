"""The tables of accounts match their models and refuse invalid values."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, delete, inspect, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from scholarship_api.accounts.models import Account, RevokedToken
from scholarship_api.platform.database import migrations

TABLES = {"accounts", "revoked_tokens"}


@pytest.fixture
def connection(module_database_url: str) -> Iterator[Connection]:
    engine = create_engine(module_database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def is_ours(item: Any, _name: str, kind: str, *_: object) -> bool:  # noqa: ANN401
    return (item.name if kind == "table" else item.table.name) in TABLES


def test_down_and_up_again(scratch_database_url: str) -> None:
    migrations.upgrade(scratch_database_url)
    migrations.downgrade(scratch_database_url, revision="0001")
    engine = create_engine(scratch_database_url)
    assert not TABLES & set(inspect(engine).get_table_names())
    migrations.upgrade(scratch_database_url)
    assert set(inspect(engine).get_table_names()) >= TABLES
    engine.dispose()


def account(**values: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": uuid.uuid4(),
        "username": f"user-{uuid.uuid4().hex}",
        "password_hash": "x",
        "role": "student",
        **values,
    }


@pytest.mark.parametrize(
    "values",
    [
        {"username": ""},
        {"username": "a b"},
        {"username": "\u0430dmin"},
        {"username": "a\n"},
        {"username": "x" * 151},
        {"role": "root"},
        {"role": "partner"},
        {"role": "partner", "organization": ""},
        {"role": "student", "organization": "Acme"},
        {"email": "x" * 255},
    ],
    ids=str,
)
def test_the_table_refuses_invalid_values(connection: Connection, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        connection.execute(postgresql.insert(Account).values(account(**values)))


def test_names_are_unique_in_any_letter_case(connection: Connection) -> None:
    name = f"User-{uuid.uuid4().hex}"
    connection.execute(postgresql.insert(Account).values(account(username=name)))
    with pytest.raises(IntegrityError, match="uq_accounts_username"):
        connection.execute(postgresql.insert(Account).values(account(username=name.upper())))


def test_revoked_tokens_are_removed_with_their_account(connection: Connection) -> None:
    values = account()
    connection.execute(postgresql.insert(Account).values(values))
    token = {"jti": uuid.uuid4(), "account_id": values["id"], "expires_at": "2100-01-01"}
    connection.execute(postgresql.insert(RevokedToken).values(token))
    connection.execute(delete(Account).where(Account.id == values["id"]))
    left = connection.execute(select(RevokedToken).where(RevokedToken.jti == token["jti"]))
    assert left.all() == []
