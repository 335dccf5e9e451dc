"""The facets `amounts` and `deadline_months`, compared with the awards that a search finds."""

import datetime as dt
import random
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.eligibility.awards import Award, award, put, random_award, serving

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"
BOTH = "amounts,deadline_months"


@pytest.fixture(scope="module")
def awards(module_database_url: str) -> list[Award]:
    rng = random.Random(7)  # noqa: S311 - the same awards each time
    today = dt.datetime.now(dt.UTC).date()
    return put(
        module_database_url,
        [
            *(random_award(number, rng, today=today) for number in range(150)),
            # Late in the evening of a month's last day in its own zone, and the next day in UTC.
            award(
                "at-the-end-of-a-month",
                application_deadline=f"{last_day_of_next_month(today)}T23:30:00",
                deadline_timezone="Pacific/Pago_Pago",
            ),
        ],
    )


def last_day_of_next_month(today: dt.date) -> dt.date:
    month = today.replace(day=1)
    for _ in range(2):
        month = (month + dt.timedelta(days=31)).replace(day=1)
    return month - dt.timedelta(days=1)


@pytest.fixture(scope="module")
async def client(module_database_url: str, awards: list[Award]) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(module_database_url) as client:
        yield client


async def found(client: httpx.AsyncClient, **filters: Any) -> tuple[dict[str, Any], set[str]]:  # noqa: ANN401
    """The facets, and the ids of all results."""
    answer = await client.post(PATH, json={**filters, "facets": BOTH.split(","), "limit": 100})
    assert answer.status_code == 200, answer.text
    page = answer.json()
    facets: dict[str, Any] = page["facets"]
    ids = {item["id"] for item in page["items"]}
    while page["has_next"]:
        page = (
            await client.post(PATH, json={**filters, "limit": 100, "cursor": page["next_cursor"]})
        ).json()
        ids |= {item["id"] for item in page["items"]}
    return facets, ids


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"include_closed": True},
        {"min_amount": 1000},
        {"states": ["CA"], "fields_of_study": ["law"]},
        {"q": "award"},
        {"q": "award", "max_amount": 5000},
    ],
)
async def test_the_statistics_are_those_of_the_results(
    client: httpx.AsyncClient, awards: list[Award], filters: dict[str, Any]
) -> None:
    facets, ids = await found(client, **filters)
    results = [each for each in awards if each["id"] in ids]
    amounts = [each["amount_max"] for each in results if each["amount_max"] is not None]
    assert facets["amounts"]["known"] == len(amounts)
    assert type(facets["amounts"]["min"]) in (int, float)
    assert Decimal(str(facets["amounts"]["min"])) == min(amounts)
    assert Decimal(str(facets["amounts"]["max"])) == max(amounts)
    mean = sum(amounts) / len(amounts)
    assert abs(Decimal(str(facets["amounts"]["mean"])) - mean) <= Decimal("0.01")
    assert months_of(facets) == expected_months(results)


def months_of(facets: dict[str, Any]) -> dict[str, int]:
    listed = [(each["month"], each["count"]) for each in facets["deadline_months"]]
    assert listed == sorted(listed)
    return dict(listed)


def expected_months(results: list[Award]) -> dict[str, int]:
    first = dt.datetime.now(dt.UTC).date().replace(day=1)
    months = Counter(
        each["application_deadline"].astimezone(ZoneInfo(each["deadline_timezone"])).date()
        for each in results
        if each["application_deadline"] is not None
    )
    end = first.replace(year=first.year + 1)
    counted: Counter[str] = Counter()
    for day, number in months.items():
        if first <= day < end:
            counted[f"{day:%Y-%m}"] += number
    return dict(counted)


async def test_without_results_there_are_none(client: httpx.AsyncClient) -> None:
    for filters in ({"q": "nosuchword", "typo": False}, {"min_amount": 9_999_999}, {"q": "the"}):
        facets, ids = await found(client, **filters)
        assert not ids
        assert facets == {"amounts": {"known": 0}, "deadline_months": []}


async def test_they_are_added_only_when_they_are_named(client: httpx.AsyncClient) -> None:
    for choice in ("true", "disjunctive"):
        facets = (await client.get(PATH, params={"facets": choice})).json()["facets"]
        assert not {"amounts", "deadline_months"} & facets.keys()
        assert "states" in facets
    mixed = (await client.get(PATH, params={"facets": f"states,{BOTH}"})).json()["facets"]
    assert mixed.keys() == {"states", "amounts", "deadline_months"}
