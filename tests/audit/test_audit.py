"""The audit: what happened, by whom, and that nobody can change it."""

import functools
import json
import runpy
import uuid
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg.sql import SQL, Identifier

from scholarship_api.accounts import service as accounts
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from tests.api_keys.conftest import (
    KEYS,
    LISTING,
    Headers,
    MakeHeaders,
    MakeKey,
    change,
    sent,
)

pytestmark = pytest.mark.anyio

AUDIT = "/api/v1/audit"
MIGRATION = Path(__file__).parents[2] / "alembic" / "versions" / "0014_api_keys.py"
APPEND_ONLY = runpy.run_path(str(MIGRATION))["APPEND_ONLY"]
AWARD = {
    "name": "An award",
    "organization": "Acme Trust",
    "description": "For those who look for one.",
    "scholarship_type": "merit_based",
    "deadline_kind": "rolling",
}


@pytest.fixture
async def award_id(client: httpx.AsyncClient, admin: Headers) -> str:
    award_id = f"award-{uuid.uuid4().hex}"
    answer = await client.post(LISTING, json={"id": award_id, **AWARD}, headers=admin)
    assert answer.status_code == 201, answer.text
    return award_id


async def entries(
    client: httpx.AsyncClient,
    headers: Headers,
    **params: Any,  # noqa: ANN401
) -> list[dict[str, Any]]:
    answer = await client.get(AUDIT, params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_the_history_of_an_award_reads_from_its_creation_on(
    client: httpx.AsyncClient,
    admin: Headers,
    make_key: MakeKey,
    award_id: str,
) -> None:
    key = await make_key(name="campus portal", scopes=["scholarships:write"])
    url = f"{LISTING}/{award_id}"
    request_id = uuid.uuid4().hex
    changed = await change(
        client, award_id, {**sent(key), "X-Request-ID": request_id}, name="Another"
    )
    assert changed.status_code == 200, changed.text
    version = changed.headers["ETag"]
    archived = await client.delete(url, headers={"If-Match": version, **admin})
    assert archived.status_code == 204
    page = (await client.get(f"{url}/history", headers=admin)).json()
    assert [entry["action"] for entry in page["items"]] == [
        "award.archived",
        "award.updated",
        "award.created",
    ]
    updated = page["items"][1]
    assert updated["before"] == {"name": "An award"}
    assert updated["after"] == {"name": "Another"}
    assert updated["actor"] == {"kind": "key", "id": key["id"], "name": "campus portal"}
    assert updated["trace_id"] == changed.headers["X-Trace-ID"]
    assert [entry["request_id"] for entry in page["items"]] == [None, request_id, None]
    assert [entry["version"] for entry in page["items"]] == [3, 2, 1]


async def test_the_history_is_for_those_who_may_write_the_award(
    client: httpx.AsyncClient,
    make_headers: MakeHeaders,
    award_id: str,
) -> None:
    url = f"{LISTING}/{award_id}/history"
    own = await make_headers(Role.PARTNER, organization="Acme Trust")
    other = await make_headers(Role.PARTNER, organization="Other Trust")
    student = await make_headers(Role.STUDENT)
    assert (await client.get(url, headers=own)).status_code == 200
    assert (await client.get(url, headers=other)).status_code == 404
    assert (await client.get(url, headers=student)).status_code == 403
    assert (await client.get(url)).status_code == 401
    unknown = await client.get(f"{LISTING}/no-such-award/history", headers=own)
    assert unknown.status_code == 404


async def test_pages_of_the_history_join_without_gap_or_repeat(
    client: httpx.AsyncClient,
    admin: Headers,
    award_id: str,
) -> None:
    url = f"{LISTING}/{award_id}"
    for number in range(5):
        await change(client, award_id, admin, name=f"Name {number}")
    seen, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{url}/history", params=params, headers=admin)).json()
        seen += [entry["version"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [6, 5, 4, 3, 2, 1]


async def test_filters_of_the_history(
    client: httpx.AsyncClient, admin: Headers, award_id: str
) -> None:
    await change(client, award_id, admin, name="Another")
    url = f"{LISTING}/{award_id}/history"

    async def versions(**params: str) -> list[int]:
        answer = await client.get(url, params=params, headers=admin)
        assert answer.status_code == 200, answer.text
        return [entry["version"] for entry in answer.json()["items"]]

    [updated, created] = (await client.get(url, headers=admin)).json()["items"]
    assert await versions(action="award.updated") == [2]
    assert await versions(actor_id=created["actor"]["id"]) == [2, 1]
    assert await versions(actor_id=str(uuid.uuid4())) == []
    assert await versions(since=updated["occurred_at"]) == [2]
    assert await versions(until=updated["occurred_at"]) == [1]
    foreign = await client.get(url, params={"target": "another"}, headers=admin)
    assert foreign.status_code == 422


async def test_logins_and_changes_of_keys_are_recorded_with_both_ids(
    client: httpx.AsyncClient,
    admin: Headers,
    make_key: MakeKey,
) -> None:
    key = await make_key(scopes=["scholarships:read"])
    await client.post(f"{KEYS}/{key['id']}/rotate", json={}, headers=admin)
    revoked = await client.delete(
        f"{KEYS}/{key['id']}", headers={**admin, "X-Request-ID": "mine-1"}
    )
    found = await entries(client, admin, target=key["id"])
    assert [entry["action"] for entry in found] == ["key.revoked", "key.rotated", "key.created"]
    assert found[0]["trace_id"] == revoked.headers["X-Trace-ID"]
    assert found[0]["request_id"] == "mine-1"
    assert found[2]["details"]["scopes"] == ["scholarships:read"]
    assert [entry["request_id"] for entry in found[1:]] == [None, None]
    assert {entry["actor"]["kind"] for entry in found} == {"account"}


async def test_a_login_and_a_refused_one_are_recorded(
    client: httpx.AsyncClient,
    admin: Headers,
    make_headers: MakeHeaders,
) -> None:
    me = (await client.get("/api/v1/auth/me", headers=await make_headers(Role.STUDENT))).json()
    for password in ("wrong horse", "correct horse"):
        await client.post(
            "/api/v1/auth/login-simple",
            json={"username": me["username"], "password": password},
        )
    found = await entries(client, admin, target=me["id"], action="login.")
    assert [entry["action"] for entry in found] == ["login.succeeded", "login.refused"]
    assert [entry["actor"]["kind"] for entry in found] == ["account", "anonymous"]
    assert "horse" not in json.dumps(found)


async def test_a_refused_login_of_an_unknown_name_is_recorded_without_the_name(
    client: httpx.AsyncClient, admin: Headers
) -> None:
    """Both kinds of refusals do the same work, so that their time tells nothing."""
    name = f"unknown-{uuid.uuid4().hex}"
    answer = await client.post(
        "/api/v1/auth/login-simple", json={"username": name, "password": "wrong horse"}
    )
    assert answer.status_code == 401
    [latest] = await entries(client, admin, action="login.refused", limit=1)
    assert latest["trace_id"] == answer.headers["X-Trace-ID"]
    assert latest["target"] is None
    assert name not in json.dumps(latest)


async def test_changes_of_accounts_are_recorded(
    app: FastAPI, client: httpx.AsyncClient, admin: Headers
) -> None:
    new = NewAccount(username=f"user-{uuid.uuid4().hex}", role=Role.STUDENT)
    async with app.state.database.write_session() as session:
        account_id = await accounts.create(session, new=new, password_hash="!")
    for change_account in (
        accounts.disable,
        accounts.enable,
        functools.partial(accounts.set_password, password_hash="!"),
    ):
        async with app.state.database.write_session() as session:
            account = await accounts.get(session, username=new.username)
            await change_account(session, account=account)
    found = await entries(client, admin, target=str(account_id))
    assert [entry["action"] for entry in found] == [
        "account.password_set",
        "account.enabled",
        "account.disabled",
        "account.created",
    ]
    assert {entry["actor"]["kind"] for entry in found} == {"command_line"}


async def test_an_import_is_recorded_with_its_counts_and_with_each_change(
    client: httpx.AsyncClient, admin: Headers
) -> None:
    award_id = f"imported-{uuid.uuid4().hex}"
    file = json.dumps({"id": award_id, **AWARD}) + "\n" + "{}\n"
    answer = await client.post(
        f"{LISTING}/import",
        content=file,
        headers={**admin, "Content-Type": "application/x-ndjson", "X-Request-ID": "import-1"},
    )
    assert answer.status_code == 200, answer.text
    [latest] = await entries(client, admin, action="catalogue.imported", limit=1)
    assert latest["details"] == {"rows": 2, "created": 1, "updated": 0, "bad": 1}
    assert latest["trace_id"] == answer.headers["X-Trace-ID"]
    assert latest["request_id"] == "import-1"
    assert latest["actor"]["kind"] == "account"
    [change_of_award] = await entries(client, admin, target=award_id)
    assert change_of_award["action"] == "award.created"
    assert change_of_award["trace_id"] == latest["trace_id"]
    assert change_of_award["request_id"] == "import-1"


async def test_filters_choose_actions_actors_and_times(
    client: httpx.AsyncClient,
    admin: Headers,
    award_id: str,
) -> None:
    [created] = await entries(client, admin, target=award_id)
    actor = created["actor"]["id"]
    assert await entries(client, admin, target=award_id, action="award.") == [created]
    assert await entries(client, admin, target=award_id, action="award.created") == [created]
    assert await entries(client, admin, target=award_id, action="award.updated") == []
    assert await entries(client, admin, target=award_id, action="key.") == []
    assert await entries(client, admin, target=award_id, actor_id=actor) == [created]
    assert await entries(client, admin, target=award_id, actor_id=str(uuid.uuid4())) == []
    instant = created["occurred_at"]
    assert await entries(client, admin, target=award_id, since=instant) == [created]
    assert await entries(client, admin, target=award_id, until=instant) == []


@pytest.mark.parametrize(
    "instant", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2026-01-01T00:00:00"]
)
async def test_a_time_out_of_range_is_refused(
    client: httpx.AsyncClient, admin: Headers, instant: str
) -> None:
    for path in (AUDIT, f"{AUDIT}/export"):
        answer = await client.get(path, params={"since": instant}, headers=admin)
        assert answer.status_code == 422, answer.text


async def test_pages_of_the_audit_join_both_tables_in_one_order(
    client: httpx.AsyncClient,
    admin: Headers,
    make_key: MakeKey,
    award_id: str,
) -> None:
    await make_key()
    await change(client, award_id, admin, name="Another")
    await make_key()
    everything = await entries(client, admin, limit=200)
    seen: list[dict[str, Any]] = []
    cursor = None
    while len(seen) < len(everything):
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(AUDIT, params=params, headers=admin)).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[: len(everything)] == everything
    times = [entry["occurred_at"] for entry in everything]
    assert times == sorted(times, reverse=True)


async def test_the_export_has_a_line_for_each_entry(
    client: httpx.AsyncClient,
    admin: Headers,
    award_id: str,
) -> None:
    answer = await client.get(f"{AUDIT}/export", params={"target": award_id}, headers=admin)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    [line] = answer.text.splitlines()
    assert json.loads(line)["target"] == award_id


async def test_the_audit_is_for_those_with_its_scope(
    client: httpx.AsyncClient,
    make_headers: MakeHeaders,
    make_key: MakeKey,
) -> None:
    assert (await client.get(AUDIT)).status_code == 401
    for role in (Role.STUDENT, Role.READ_ONLY):
        assert (await client.get(AUDIT, headers=await make_headers(role))).status_code == 403
    reader = await make_key(scopes=["audit:read"])
    assert (await client.get(AUDIT, headers=sent(reader))).status_code == 200


async def test_a_key_of_an_organization_reads_the_audit_of_its_own_alone(
    client: httpx.AsyncClient, admin: Headers, make_key: MakeKey
) -> None:
    ids = {}
    for organization in ("Acme Trust", "ACME trust", "Other Trust", "Acmé Trust"):
        award_id = f"award-{uuid.uuid4().hex}"
        body = {"id": award_id, **AWARD, "organization": organization}
        created = await client.post(LISTING, json=body, headers=admin)
        assert created.status_code == 201, created.text
        ids[organization] = award_id
    reader = await make_key(scopes=["audit:read"], organization="Acme Trust")
    own_key = await make_key(organization="Acme Trust")
    other_key = await make_key(organization="Other Trust")
    own = {ids["Acme Trust"], ids["ACME trust"], reader["id"], own_key["id"]}
    other = {ids["Other Trust"], ids["Acmé Trust"], other_key["id"]}
    for target in own:
        assert await entries(client, sent(reader), target=target), target
        assert await entries(client, sent(reader), target=target) == await entries(
            client, admin, target=target
        )
    for target in other:
        assert await entries(client, admin, target=target), target
        assert await entries(client, sent(reader), target=target) == []
    exported = await client.get(f"{AUDIT}/export", headers=sent(reader))
    targets = {json.loads(line)["target"] for line in exported.text.splitlines()}
    assert own <= targets
    assert not other & targets
    # The administrator who did it is not of the organization: neither are their own events.
    admins = {
        entry["actor"]["id"] for entry in await entries(client, admin, target=ids["Other Trust"])
    }
    assert not admins & targets


@pytest.mark.parametrize("cursor", ["x", "A" * 60, "MQ.Mg"])
async def test_a_forged_cursor_is_refused(
    client: httpx.AsyncClient,
    admin: Headers,
    cursor: str,
) -> None:
    answer = await client.get(AUDIT, params={"cursor": cursor}, headers=admin)
    assert answer.status_code == 422


async def test_a_deleted_account_leaves_a_tombstone(
    client: httpx.AsyncClient,
    app: FastAPI,
    admin: Headers,
    make_headers: MakeHeaders,
) -> None:
    headers = await make_headers(Role.PARTNER, organization="Acme Trust")
    me = (await client.get("/api/v1/auth/me", headers=headers)).json()
    award_id = f"acme-trust-{uuid.uuid4().hex}"
    created = await client.post(LISTING, json={"id": award_id, **AWARD}, headers=headers)
    award_id = created.json()["id"] if created.status_code == 201 else award_id
    assert (await client.delete("/api/v1/auth/me", headers=headers)).status_code == 204
    assert await entries(client, admin, target=me["id"]) == []
    assert await entries(client, admin, actor_id=me["id"]) == []
    latest = await entries(client, admin, action="account.deleted", limit=1)
    assert latest[0]["actor"] == {"kind": "deleted", "id": None, "name": None}
    assert me["id"] not in json.dumps(latest)


# --- The serving role ----------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["scholarship_changes", "audit_events"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET trace_id = 'x'", "DELETE FROM {}", "TRUNCATE {}"]
)
def test_the_migration_leaves_the_serving_role_no_right_to_change_the_audit(
    module_database_url: str, table: str, statement: str
) -> None:
    """A role that had all rights before the migration has lost those of changing."""
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as owner:
        role = Identifier(f"serving_{uuid.uuid4().hex}")
        owner.execute(SQL("CREATE ROLE {}").format(role))
        owner.execute(SQL("GRANT ALL ON {} TO {}").format(Identifier(table), role))
        owner.execute(APPEND_ONLY)
        owner.execute(SQL("SET LOCAL ROLE {}").format(role))
        owner.execute(SQL("SELECT count(*) FROM {}").format(Identifier(table)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(SQL(statement).format(Identifier(table)))
        owner.rollback()


def test_the_retention_spares_the_last_thirty_days(module_database_url: str) -> None:
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as owner:
        owner.execute(
            "INSERT INTO audit_events (occurred_at, action, details, source) VALUES"
            " (now() - interval '40 days', 'test.old', '{}', 'api'),"
            " (now() - interval '20 days', 'test.new', '{}', 'api')"
        )
        owner.execute("SELECT audit_purge(1, 1000)")
        left = owner.execute(
            "SELECT action FROM audit_events WHERE action LIKE 'test.%'"
        ).fetchall()
        owner.rollback()
    assert left == [("test.new",)]
