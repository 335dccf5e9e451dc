"""POST /multi-search: several searches in one request."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import connected, running
from tests.eligibility.awards import award, put

pytestmark = pytest.mark.anyio

PATH = "/api/v1/multi-search"
SEARCH = "/api/v1/search"


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(module_database_url, [award(f"quokka-{n}") for n in range(12)])


def settings_of(database_url: str, redis_url: str, **values: object) -> Settings:
    return Settings.model_validate(
        {
            "environment": "test",
            "database_url": database_url,
            "rate_limit_backend_url": redis_url,
            "rate_limit_search": "1000000/minute",
            "rate_limit_per_minute": 1_000_000,
            **values,
        }
    )


@pytest.fixture(scope="module")
async def client(module_database_url: str, redis_url: str) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_of(module_database_url, redis_url)
    async with running(settings) as app, connected(app) as client:
        yield client


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "took_ms"}


SEARCHES: list[dict[str, Any]] = [
    {"q": "quokka", "limit": 3},
    {"sort": "newest", "limit": 2, "facets": ["scholarship_types"]},
    {"q": "no such word", "limit": 1},
    {"q": "quoka", "offset": 3, "limit": 3},
    {"profile": {"gpa": 3.5}, "sort": "match", "limit": 2},
]


async def test_the_results_are_those_of_the_searches_one_by_one(client: httpx.AsyncClient) -> None:
    for _ in range(2):  # produced, then from the cache
        answer = await client.post(PATH, json={"searches": SEARCHES})
        assert answer.status_code == 200, answer.text
        results = answer.json()["results"]
        for search, result in zip(SEARCHES, results, strict=True):
            alone = (await client.post(SEARCH, json=search)).json()
            assert result["took_ms"] >= 0
            assert timeless(result) == timeless(alone)


async def test_a_cursor_of_a_result_goes_on(client: httpx.AsyncClient) -> None:
    search = {"q": "quokka", "limit": 5}
    seen: list[str] = []
    cursor = None
    while True:
        body = {"searches": [{**search, **({"cursor": cursor} if cursor else {})}]}
        [result] = (await client.post(PATH, json=body)).json()["results"]
        seen += [item["id"] for item in result["items"]]
        cursor = result["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(f"quokka-{n}" for n in range(12))


@pytest.mark.parametrize(
    ("searches", "field"),
    [
        ([], "searches"),
        ([{}] * 11, "searches"),
        ([{}, {"limit": 0}], "searches.1.limit"),
        ([{"q": "a"}, {"unknown": 1}], "searches.1.unknown"),
        ([7], "searches.0"),
        ({}, "searches"),
    ],
)
async def test_a_search_that_is_not_valid_refuses_all(
    client: httpx.AsyncClient, searches: object, field: str
) -> None:
    answer = await client.post(PATH, json={"searches": searches})
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
    assert field in {each["field"] for each in answer.json()["details"]["fields"]}


async def test_a_bad_cursor_refuses_all(client: httpx.AsyncClient) -> None:
    answer = await client.post(PATH, json={"searches": [{}, {"cursor": "forged"}]})
    assert answer.status_code == 422


async def test_no_cache_keeps_a_response_about_a_person(client: httpx.AsyncClient) -> None:
    private = await client.post(PATH, json={"searches": [{}, {"profile": {"gpa": 3.5}}]})
    assert private.headers["Cache-Control"] == "no-store"
    assert "verdict" in private.json()["results"][1]["items"][0]


async def test_each_search_counts_towards_the_limit(
    module_database_url: str, redis_url: str
) -> None:
    limited = settings_of(module_database_url, redis_url, rate_limit_search="10/hour")
    async with running(limited) as app, connected(app, "10.9.8.7") as client:
        first = await client.post(PATH, json={"searches": [{}] * 6})
        assert first.status_code == 200
        refused = await client.post(PATH, json={"searches": [{}] * 6})
        assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await client.get(SEARCH)).status_code == 429
