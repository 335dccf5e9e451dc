"""GET /analytics/searches and /analytics/search-results: who may read them, and their figures."""

import datetime as dt
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.accounts.roles import Role
from scholarship_api.activity.searches.queries import MIN_CLIENTS
from tests.accounts.conftest import connected
from tests.activity.conftest import Connection, Headers, MakeAccount
from tests.eligibility.awards import award, put

pytestmark = pytest.mark.anyio

SEARCHES = "/api/v1/analytics/searches"
RESULTS = "/api/v1/analytics/search-results"


def add_query(
    rows: Connection, query: str, *, clients: int = MIN_CLIENTS, days_ago: int = 0, **came: int
) -> None:
    """Searches on one day, and for each type the clients, each with one event at position 4."""
    rows.execute(
        "INSERT INTO query_counts VALUES (current_date - %s, %s, %s)", [days_ago, query, clients]
    )
    for kind, count in came.items():
        rows.execute(
            "INSERT INTO query_event_counts VALUES (current_date - %s, %s, %s, %s, %s, %s, %s)",
            [days_ago, query, kind, count, count, count, 4 * count],
        )


def add_award(rows: Connection, award_id: str, *, days_ago: int = 0, **events: int) -> None:
    for kind, count in events.items():
        rows.execute(
            "INSERT INTO award_event_counts VALUES (current_date - %s, %s, %s, %s, 1, 2)",
            [days_ago, award_id, kind, count],
        )


