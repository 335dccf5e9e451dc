"""GET /analytics/...: access, and numbers that are right and the same from every worker."""

import asyncio
import datetime as dt
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.accounts.roles import Role
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import changed, connected, running
from tests.activity.conftest import Connection, Headers, MakeAccount
from tests.activity.interactions import put
from tests.eligibility.awards import award
from tests.eligibility.awards import put as put_awards
from tests.faults import FaultyProxy, postgres_socket, through_proxy

pytestmark = pytest.mark.anyio

URL = "/api/v1/analytics"
ADMINS = ("summary", "user/0190a3c4-7f1e-7cc2-9d4e-8f4b1a6c2d10", "interactions", "search-trends")
READERS = ("popular-scholarships",)

ZEROS = {"viewed": 0, "saved": 0, "applied": 0, "dismissed": 0}


@pytest.mark.parametrize("path", ADMINS + READERS)
async def test_roles_that_may_read(
    client: httpx.AsyncClient, make_account: MakeAccount, rows: Connection, path: str
) -> None:
    allowed = {Role.ADMIN, Role.PARTNER} if path in READERS else {Role.ADMIN}
    for role in set(Role) - {Role.SERVICE}:
        _, headers = await make_account(role)
        answer = await client.get(f"{URL}/{path}", headers=headers)
        assert answer.headers["Cache-Control"] == "no-store"
        if role in allowed:
            assert answer.status_code == (404 if path.startswith("user/") else 200)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    answer = await client.get(f"{URL}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")


async def test_every_worker_gives_the_same_numbers_also_after_a_restart(
    *,
    settings: Settings,
    apps: list[FastAPI],
    clients: list[httpx.AsyncClient],
    make_account: MakeAccount,
    admin: Headers,
    rows: Connection,
) -> None:
    account, headers = await make_account()
    wanted = [("award_1", "viewed"), ("award_1", "saved"), ("award_2", "viewed")]
    for number, (scholarship_id, kind) in enumerate(wanted):
        body = {"scholarship_id": scholarship_id, "type": kind}
        answer = await clients[number % 2].post("/api/v1/interactions", headers=headers, json=body)
        assert answer.status_code == 201
    for worker in clients:
        assert (await worker.get("/api/v1/search?q=Nursing")).status_code == 200
    for app in apps:
        await app.state.search_recorder.flush()
    paths = ["summary", f"user/{account.id}", "interactions", "popular-scholarships"]

    async def numbers(client: httpx.AsyncClient) -> list[Any]:
        answers = [await client.get(f"{URL}/{path}", headers=admin) for path in paths]
        assert {answer.status_code for answer in answers} == {200}
        return [answer.json() for answer in answers]

    first, second = [await numbers(client) for client in clients]
    assert first == second
    async with running(settings) as restarted, connected(restarted) as client:
        assert await numbers(client) == first
    summary, activity, listed, popular = first
    assert summary["total_interactions"] == 3
    assert summary["interactions"] == {**ZEROS, "viewed": 2, "saved": 1}
    assert summary["active_accounts"] == 1
    assert activity["interactions"] == summary["interactions"]
    assert [(entry["scholarship_id"], entry["type"]) for entry in listed["interactions"]] == wanted[
        ::-1
    ]
    assert {entry["account_id"] for entry in listed["interactions"]} == {str(account.id)}
    assert [entry["scholarship_id"] for entry in popular["scholarships"]] == ["award_1", "award_2"]


# --- Summary -------------------------------------------------------------------------------------


