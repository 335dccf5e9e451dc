"""POST /interactions: what is recorded, for which account, and what is refused."""

import asyncio
import datetime as dt
import json
import uuid
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from scholarship_api.accounts import service as accounts
from scholarship_api.accounts.roles import Role
from scholarship_api.activity import service
from scholarship_api.platform.database.engine import Database
from tests.activity.conftest import Connection, Headers, MakeAccount

pytestmark = pytest.mark.anyio

URL = "/api/v1/interactions"


def recorded(rows: Connection) -> list[tuple[Any, ...]]:
    return rows.execute(
        "SELECT account_id, scholarship_id, type FROM interactions ORDER BY id"
    ).fetchall()


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SERVICE}))
async def test_every_role_may_record(
    client: httpx.AsyncClient, make_account: MakeAccount, rows: Connection, role: Role
) -> None:
    account, headers = await make_account(role)
    before = dt.datetime.now(dt.UTC)
    for kind in ("viewed", "saved", "applied", "dismissed"):
        answer = await client.post(
            URL, headers=headers, json={"scholarship_id": "award_1", "type": kind}
        )
        assert answer.status_code == 201
        assert answer.headers["Cache-Control"] == "no-store"
        body = answer.json()
        occurred_at = dt.datetime.fromisoformat(body.pop("occurred_at"))
        assert before <= occurred_at <= dt.datetime.now(dt.UTC)
        assert body == {"scholarship_id": "award_1", "type": kind}
    assert recorded(rows) == [
        (account.id, "award_1", kind) for kind in ("viewed", "saved", "applied", "dismissed")
    ]


async def test_a_token_is_required(client: httpx.AsyncClient, rows: Connection) -> None:
    body = {"scholarship_id": "award_1", "type": "viewed"}
    for headers in ({}, {"Authorization": "Bearer junk"}, {"Authorization": "Basic YTpi"}):
        answer = await client.post(URL, headers=headers, json=body)
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
        assert "WWW-Authenticate" in answer.headers
    assert recorded(rows) == []


