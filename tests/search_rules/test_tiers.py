"""Boosts in results of more than 1 000 awards, which are sorted in tiers."""

import httpx
import pytest

from scholarship_api.search import limits
from tests.api_keys.conftest import Headers
from tests.search.large_catalogue import fill
from tests.search_rules.conftest import RULES, Create, ids, search, walk

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

AWARDS = 2_400
Q = "engineering OR community"
"""Awards with "engineering" in the name are the first tier, those with "community" in the
description the last one."""


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    fill(module_database_url.replace("+psycopg", ""), awards=AWARDS)


async def shown(client: httpx.AsyncClient, *, limit: int = 100) -> list[str]:
    pages = await walk(client, Q, limit=limit, include_closed="true")
    totals = {(page["total"], page["total_is_exact"]) for page in pages}
    assert len(totals) == 1
    return [award_id for page in pages for award_id in ids(page)]


def is_in_first_tier(award_id: str) -> bool:
    return int(award_id.removeprefix("plan_")) % 5 == 0


async def test_boosted_awards_come_first_in_each_tier(
    client: httpx.AsyncClient, create: Create
) -> None:
    before = await shown(client)
    assert len(before) == len(set(before)) > limits.RANKED_MATCHES
    first = [award_id for award_id in before if is_in_first_tier(award_id)]
    last = [award_id for award_id in before if not is_in_first_tier(award_id)]
    assert before == first + last
    boosts = [
        {"factor": 1.1, "scholarship_ids": first[-3:]},
        {"factor": 3, "scholarship_ids": [*last[-4:], first[-3]]},
    ]
    await create(query=Q, boost=boosts)
    assert await shown(client) == [*first[-3:], *first[:-3], *last[-4:], *last[:-4]]


@pytest.mark.parametrize("limit", [2, 3, 50])
async def test_pages_of_boosted_tiers_neither_repeat_nor_lose_an_award(
    client: httpx.AsyncClient, create: Create, limit: int
) -> None:
    plain = await shown(client)
    pinned = plain[1200]
    await create(
        query=Q,
        pin=[pinned],
        boost=[{"factor": 2, "scholarship_ids": [plain[100], plain[101], plain[-2], plain[-1]]}],
    )
    whole = await shown(client)
    assert sorted(whole) == sorted(plain)
    assert whole[:3] == [pinned, plain[100], plain[101]]
    cursor, walked = None, list[str]()
    while len(walked) < 5 * limit:
        page = await search(
            client,
            Q,
            limit=limit,
            include_closed="true",
            **({} if cursor is None else {"cursor": cursor}),
        )
        walked += ids(page)
        cursor = page["next_cursor"]
    assert walked == whole[: len(walked)]
    for offset in (0, 1, 2, len(first_tier(whole)) - 1, len(whole) - limit):
        page = await search(client, Q, limit=limit, offset=offset, include_closed="true")
        assert ids(page) == whole[offset : offset + limit]


def first_tier(award_ids: list[str]) -> list[str]:
    return [award_id for award_id in award_ids if is_in_first_tier(award_id)]


async def test_a_walk_over_tiers_is_refused_when_its_boosts_change(
    client: httpx.AsyncClient, create: Create, admin: Headers
) -> None:
    boost = {"factor": 2, "field_of_study": "engineering"}
    rule = await create(query=Q, boost=[boost])
    page = await search(client, Q, limit=5, include_closed="true")
    params = {"q": Q, "limit": 5, "include_closed": "true", "cursor": page["next_cursor"]}
    assert (await client.get("/api/v1/search", params=params)).status_code == 200
    await client.delete(f"{RULES}/{rule['id']}", headers=admin)
    assert (await client.get("/api/v1/search", params=params)).status_code == 422