async def test_the_summary_of_empty_tables(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    answer = await client.get(f"{URL}/summary", headers=admin)
    today = dt.datetime.now(dt.UTC).date()
    assert answer.json() == {
        "days": 30,
        "since": (today - dt.timedelta(days=29)).isoformat(),
        "total_interactions": 0,
        "interactions": ZEROS,
        "active_accounts": 0,
        "total_searches": 0,
    }


async def test_windows_are_calendar_days_in_utc(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    for days in range(5):
        rows.execute(
            "INSERT INTO interactions (scholarship_id, type, occurred_at)"
            " SELECT 'award_1', 'viewed', (current_date - %s)::timestamp AT TIME ZONE 'UTC' + time"
            " FROM unnest(%s::interval[]) AS time",
            [days, ["0", "23:59:59.999999"]],
        )
        rows.execute("INSERT INTO query_counts VALUES (current_date - %s, 'a', 10)", [days])
    for days in range(1, 6):
        answer = await client.get(f"{URL}/summary", params={"days": days}, headers=admin)
        summary = answer.json()
        assert (summary["days"], summary["total_interactions"]) == (days, 2 * days)
        assert summary["total_searches"] == 10 * days


@pytest.mark.parametrize("path", ["summary", "popular-scholarships", "search-trends"])
@pytest.mark.parametrize(
    "query",
    ["days=0", "days=91", "days=-1", "days=x", "days=1e9", "days=", "window=3", "days=%00"],
)
async def test_invalid_windows_are_refused(
    client: httpx.AsyncClient, admin: Headers, path: str, query: str
) -> None:
    answer = await client.get(f"{URL}/{path}?{query}", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")


# --- Popular awards ------------------------------------------------------------------------------


async def test_popular_awards_are_ordered_by_score(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    put(rows, "viewed", "award_1", count=6)
    put(rows, "saved", "award_2", count=2)
    put(rows, "viewed", "award_3", count=1)
    put(rows, "applied", "award_3", count=1)
    put(rows, "dismissed", "award_3", count=9)
    put(rows, "dismissed", "award_4", count=9)
    put(rows, "applied", "award_5", count=1, days_ago=7)
    put(rows, "viewed", "archived", count=1)
    put(rows, "applied", "draft", count=99)
    put(rows, "applied", "removed for good", count=99)

    async def popular(**params: int) -> list[dict[str, Any]]:
        answer = await client.get(f"{URL}/popular-scholarships", params=params, headers=admin)
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.json()["scholarships"]
        return found

    week = await popular(days=7)
    assert [(entry["scholarship_id"], entry["score"]) for entry in week] == [
        ("award_1", 6),
        ("award_2", 6),
        ("award_3", 6),
        ("archived", 1),
    ]
    assert week[2] == {
        "scholarship_id": "award_3",
        "name": "award_3",
        "organization": "Curie Trust",
        "score": 6,
        **ZEROS,
        "viewed": 1,
        "applied": 1,
        "dismissed": 9,
    }
    assert await popular(days=7, limit=2) == week[:2]
    assert {entry["scholarship_id"] for entry in await popular(days=8)} == {
        *(entry["scholarship_id"] for entry in week),
        "award_5",
    }


async def test_a_partner_sees_the_figures_of_its_own_organization_only(
    client: httpx.AsyncClient,
    make_account: MakeAccount,
    admin: Headers,
    rows: Connection,
    module_database_url: str,
) -> None:
    organizations = ["Acme Trust", "ACME trust", "Acmé Trust", "Acme Trust II", "Acme"]
    put_awards(
        module_database_url,
        [award(f"of_{number}", organization=name) for number, name in enumerate(organizations)],
    )
    for number in range(len(organizations)):
        put(rows, "applied", f"of_{number}")
    put(rows, "applied", "award_1", count=50)
    _, partner = await make_account(Role.PARTNER)
    seen = {}
    for headers in (admin, partner):
        params = {"limit": 10}
        answer = await client.get(f"{URL}/popular-scholarships", params=params, headers=headers)
        found = answer.json()["scholarships"]
        seen[headers["Authorization"]] = {entry["organization"] for entry in found}
    assert seen[admin["Authorization"]] == {*organizations, "Curie Trust"}
    assert seen[partner["Authorization"]] == {"Acme Trust", "ACME trust"}


@pytest.mark.parametrize("path", ["popular-scholarships", "search-trends", "interactions"])
@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5"])
async def test_invalid_limits_are_refused(
    client: httpx.AsyncClient, admin: Headers, path: str, limit: str
) -> None:
    answer = await client.get(f"{URL}/{path}", params={"limit": limit}, headers=admin)
    assert answer.status_code == 422


# --- One account ---------------------------------------------------------------------------------


async def test_the_activity_of_an_account(
    client: httpx.AsyncClient, make_account: MakeAccount, admin: Headers, rows: Connection
) -> None:
    account, _ = await make_account()
    url = f"{URL}/user/{account.id}"
    assert (await client.get(url, headers=admin)).json() == {
        "account_id": str(account.id),
        "total_interactions": 0,
        "interactions": ZEROS,
        "first_interaction_at": None,
        "last_interaction_at": None,
        "recent_interactions": [],
    }
    for days in range(25):
        put(rows, "viewed", "award_1", days_ago=200 + days, account_id=account.id)
    put(rows, "applied", "award_2", days_ago=1, account_id=account.id)
    put(rows, "applied", "award_2")
    activity = (await client.get(url, headers=admin)).json()
    recent = activity.pop("recent_interactions")
    assert len(recent) == 20
    assert recent[0]["type"] == "applied"
    assert activity["total_interactions"] == 26
    assert activity["interactions"] == {**ZEROS, "viewed": 25, "applied": 1}
    assert activity["last_interaction_at"] == recent[0]["occurred_at"]
    first = dt.datetime.fromisoformat(activity["first_interaction_at"])
    assert (dt.datetime.now(dt.UTC) - first).days == 224


@pytest.mark.parametrize(
    "account_id", ["me", "1", "%00", "' OR 1=1", "0190a3c4-7f1e-7cc2-9d4e-8f4b1a6c2d1"]
)
async def test_an_invalid_account_id_is_refused(
    client: httpx.AsyncClient, admin: Headers, account_id: str
) -> None:
    answer = await client.get(f"{URL}/user/{account_id}", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")


# --- Errors --------------------------------------------------------------------------------------


async def test_a_missing_database_is_a_503(settings: Settings, admin: Headers) -> None:
    url = settings.database_url.get_secret_value()
    with FaultyProxy(postgres_socket(url)) as proxy:
        through = changed(settings, database_url=through_proxy(url, proxy))
        async with running(through) as app, connected(app) as client:
            assert (await client.get(f"{URL}/summary", headers=admin)).status_code == 200
            proxy.set("refuse")
            answers = await asyncio.gather(
                client.get(f"{URL}/summary", headers=admin),
                client.post(
                    "/api/v1/interactions",
                    headers=admin,
                    json={"scholarship_id": "award_1", "type": "viewed"},
                ),
            )
            for answer in answers:
                assert (answer.status_code, answer.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
            proxy.set("forward")
            assert (await client.get(f"{URL}/summary", headers=admin)).status_code == 200


def test_openapi_documents_every_error(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    layers = {"400", "413", "414", "431", "500"}  # errors of the middleware
    common = {"401", "422", "429", "503", *layers}
    assert set(paths["/api/v1/interactions"]["post"]["responses"]) == {
        "201",
        "400",
        "404",
        "415",
        *common,
    }
    for path in ("summary", "user/{id}", "interactions", "popular-scholarships", "search-trends"):
        operation = paths[f"{URL}/{path}"]["get"]
        expected = {"200", "403", *common} | ({"404"} if path.startswith("user/") else set())
        assert set(operation["responses"]) == expected
        assert operation["security"]
        assert operation["tags"] == ["analytics"]
    scopes = paths[f"{URL}/popular-scholarships"]["get"]["security"]
    assert scopes == [{"BearerToken": ["analytics:read"]}]
