"""Cursors: walks through the pages of a result."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from scholarship_api.search import cursors, limits
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.schemas import Sort

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"
ROWS = 10_000
NO_FILTERS: dict[str, object] = {"sort": Sort.DEADLINE, "organization": None}
INSERT = """
INSERT INTO scholarships (id, name, organization, description, scholarship_type, deadline_kind,
    application_deadline, deadline_date, amount_min, amount_max, currency)
SELECT %(kind)s || number, 'Otter award ' || number %% 7, 'Walk Trust', 'about otters',
    'merit_based', 'fixed', instant, instant::date, number %% 50, number %% 50, 'USD'
FROM generate_series(%(first)s::int, %(last)s::int) AS number,
    LATERAL (SELECT '2040-01-01Z'::timestamptz + number %% 100 * interval '1 day') AS day (instant)
"""


@pytest.fixture(scope="module", autouse=True)
def _ten_thousand(module_database_url: str) -> None:
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(INSERT, {"kind": "old_", "first": 1, "last": ROWS})


@pytest.mark.slow
@pytest.mark.parametrize(
    "params", [{}, {"sort": "amount"}, {"sort": "newest"}, {"q": "otter"}], ids=str
)
async def test_a_walk_under_concurrent_inserts_has_no_gap_and_no_repeat(
    client: httpx.AsyncClient, module_database_url: str, params: dict[str, Any]
) -> None:
    running = True
    inserted = 0

    async def keep_inserting(numbers: Iterator[int]) -> None:
        nonlocal inserted
        async with await psycopg.AsyncConnection.connect(
            module_database_url.replace("+psycopg", ""), autocommit=True
        ) as connection:
            while running:
                number = next(numbers)
                await connection.execute(
                    INSERT, {"kind": f"new_{params}_", "first": number, "last": number}
                )
                inserted += 1

    inserting = asyncio.create_task(keep_inserting(itertools.count(random.randrange(1000))))  # noqa: S311
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = {**params, "limit": 100} | ({"cursor": cursor} if cursor else {})
        body = (await client.get(PATH, params=page)).raise_for_status().json()
        seen += [item["id"] for item in body["items"]]
        cursor = body["next_cursor"]
        if cursor is None:
            break
    running = False
    await inserting
    assert inserted > ROWS / 100 / 2, "the walk was not disturbed enough to prove anything"
    assert len(seen) == len(set(seen))
    assert {row for row in seen if row.startswith("old_")} == {
        f"old_{number}" for number in range(1, ROWS + 1)
    }


async def test_page_numbers_increase_along_a_walk(client: httpx.AsyncClient) -> None:
    first = (await client.get(PATH, params={"limit": 10})).json()
    second = (await client.get(PATH, params={"limit": 10, "cursor": first["next_cursor"]})).json()
    by_offset = (await client.get(PATH, params={"limit": 10, "offset": 10})).json()
    assert (first["page"], first["has_previous"]) == (1, False)
    assert (second["page"], second["has_previous"]) == (2, True)
    assert second["items"] == by_offset["items"]
    assert (by_offset["page"], by_offset["has_previous"]) == (2, True)


async def test_a_large_total_is_exact_without_words_and_marked_as_an_estimate_with_words(
    client: httpx.AsyncClient, module_database_url: str
) -> None:
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(INSERT, {"kind": "more_", "first": 1, "last": 2_000})
        connection.execute("ANALYZE scholarships")
        row = connection.execute("SELECT count(*) FROM scholarships").fetchone()
    assert row is not None
    for q, is_exact in (("", True), ("otter", False)):
        body = (await client.get(PATH, params={"facets": True, "q": q})).json()
        assert body["total_is_exact"] is is_exact
        assert body["total"] == (row[0] if is_exact else pytest.approx(row[0], rel=0.1))
        [merit] = body["facets"]["scholarship_types"]
        assert merit["value"] == "merit_based"
        assert merit["count"] == body["total"]


async def test_the_cursor_of_a_query_of_many_words_fits_into_a_url(
    client: httpx.AsyncClient,
) -> None:
    q = "otter women latino lawyer doctor teacher phd usa uk germany stem nsf athlete navy -quokka"
    first = (await client.get(PATH, params={"q": q, "limit": 1})).json()
    answer = await client.get(PATH, params={"q": q, "limit": 1, "cursor": first["next_cursor"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["page"] == 2


async def test_a_cursor_of_another_search_is_refused(client: httpx.AsyncClient) -> None:
    first = (await client.get(PATH, params={"limit": 10})).json()
    answer = await client.get(
        PATH, params={"limit": 10, "cursor": first["next_cursor"], "renewable": True}
    )
    assert answer.status_code == 422
    [problem] = answer.json()["details"]["fields"]
    assert problem["field"] == "cursor"
    assert "other filters" in problem["message"]


async def test_the_page_number_stays_at_its_largest_value(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    params: dict[str, Any] = {"limit": 1}
    codec: CursorCodec = app.state.cursor_codec
    first = (await client.get(PATH, params=params)).json()
    cursor = codec.decode(first["next_cursor"], digest=cursors.digest_of(NO_FILTERS))
    last = cursor.model_copy(update={"page": limits.MAX_PAGE_NUMBER})
    for _ in range(2):
        body = (await client.get(PATH, params={**params, "cursor": codec.encode(last)})).json()
        assert body["page"] == limits.MAX_PAGE_NUMBER
        last = codec.decode(body["next_cursor"], digest=last.digest)


async def test_a_ranked_walk_ends_when_its_result_has_grown_too_much_to_be_ranked(
    client: httpx.AsyncClient, module_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    params: dict[str, Any] = {"q": "heron", "limit": 1}
    award = INSERT.replace("Otter", "Heron").replace("otters", "herons")
    monkeypatch.setattr(limits, "RANKED_MATCHES", 10)
    with psycopg.connect(
        module_database_url.replace("+psycopg", ""), autocommit=True
    ) as connection:
        connection.execute(award, {"kind": "heron_few_", "first": 1, "last": 10})
        first = (await client.get(PATH, params=params)).json()
        connection.execute(award, {"kind": "heron_twice_", "first": 1, "last": 10})
        second = await client.get(PATH, params={**params, "cursor": first["next_cursor"]})
        assert (second.status_code, second.json()["page"]) == (200, 2)
        connection.execute(award, {"kind": "heron_more_", "first": 1, "last": 1})
    third = await client.get(PATH, params={**params, "cursor": second.json()["next_cursor"]})
    assert third.status_code == 422
    assert "start again" in third.json()["details"]["fields"][0]["message"]
