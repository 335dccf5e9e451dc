"""Searches for words that more awards have than are known one by one, with filters."""

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.search import limits
from tests.search.large_catalogue import fill

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SEARCH = "/api/v1/search"
AWARDS = 12_000
"""2 280 published ones have "engineering" in the name, and accept that field alone."""


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    fill(module_database_url.replace("+psycopg", ""), awards=AWARDS)


async def test_the_total_is_exact_where_filters_leave_out_all_awards_with_the_word(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []
    fetch = app.state.database.fetch

    async def counted(statement: str, parameters: dict[str, object]) -> object:
        sent.append(statement)
        return await fetch(statement, parameters)

    params = {"q": "engineering", "fields_of_study": "law", "include_closed": "true"}
    await client.get(SEARCH, params=params)  # looks the word up
    monkeypatch.setattr(app.state.database, "fetch", counted)
    answer = (await client.get(SEARCH, params={**params, "limit": 21})).json()
    assert (answer["total"], answer["total_is_exact"], answer["items"]) == (0, True, [])
    assert len(sent) <= 4


@pytest.mark.parametrize("sort", ["relevance", "deadline", "amount"])
async def test_a_scan_that_reads_all_awards_with_the_words_finds_the_same(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    params = {"q": "fund community", "scholarship_types": "merit_based", "sort": sort}

    async def walk() -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while len(found) < 150:
            answer = await client.get(SEARCH, params={**params, "limit": 30, **cursor})
            assert answer.status_code == 200, answer.text
            found += [item["id"] for item in answer.json()["items"]]
            cursor = {"cursor": answer.json()["next_cursor"]}
        return found

    monkeypatch.setattr(limits, "SCANNED_BEFORE_READING", 10**9)
    scanned = await walk()
    monkeypatch.setattr(limits, "SCANNED_BEFORE_READING", 0)
    assert await walk() == scanned
    assert len(set(scanned)) == len(scanned) >= 150
