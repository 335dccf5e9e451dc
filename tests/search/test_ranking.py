"""The order of results with too many matches to rank, which are tiered."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.search import limits
from scholarship_api.search.responses.response_cache import ResponseCache

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"
WORDS = ("lynx", "puffin", "lynx puffin", "puffins -lynx", '"lynx puffin"', "puf", "-lynx")


def award(id_: str, name: str, organization: str, description: str, day: int) -> dict[str, Any]:
    return {
        "id": id_,
        "name": name,
        "organization": organization,
        "description": description,
        "scholarship_type": "merit_based",
        "application_deadline": f"2035-01-{day:02d}",
    }


AWARDS = [
    award("described", "Plain", "Trust", "For a lynx and for puffins", 1),
    award("organized", "Plain", "Lynx Puffin Trust", "", 2),
    award("named_late", "The lynx puffin prize", "Trust", "", 9),
    award("named", "Puffin and lynx prize", "Trust", "", 3),
    award("split", "Lynx prize", "Puffin Trust", "", 4),
    award("alone", "Puffin grant", "Trust", "", 6),
    award("split_more", "Puffin prize", "Trust", "A lynx puffin", 5),
]


@pytest.fixture(scope="module", autouse=True)
def _catalogue(insert_awards: Any) -> None:  # noqa: ANN401
    insert_awards(AWARDS)


@pytest.fixture(autouse=True)
def _empty_cache(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    # The response cache would give the answer in the order of the test before.
    monkeypatch.setattr(app.state.answers, "cache", ResponseCache())


@pytest.fixture(
    params=[
        pytest.param({}, id="asked-among-the-kept"),
        pytest.param({"MATCHED_AMONG_KEPT": 0}, id="known-by-words"),
        pytest.param({"MATCHED_AMONG_KEPT": 0, "KNOWN_MATCHES": 0}, id="scanned-at-once"),
        pytest.param(
            {
                "MATCHED_AMONG_KEPT": 0,
                "KNOWN_MATCHES": 0,
                "MIN_SCANNED_AT_ONCE": 1,
                "MAX_SCANNED_AT_ONCE": 1,
            },
            id="scanned-one-by-one",
        ),
    ]
)
def tiered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results of any size are tiered, and each tier is read in each of the ways."""
    for name, value in request.param.items():
        monkeypatch.setattr(limits, name, value)
    monkeypatch.setattr(limits, "RANKED_MATCHES", 0)


async def ids(client: httpx.AsyncClient, q: str, **params: Any) -> list[str]:  # noqa: ANN401
    answer = await client.get(PATH, params={"q": q, **params})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


@pytest.mark.usefixtures("tiered")
async def test_name_comes_before_organization_before_the_rest_each_by_deadline(
    client: httpx.AsyncClient,
) -> None:
    assert await ids(client, "lynx puffin") == [
        "named",
        "named_late",
        "organized",
        "described",
        "split",
        "split_more",
    ]


@pytest.mark.parametrize("q", WORDS)
async def test_ranked_and_tiered_results_have_the_same_awards(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, q: str
) -> None:
    ranked = await ids(client, q)
    monkeypatch.setattr(limits, "RANKED_MATCHES", 0)
    assert sorted(await ids(client, q, limit=99)) == sorted(ranked)
    assert ranked


@pytest.mark.usefixtures("tiered")
@pytest.mark.parametrize("q", WORDS)
async def test_pages_join_by_cursor_and_by_offset(client: httpx.AsyncClient, q: str) -> None:
    whole = await ids(client, q)
    by_offset = [
        found
        for offset in range(0, len(whole), 2)
        for found in await ids(client, q, limit=2, offset=offset)
    ]
    by_cursor: list[str] = []
    params: dict[str, Any] = {"q": q, "limit": 1}
    while True:
        body = (await client.get(PATH, params=params)).json()
        by_cursor += [item["id"] for item in body["items"]]
        if body["next_cursor"] is None:
            break
        params["cursor"] = body["next_cursor"]
    assert by_offset == by_cursor == whole
    assert await ids(client, q, offset=len(whole)) == []


@pytest.mark.usefixtures("tiered")
@pytest.mark.parametrize(("sort", "last"), [("deadline", "named_late"), ("amount", "alone")])
async def test_other_orders_are_the_same_however_they_are_read(
    client: httpx.AsyncClient, sort: str, last: str
) -> None:
    whole = await ids(client, "puffin", sort=sort)
    by_offset = [
        found
        for offset in range(len(whole))
        for found in await ids(client, "puffin", sort=sort, limit=1, offset=offset)
    ]
    assert len(whole) == len(AWARDS)
    assert by_offset == whole
    assert whole[-1] == last


async def test_a_tiered_walk_stays_tiered_when_the_result_becomes_small(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(limits, "RANKED_MATCHES", 0)
        whole = await ids(client, "lynx puffin")
        first = (await client.get(PATH, params={"q": "lynx puffin", "limit": 3})).json()
    rest = await ids(client, "lynx puffin", cursor=first["next_cursor"])
    assert [item["id"] for item in first["items"]] + rest == whole


async def test_pages_join_when_only_the_heaviest_clauses_are_affordable(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_RANKED_CLAUSES_TIMES_MATCHES", 1)
    whole = await ids(client, "lynx puffin prize")
    pages: list[str] = []
    params: dict[str, Any] = {"q": "lynx puffin prize", "limit": 2}
    for _ in range(9):
        body = (await client.get(PATH, params=params)).json()
        pages += [item["id"] for item in body["items"]]
        if body["next_cursor"] is None:
            break
        params["cursor"] = body["next_cursor"]
    assert len(whole) == 6
    assert pages == whole