async def rows_of(client: httpx.AsyncClient, headers: Headers, **params: str | int) -> list[Any]:
    answer = await client.get(SEARCHES, params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["queries"]
    return found


async def names_of(client: httpx.AsyncClient, headers: Headers, **params: str | int) -> list[str]:
    return [row["query"] for row in await rows_of(client, headers, **params)]


async def test_searches_and_events_become_figures(
    apps: list[FastAPI], admin: Headers, rows: Connection
) -> None:
    """From real requests to two workers."""
    for number in range(1, 6):
        app = apps[number % 2]
        async with connected(app, f"192.0.2.{number}") as client:
            answer = await client.get("/api/v1/search", params={"q": "award"})
            if number == 1:
                await client.get("/api/v1/search", params={"q": "award", "min_amount": 90_000_000})
            if number > 2:
                body = {"search_id": answer.json()["search_id"], "scholarship_id": "award_1"}
                for kind in ("click", "apply"):
                    event = {**body, "type": kind, "position": number}
                    assert (await client.post("/api/v1/events", json=event)).status_code == 202
    for app in apps:
        await app.state.search_recorder.flush()
    async with connected(apps[1]) as client:
        today = dt.datetime.now(dt.UTC).date()
        answer = await client.get(SEARCHES, headers=admin)
        assert answer.json() == {
            "since": str(today - dt.timedelta(days=29)),
            "until": str(today),
            "queries": [
                {
                    "query": "award",
                    "searches": 5,
                    "clients": 5,
                    "no_results": 1,
                    "clicks": 3,
                    "views": 0,
                    "applies": 3,
                    "click_through": 0.6,
                    "mean_click_position": 4.0,
                }
            ],
        }
        [found] = (await client.get(RESULTS, headers=admin)).json()["scholarships"]
        assert found == {
            "scholarship_id": "award_1",
            "name": "award_1",
            "organization": "Curie Trust",
            "clicks": 3,
            "views": 0,
            "applies": 3,
            "mean_click_position": 4.0,
        }


async def test_a_query_of_fewer_than_five_clients_is_not_shown(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    """Five on different days could be one person."""
    for days in range(9):
        add_query(rows, "law", clients=MIN_CLIENTS - 1, days_ago=days, no_results=1, click=1)
    add_query(rows, "nursing", clients=MIN_CLIENTS, no_results=1)
    for order in ("no_results", "no_clicks", "click_through"):
        assert await names_of(client, admin, order=order) == ["nursing"]


async def test_orders(client: httpx.AsyncClient, admin: Headers, rows: Connection) -> None:
    add_query(rows, "found", clients=8, click=4)
    add_query(rows, "rare", clients=5, click=5)
    add_query(rows, "ignored", clients=9, view=3)
    add_query(rows, "ignored too", clients=10, no_results=1)
    add_query(rows, "nothing", clients=7, no_results=7)
    assert await names_of(client, admin) == ["nothing", "ignored too"]
    assert await names_of(client, admin, order="no_results") == ["nothing", "ignored too"]
    assert await names_of(client, admin, order="no_clicks") == ["ignored too", "ignored"]
    by_rate = ["rare", "found", "ignored too", "ignored", "nothing"]
    assert await names_of(client, admin, order="click_through") == by_rate
    assert await names_of(client, admin, order="click_through", limit=2) == by_rate[:2]


async def test_a_rate_is_never_more_than_one(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    """People click on what they found yesterday."""
    add_query(rows, "law", clients=5, days_ago=1, click=2)
    rows.execute("INSERT INTO query_event_counts VALUES (current_date, 'law', 'click', 9, 9, 0, 0)")
    [row] = await rows_of(client, admin, order="click_through")
    assert (row["click_through"], row["clicks"], row["mean_click_position"]) == (1.0, 11, 4.0)


async def test_periods_are_days_in_utc_with_both_ends(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    today = dt.datetime.now(dt.UTC).date()
    for days in range(5):
        add_query(rows, "law", days_ago=days, click=1)
    day = [str(today - dt.timedelta(days=days)) for days in range(5)]
    for params, count in (
        ({}, 5),
        ({"since": day[1]}, 2),
        ({"until": day[1]}, 4),
        ({"since": day[3], "until": day[1]}, 3),
        ({"since": day[2], "until": day[2]}, 1),
    ):
        [row] = await rows_of(client, admin, order="click_through", **params)
        assert (row["searches"], row["clicks"]) == (MIN_CLIENTS * count, count), params


@pytest.mark.parametrize("path", [SEARCHES, RESULTS])
@pytest.mark.parametrize(
    "query",
    [
        "since=2027-03-02&until=2027-03-01",
        "since=2027-01-01&until=2027-04-01",
        "since=2020-01-01",
        "since=yesterday",
        "since=2027-03-01T00:00:01Z",
        "since=1700000000",
        "until=0000-00-00",
        "limit=0",
        "limit=101",
        "days=7",
        "since=%00",
    ],
)
async def test_invalid_periods_are_refused(
    client: httpx.AsyncClient, admin: Headers, path: str, query: str
) -> None:
    answer = await client.get(f"{path}?{query}", headers=admin)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")


async def test_the_first_days_of_the_calendar_have_no_searches(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    assert await names_of(client, admin, until="0001-01-05") == []


@pytest.mark.parametrize("order", ["", "clicks", "no_results,no_clicks", "%00"])
async def test_unknown_orders_are_refused(
    client: httpx.AsyncClient, admin: Headers, order: str
) -> None:
    answer = await client.get(f"{SEARCHES}?order={order}x", headers=admin)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("path", "readers"), [(SEARCHES, {Role.ADMIN}), (RESULTS, {Role.ADMIN, Role.PARTNER})]
)
async def test_roles_that_may_read(
    client: httpx.AsyncClient, make_account: MakeAccount, path: str, readers: set[Role]
) -> None:
    for role in set(Role) - {Role.SERVICE}:
        _, headers = await make_account(role)
        answer = await client.get(path, headers=headers)
        assert answer.status_code == (200 if role in readers else 403)
        assert answer.headers["Cache-Control"] == "no-store"
    assert (await client.get(path)).status_code == 401


async def test_results_are_ordered_by_clicks(
    client: httpx.AsyncClient, admin: Headers, rows: Connection
) -> None:
    add_award(rows, "award_1", view=9)
    add_award(rows, "award_2", click=3, apply=1)
    add_award(rows, "award_2", days_ago=1, click=2)
    add_award(rows, "award_3", days_ago=40, click=50)
    for gone in ("draft", "removed for good"):
        add_award(rows, gone, click=99)

    async def seen(**params: str | int) -> list[tuple[Any, ...]]:
        answer = await client.get(RESULTS, params=params, headers=admin)
        found = answer.json()["scholarships"]
        names = ("scholarship_id", "clicks", "views", "applies", "mean_click_position")
        return [tuple(row[name] for name in names) for row in found]

    assert await seen() == [("award_2", 5, 0, 1, 2.0), ("award_1", 0, 9, 0, None)]
    assert await seen(limit=1) == [("award_2", 5, 0, 1, 2.0)]


async def test_a_partner_sees_its_own_organization_only(
    client: httpx.AsyncClient,
    make_account: MakeAccount,
    rows: Connection,
    module_database_url: str,
) -> None:
    names = ["Acme Trust", "ACME trust", "Acmé Trust", "Acme Trust II"]
    put(
        module_database_url,
        [award(f"of_{number}", organization=name) for number, name in enumerate(names)],
    )
    for number in range(len(names)):
        add_award(rows, f"of_{number}", click=1)
    add_award(rows, "award_1", click=50)
    _, partner = await make_account(Role.PARTNER)
    answer = await client.get(RESULTS, headers=partner)
    found = {row["organization"] for row in answer.json()["scholarships"]}
    assert found == {"Acme Trust", "ACME trust"}
