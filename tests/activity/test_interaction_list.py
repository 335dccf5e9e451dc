"""GET /analytics/interactions: filters, pages and cursors of the list."""

import base64
import datetime as dt
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.activity.cursors import PURPOSE
from scholarship_api.platform.signed_tokens import token_signer
from scholarship_api.search import cursors as search_cursors
from scholarship_api.settings.settings import Settings
from tests.activity.conftest import Connection, Headers, MakeAccount
from tests.activity.interactions import put

pytestmark = pytest.mark.anyio

URL = "/api/v1/analytics"


async def walk(client: httpx.AsyncClient, headers: Headers, **params: object) -> list[int]:
    """The ids of all pages."""
    ids: list[int] = []
    cursor = None
    while True:
        given = {name: str(value) for name, value in params.items()}
        if cursor is not None:
            given["cursor"] = cursor
        page = (await client.get(f"{URL}/interactions", params=given, headers=headers)).json()
        ids += [entry["id"] for entry in page["interactions"]]
        cursor = page["next_cursor"]
        assert page["has_next"] == (cursor is not None)
        if cursor is None:
            return ids


@pytest.mark.slow
async def test_filters_and_walks_over_all_pages(
    clients: list[httpx.AsyncClient], make_account: MakeAccount, admin: Headers, rows: Connection
) -> None:
    account, _ = await make_account()
    # Several have the same instant and differ in the id only.
    for days in (0, 1, 1, 2, 40):
        put(rows, "viewed", "award_1", count=3, days_ago=days)
    for days in (1, 2):
        put(rows, "viewed", "award_2", days_ago=days, account_id=account.id)
    put(rows, "saved", "award_2", account_id=account.id)
    everything = rows.execute(
        "SELECT id, account_id, scholarship_id, type, occurred_at FROM interactions"
        " ORDER BY occurred_at DESC, id DESC"
    ).fetchall()
    now = dt.datetime.now(dt.UTC)
    yesterday = now.date() - dt.timedelta(days=1)
    instant = everything[4][4].astimezone(dt.timezone(dt.timedelta(hours=-7)))
    cases: list[tuple[dict[str, object], Any]] = [
        ({}, lambda _: True),
        ({"account_id": account.id}, lambda row: row[1] == account.id),
        ({"scholarship_id": "award_1"}, lambda row: row[2] == "award_1"),
        ({"type": "saved"}, lambda row: row[3] == "saved"),
        ({"type": "dismissed"}, lambda _: False),
        ({"since": yesterday}, lambda row: row[4].astimezone(dt.UTC).date() >= yesterday),
        ({"until": yesterday}, lambda row: row[4].astimezone(dt.UTC).date() <= yesterday),
        ({"since": instant.isoformat()}, lambda row: row[4] >= instant),
        ({"until": instant.isoformat()}, lambda row: row[4] <= instant),
        ({"since": "0001-01-01", "until": "9999-12-31"}, lambda _: True),
        (
            {"account_id": account.id, "type": "viewed", "since": yesterday},
            lambda row: (
                row[1] == account.id
                and row[3] == "viewed"
                and row[4].astimezone(dt.UTC).date() >= yesterday
            ),
        ),
    ]
    for params, kept in cases:
        expected = [row[0] for row in everything if kept(row)]
        for limit in (1, 2, 100):
            assert await walk(clients[limit % 2], admin, limit=limit, **params) == expected, params


async def test_a_walk_neither_skips_nor_repeats_rows_while_rows_are_added(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    put(rows, "viewed", "award_1", count=10, days_ago=1)
    before = [row[0] for row in rows.execute("SELECT id FROM interactions ORDER BY id DESC")]
    seen: list[int] = []
    cursor: dict[str, str] = {}
    while len(seen) < 10:
        answer = await client.get(
            f"{URL}/interactions", params={"limit": 3, **cursor}, headers=admin
        )
        page = answer.json()
        seen += [entry["id"] for entry in page["interactions"]]
        cursor = {"cursor": page["next_cursor"]}
        put(rows, "viewed", "award_2", count=5)
    assert seen == before


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "****",
        "é",
        "\0",
        "x" * 97,
        b64(b""),
        b64(b"1.1"),  # a position without a signature, as former releases sent it
        b64(b"1.1" + bytes(16)),
        b64(bytes(16) + b"1.1"),
    ],
    ids=repr,
)
async def test_hostile_cursors_are_refused(
    client: httpx.AsyncClient, admin: Headers, cursor: str
) -> None:
    await assert_cursor_is_refused(client, admin, cursor)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1",
        b"-1.1",
        b"1.-1",
        b"1.1\n",
        b"1.1.1",
        b"999999999999999999.1",
        b"1." + b"9" * 19,
        "\u0661.\u0661".encode(),
        b"1.1; DROP TABLE interactions",
        b"\xff.\xff",
    ],
)
async def test_signed_texts_that_are_no_position_are_refused(
    client: httpx.AsyncClient, admin: Headers, settings: Settings, content: bytes
) -> None:
    cursor = token_signer(settings, purpose=PURPOSE).sign(content)
    await assert_cursor_is_refused(client, admin, cursor)


async def test_a_cursor_for_another_purpose_is_refused(
    client: httpx.AsyncClient, admin: Headers, settings: Settings
) -> None:
    cursor = token_signer(settings, purpose=search_cursors.PURPOSE).sign(b"1.1")
    await assert_cursor_is_refused(client, admin, cursor)


async def assert_cursor_is_refused(client: httpx.AsyncClient, admin: Headers, cursor: str) -> None:
    answer = await client.get(f"{URL}/interactions", params={"cursor": cursor}, headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
    assert [field["field"] for field in answer.json()["details"]["fields"]] == ["cursor"]


async def test_a_cursor_selects_the_interactions_before_its_position(
    client: httpx.AsyncClient, admin: Headers, app: FastAPI, rows: Connection
) -> None:
    put(rows, "viewed", "award_1", count=2)
    codec = app.state.interactions_cursor_codec
    for instant, found in (("2000-01-01", 0), ("2999-01-01", 2)):
        cursor = codec.encode(dt.datetime.fromisoformat(f"{instant}T00:00:00+00:00"), 10**18 - 1)
        answer = await client.get(f"{URL}/interactions", params={"cursor": cursor}, headers=admin)
        assert len(answer.json()["interactions"]) == found


@pytest.mark.parametrize(
    "query",
    [
        "account_id=me",
        "account_id=",
        "scholarship_id=%00",
        "scholarship_id=' OR 1=1",
        "type=VIEWED",
        "since=yesterday",
        "since=2026-13-01",
        "since=1700000000",
        "until=0001-01-01T00:00:00%2B14:00",
        "since=2026-02-02&until=2026-02-01",
        "since=2026-02-02T00:00:00&until=2026-02-02T00:00:00%2B01:00",
        "user_id=1",
        "offset=1",
    ],
)
async def test_invalid_filters_are_refused(
    client: httpx.AsyncClient, admin: Headers, query: str
) -> None:
    answer = await client.get(f"{URL}/interactions?{query}", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
