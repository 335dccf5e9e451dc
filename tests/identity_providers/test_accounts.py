"""Accounts of identity providers: roles, disabling, deletion, the command line and the audit."""

import asyncio
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import psycopg
import pytest
from anyio import to_thread
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from scholarship_api.accounts.cli import users
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.tokens import LEEWAY_SECONDS
from tests.accounts.conftest import PASSWORD, bearer, changed, connected, running
from tests.accounts.conftest import make_account as make_account  # noqa: PLC0414 - a fixture
from tests.identity_providers.conftest import ME, sent
from tests.identity_providers.provider import Provider

pytestmark = pytest.mark.anyio

LOGIN = "/api/v1/auth/login-simple"
MINUTE = 60

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def run(module_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`scholarship-api users` in a thread, as it has an event loop of its own."""
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("DATABASE_URL", module_database_url)

    async def run(*arguments: str, given: str = "") -> Result:
        return await to_thread.run_sync(lambda: CliRunner().invoke(users, arguments, input=given))

    return run


def ago(seconds: int) -> int:
    return int(time.time()) - seconds


async def me(client: httpx.AsyncClient, token: str) -> dict[str, Any]:
    answer = await client.get(ME, headers=sent(token))
    assert answer.status_code == 200, answer.text
    account: dict[str, Any] = answer.json()
    return account


async def username(client: httpx.AsyncClient, token: str) -> str:
    return str((await me(client, token))["username"])


@pytest.mark.parametrize(
    ("claims", "role", "organization"),
    [
        ({}, "student", None),
        ({"groups": "staff"}, "admin", None),
        ({"groups": ["guest", "staff"]}, "admin", None),
        ({"groups": ["guest"]}, "read-only", None),
        ({"groups": ["unknown"]}, "student", None),
        ({"groups": [["staff"], {"staff": 1}, 7, None]}, "student", None),
        ({"groups": {"staff": True}}, "student", None),
        ({"groups": "office", "school": "Acme Trust"}, "partner", "Acme Trust"),
        ({"groups": "office", "school": [" Acme Trust "]}, "partner", "Acme Trust"),
        ({"groups": "office"}, "student", None),
        ({"groups": "office", "school": ["Acme Trust", "Other"]}, "student", None),
        ({"groups": "office", "school": "a" * 256}, "student", None),
        ({"groups": "office", "school": "a\nb"}, "student", None),
        ({"groups": "office", "school": "  "}, "student", None),
        ({"role": "admin", "roles": ["admin"], "school": "Acme Trust"}, "student", None),
    ],
)
async def test_role_and_organization_come_from_the_claims(
    client: httpx.AsyncClient,
    provider: Provider,
    claims: dict[str, Any],
    role: str,
    organization: str | None,
) -> None:
    account = await me(client, provider.token(secrets.token_hex(8), **claims))
    assert (account["role"], account["organization"]) == (role, organization)


async def test_a_role_changes_with_the_next_token_on_every_worker(
    clients: list[httpx.AsyncClient], provider: Provider
) -> None:
    subject = secrets.token_hex(8)
    student = provider.token(subject, iat=ago(30))
    promoted = provider.token(subject, iat=ago(20), groups="staff")
    demoted = provider.token(subject, iat=ago(10), groups="office", school="Acme Trust")
    for token, role in ((student, "student"), (promoted, "admin"), (demoted, "partner")):
        for client in clients:
            assert (await me(client, token))["role"] == role
    for token in (student, promoted):  # older tokens do not bring an older role back
        for client in clients:
            assert (await me(client, token))["role"] == "partner"


async def test_a_path_and_a_name_with_dots_name_a_claim(
    settings: Any,  # noqa: ANN401
    provider: Provider,
) -> None:
    issuers = settings.model_dump()["oidc_issuers"]
    paths: dict[str, dict[str, Any]] = {
        "realm_access.roles": {"realm_access": {"roles": ["staff"]}},
        "https://example.org/roles": {"https://example.org/roles": ["staff"]},
    }
    for claim, claims in paths.items():
        issuers[provider.issuer] |= {"role_claim": claim, "organizations": {"eng": "Engineering"}}
        async with (
            running(changed(settings, oidc_issuers=issuers)) as app,
            connected(app) as client,
        ):
            assert (await me(client, provider.token(claim, **claims)))["role"] == "admin"


async def test_organizations_can_be_limited_to_those_that_are_mapped(
    settings: Any,  # noqa: ANN401
    provider: Provider,
) -> None:
    issuers = settings.model_dump()["oidc_issuers"]
    issuers[provider.issuer]["organizations"] = {"eng": "School of Engineering"}
    async with running(changed(settings, oidc_issuers=issuers)) as app, connected(app) as client:
        mapped = await me(client, provider.token("mapped", groups="office", school="eng"))
        assert mapped["organization"] == "School of Engineering"
        other = await me(client, provider.token("other", groups="office", school="Acme Trust"))
        assert (other["role"], other["organization"]) == ("student", None)


async def test_requests_at_once_add_one_account(
    clients: list[httpx.AsyncClient], provider: Provider, module_database_url: str
) -> None:
    token = provider.token(secrets.token_hex(8))
    answers = await asyncio.gather(
        *(client.get(ME, headers=sent(token)) for client in clients for _ in range(5))
    )
    assert len({answer.json()["id"] for answer in answers}) == 1
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        [(accounts, identities)] = connection.execute(
            "SELECT (SELECT count(*) FROM accounts WHERE username LIKE 'oidc-%'),"
            " (SELECT count(*) FROM account_identities WHERE account_id IS NOT NULL)"
        ).fetchall()
    assert accounts == identities


def let_leeway_pass(database_url: str) -> None:
    """Set the ends of refusals back, as if the leeway of clocks had passed since."""
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "UPDATE account_identities SET refused_until = refused_until - '20 s'::interval"
        )


async def test_a_token_of_a_clock_that_is_ahead_ends_with_its_account(
    client: httpx.AsyncClient, provider: Provider, run: Run
) -> None:
    subject = secrets.token_hex(8)
    ahead = provider.token(subject, iat=int(time.time()) + LEEWAY_SECONDS - 2)
    name = await username(client, ahead)
    for command in ("disable", "enable"):
        assert (await run(command, name)).exit_code == 0
    assert (await client.get(ME, headers=sent(ahead))).status_code == 401
    assert (await run("delete", name, "--yes")).exit_code == 0
    assert (await client.get(ME, headers=sent(ahead))).status_code == 401


async def test_a_disabled_account_is_refused_and_enabling_revives_no_token(
    clients: list[httpx.AsyncClient], provider: Provider, run: Run, module_database_url: str
) -> None:
    subject = secrets.token_hex(8)
    before = provider.token(subject)
    name = await username(clients[0], before)
    assert await username(clients[1], before) == name
    assert (await run("disable", name)).exit_code == 0
    while_disabled = provider.token(subject)
    for client in clients:
        for token in (before, while_disabled):
            assert (await client.get(ME, headers=sent(token))).status_code == 401
            assert (await client.get("/api/v1/search", headers=sent(token))).status_code == 401
    assert (await run("enable", name)).exit_code == 0
    for client in clients:
        for token in (before, while_disabled):
            assert (await client.get(ME, headers=sent(token))).status_code == 401
    let_leeway_pass(module_database_url)
    for client in clients:
        assert await username(client, provider.token(subject)) == name


async def test_a_deleted_account_comes_back_with_a_new_token_only(
    clients: list[httpx.AsyncClient], provider: Provider, module_database_url: str
) -> None:
    subject = secrets.token_hex(8)
    token = provider.token(subject)
    account = await me(clients[0], token)
    await me(clients[1], token)
    deleted = await clients[0].delete(ME, headers=sent(token))
    assert deleted.status_code == 204
    for client in clients:
        for _ in range(2):
            assert (await client.get(ME, headers=sent(token))).status_code == 401
    let_leeway_pass(module_database_url)
    later = provider.token(subject)
    again = await me(clients[0], later)
    assert again["id"] != account["id"]
    assert await me(clients[1], later) == again


async def test_identities_of_deleted_accounts_are_forgotten_after_a_day(
    client: httpx.AsyncClient, provider: Provider, module_database_url: str
) -> None:
    subject = secrets.token_hex(8)
    await client.delete(ME, headers=sent(provider.token(subject)))
    forgotten = (
        "SELECT count(*) FROM account_identities WHERE refused_until < now() - '24h'::interval"
    )
    with psycopg.connect(module_database_url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute(
            "UPDATE account_identities SET refused_until = refused_until - '25h'::interval"
            " WHERE account_id IS NULL"
        )
        assert database.execute(forgotten).fetchone() != (0,)
        await me(client, provider.token("somebody new"))
        assert database.execute(forgotten).fetchone() == (0,)


async def test_such_an_account_has_no_password(
    client: httpx.AsyncClient, provider: Provider, run: Run
) -> None:
    name = await username(client, provider.token(secrets.token_hex(8)))
    for password in (PASSWORD, "!"):
        answer = await client.post(LOGIN, json={"username": name, "password": password})
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
    refused = await run("set-password", name, "--password-stdin", given=PASSWORD)
    assert refused.exit_code == 1
    assert "identity provider" in refused.stderr


async def test_its_token_cannot_be_revoked_here(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    answer = await client.post("/api/v1/auth/logout", headers=sent(provider.token()))
    assert answer.status_code == 403


async def test_the_commands_know_such_accounts(
    client: httpx.AsyncClient, provider: Provider, run: Run
) -> None:
    subject = f"{secrets.token_hex(8)}@example.edu"
    name = await username(client, provider.token(subject))
    found = await run("find", "--issuer", provider.issuer, "--subject", subject)
    assert (found.exit_code, found.stdout) == (0, f"{name}\n")
    missing = await run("find", "--issuer", provider.issuer, "--subject", "nobody")
    assert (missing.exit_code, missing.stdout) == (1, "")
    listed = json.loads((await run("list", "--json")).stdout)
    assert {each["username"]: each["identity_provider"] for each in listed}[name] == provider.issuer
    assert provider.issuer in (await run("list")).stdout
    exported = json.loads((await run("export", name)).stdout)
    assert exported["account"]["identity_provider"] == provider.issuer
    assert subject not in json.dumps(exported)
    assert (await run("delete", name, "--yes")).exit_code == 0
    assert (await run("export", name)).exit_code == 1


async def test_neither_subject_nor_claims_are_stored(
    client: httpx.AsyncClient, provider: Provider, module_database_url: str
) -> None:
    subject, mail = secrets.token_hex(16), f"{secrets.token_hex(8)}@example.edu"
    await me(client, provider.token(subject, email=mail, name=mail))
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        [(stored,)] = connection.execute(
            "SELECT concat((SELECT json_agg(a) FROM accounts a),"
            " (SELECT json_agg(i) FROM account_identities i),"
            " (SELECT json_agg(e) FROM audit_events e))"
        ).fetchall()
    assert provider.issuer in stored
    assert subject not in stored
    assert mail not in stored


async def test_the_audit_has_the_appearance_and_each_change_of_role(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    subject = secrets.token_hex(8)
    account = await me(client, provider.token(subject, iat=ago(20)))
    await me(client, provider.token(subject, iat=ago(10), groups="office", school="Acme Trust"))
    admin = sent(provider.token("auditor", groups="staff"))
    audit = await client.get("/api/v1/audit", params={"target": account["id"]}, headers=admin)
    assert audit.status_code == 200, audit.text
    changed_role, created = audit.json()["items"]
    assert (created["action"], created["details"]) == (
        "account.created",
        {"role": "student", "issuer": provider.issuer},
    )
    assert changed_role["action"] == "account.role_changed"
    assert changed_role["details"] == {
        "before": {"role": "student", "organization": None},
        "after": {"role": "partner", "organization": "Acme Trust"},
    }
    assert {created["actor"]["id"], changed_role["actor"]["id"]} == {account["id"]}
    assert changed_role["trace_id"]


async def test_local_accounts_go_on_working(
    apps: list[FastAPI],
    client: httpx.AsyncClient,
    make_account: Any,  # noqa: ANN401
) -> None:
    local = await make_account(Role.STUDENT)
    assert (await client.get(ME, headers=bearer(apps[0], local))).status_code == 200
    credentials = {"username": local.username, "password": PASSWORD}
    assert (await client.post(LOGIN, json=credentials)).status_code == 200


async def test_a_token_of_a_login_ends_when_logins_are_closed(
    apps: list[FastAPI],
    settings: Any,  # noqa: ANN401
    make_account: Any,  # noqa: ANN401
) -> None:
    local = bearer(apps[0], await make_account(Role.STUDENT))
    closed = changed(settings, local_login_enabled=False)
    async with running(closed) as app, connected(app) as client:
        assert (await client.get(ME, headers=local)).status_code == 401