@pytest.mark.parametrize("kind", ["viewed", "saved", "applied", "dismissed"])
async def test_a_repeat_gets_the_answer_of_the_first_time(
    clients: list[httpx.AsyncClient], make_account: MakeAccount, rows: Connection, kind: str
) -> None:
    _, headers = await make_account()
    body = {"scholarship_id": "award_1", "type": kind}
    answers = await asyncio.gather(
        *(clients[number % 2].post(URL, headers=headers, json=body) for number in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len(recorded(rows)) == 1
    # Other awards, types and accounts are no repeats.
    _, other = await make_account()
    assert (await clients[0].post(URL, headers=other, json=body)).status_code == 201
    for changed in (
        {"scholarship_id": "award_2"},
        {"type": "saved" if kind != "saved" else "applied"},
    ):
        assert (
            await clients[0].post(URL, headers=headers, json={**body, **changed})
        ).status_code == 201
    assert len(recorded(rows)) == 4


async def test_a_view_counts_again_on_the_next_day(
    client: httpx.AsyncClient, student: Headers, rows: Connection
) -> None:
    async def post(kind: str) -> str:
        body = {"scholarship_id": "award_1", "type": kind}
        return str((await client.post(URL, headers=student, json=body)).json()["occurred_at"])

    for kind in ("viewed", "saved"):
        await post(kind)
    yesterday = "date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 us'"
    rows.execute(f"UPDATE interactions SET occurred_at = {yesterday}")
    today = dt.datetime.now(dt.UTC).date()
    assert dt.datetime.fromisoformat(await post("viewed")).date() == today
    assert dt.datetime.fromisoformat(await post("saved")).date() == today - dt.timedelta(days=1)
    assert len(recorded(rows)) == 3


async def test_the_caller_cannot_choose_the_subject(
    client: httpx.AsyncClient, make_account: MakeAccount, rows: Connection
) -> None:
    account, headers = await make_account()
    victim, _ = await make_account()
    body = {"scholarship_id": "award_1", "type": "viewed"}
    for key in ("user_id", "account_id", "subject", "sub", "occurred_at", "id"):
        answer = await client.post(URL, headers=headers, json={**body, key: str(victim.id)})
        assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
        assert [field["field"] for field in answer.json()["details"]["fields"]] == [key]
        assert str(victim.id) not in answer.text
    assert recorded(rows) == []
    answer = await client.post(
        URL,
        params={"user_id": str(victim.id), "account_id": str(victim.id)},
        headers={**headers, "X-User-Id": str(victim.id), "X-Account-Id": str(victim.id)},
        json=body,
    )
    assert answer.status_code == 201
    assert recorded(rows) == [(account.id, "award_1", "viewed")]


@pytest.mark.parametrize("scholarship_id", ["nobody-knows", "draft"])
async def test_unknown_awards_and_drafts_are_not_found(
    client: httpx.AsyncClient, student: Headers, rows: Connection, scholarship_id: str
) -> None:
    for kind in ("viewed", "saved"):
        body = {"scholarship_id": scholarship_id, "type": kind}
        answer = await client.post(URL, headers=student, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert recorded(rows) == []


async def test_archived_awards_can_be_viewed(client: httpx.AsyncClient, student: Headers) -> None:
    body = {"scholarship_id": "archived", "type": "viewed"}
    assert (await client.post(URL, headers=student, json=body)).status_code == 201


HOSTILE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"viewed"',
    b"\xff\xfe",
    b'{"scholarship_id": NaN, "type": "viewed"}',
    b'{"scholarship_id": "award_1"}',
    b'{"type": "viewed"}',
    *(
        json.dumps(body).encode()
        for body in (
            {"scholarship_id": "award_1", "type": "VIEWED"},
            {"scholarship_id": "award_1", "type": "deleted"},
            {"scholarship_id": "award_1", "type": ["viewed"]},
            {"scholarship_id": "award_1", "type": None},
            {"scholarship_id": ["award_1"], "type": "viewed"},
            {"scholarship_id": 1, "type": "viewed"},
            {"scholarship_id": "", "type": "viewed"},
            {"scholarship_id": "award_1\0", "type": "viewed"},
            {"scholarship_id": "award_1\n", "type": "viewed"},
            {"scholarship_id": "\ud800", "type": "viewed"},
            {"scholarship_id": "x" * 5000, "type": "viewed"},
            {"scholarship_id": "' OR 1=1 --", "type": "viewed"},
            {"scholarship_id": "award_1", "type": "viewed", "\0": 1},
        )
    ),
    b"[" * 20_000,
    rb'{"scholarship_id": "award_1", "type": "viewed", "\ud800": 1}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: repr(body[:60]))
async def test_hostile_bodies_are_refused(
    client: httpx.AsyncClient, student: Headers, rows: Connection, body: bytes
) -> None:
    answer = await client.post(
        URL, headers={**student, "Content-Type": "application/json"}, content=body
    )
    assert (answer.status_code, answer.json()["code"]) in {
        (422, "VALIDATION_ERROR"),
        (400, "BAD_REQUEST"),
    }
    assert recorded(rows) == []


async def test_other_media_types_are_refused(client: httpx.AsyncClient, student: Headers) -> None:
    answer = await client.post(
        URL, headers=student, data={"scholarship_id": "award_1", "type": "viewed"}
    )
    assert answer.status_code == 415


async def test_interactions_of_a_deleted_account_lose_their_subject(
    client: httpx.AsyncClient,
    make_account: MakeAccount,
    admin: Headers,
    rows: Connection,
) -> None:
    account, headers = await make_account()
    for kind in ("viewed", "saved", "applied"):
        await client.post(URL, headers=headers, json={"scholarship_id": "award_1", "type": kind})
    url = "/api/v1/analytics/summary"
    before = (await client.get(url, headers=admin)).json()
    assert (before["total_interactions"], before["active_accounts"]) == (3, 1)
    assert (await client.delete("/api/v1/auth/me", headers=headers)).status_code == 204
    assert recorded(rows) == [(None, "award_1", kind) for kind in ("viewed", "saved", "applied")]
    after = (await client.get(url, headers=admin)).json()
    assert after == {**before, "active_accounts": 0}
    answer = await client.get(f"/api/v1/analytics/user/{account.id}", headers=admin)
    assert answer.status_code == 404
    assert (
        str(account.id)
        not in (await client.get("/api/v1/analytics/interactions", headers=admin)).text
    )


@pytest.mark.parametrize("kind", ["viewed", "saved"])
async def test_an_account_that_is_deleted_while_it_records(
    client: httpx.AsyncClient,
    database: Database,
    make_account: MakeAccount,
    rows: Connection,
    kind: str,
) -> None:
    """The deletion holds a lock on the row of the account while the interaction is written."""
    account, headers = await make_account()
    async with database.write_session() as session:
        await accounts.delete(session, account_id=account.id)
        body = {"scholarship_id": "award_1", "type": kind}
        posting = asyncio.create_task(client.post(URL, headers=headers, json=body))
        for _ in range(200):
            await asyncio.sleep(0.02)
            waiting = rows.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            ).fetchone()
            if waiting == (1,):
                break
        else:
            pytest.fail("the interaction did not wait for the deletion")
    assert (await posting).status_code == 201
    assert recorded(rows) == [(None, "award_1", kind)]


async def test_the_export_of_an_account_holds_its_interactions(
    client: httpx.AsyncClient,
    database: Database,
    make_account: MakeAccount,
    student: Headers,
    rows: Connection,
) -> None:
    account, headers = await make_account()
    for token in (headers, student):
        for kind in ("saved", "viewed"):
            body = {"scholarship_id": "award_2", "type": kind}
            await client.post(URL, headers=token, json=body)
    async with database.read_session() as session:
        await session.execute(text("SET LOCAL TimeZone = 'Asia/Tokyo'"))
        exported = await accounts.export(
            session, account=account, other_topics={"interactions": service.personal_data}
        )
    interactions = json.loads(json.dumps(exported))["interactions"]
    assert [(entry["scholarship_id"], entry["type"]) for entry in interactions] == [
        ("award_2", "saved"),
        ("award_2", "viewed"),
    ]
    for entry in interactions:
        assert dt.datetime.fromisoformat(entry["occurred_at"]).utcoffset() == dt.timedelta(0)
    async with database.read_session() as session:
        assert await service.personal_data(session, uuid.uuid4()) == []


async def test_a_disabled_account_cannot_record(
    client: httpx.AsyncClient, app: FastAPI, make_account: MakeAccount, rows: Connection
) -> None:
    account, headers = await make_account()
    async with app.state.database.write_session() as session:
        await accounts.disable(session, account=account)
    body = {"scholarship_id": "award_1", "type": "viewed"}
    assert (await client.post(URL, headers=headers, json=body)).status_code == 401
    assert recorded(rows) == []
