"""GET /scholarships/{id}/similar."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.eligibility.awards import award, criteria, put, serving

pytestmark = pytest.mark.anyio

LISTING = "/api/v1/scholarships"


def described(name: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    named = {
        field: fields.pop(field)
        for field in ("fields_of_study", "residency_states", "grade_levels", "min_gpa")
        if field in fields
    }
    return award(name, eligibility_criteria=criteria(**named), **fields)


NURSES_IN_MAINE = {"fields_of_study": ["nursing"], "residency_states": ["ME"]}
COMMON = {"fields_of_study": ["engineering"], "residency_states": ["CA"]}


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(
        module_database_url,
        [
            described("nurse-one", **NURSES_IN_MAINE, amount=1000, currency="USD"),
            described("nurse-same-amount", **NURSES_IN_MAINE, amount=1000, currency="USD"),
            described("nurse-other-amount", **NURSES_IN_MAINE, amount=90_000, currency="USD"),
            described("nurse-of-ohio", fields_of_study=["nursing"], residency_states=["OH"]),
            described("in-maine", residency_states=["ME"], scholarship_type="athletic"),
            described("nurse-draft", **NURSES_IN_MAINE, status="draft"),
            described("nurse-closed", **NURSES_IN_MAINE, application_deadline="2020-01-01"),
            described("alone", scholarship_type="athletic", min_gpa=3.0),
            described("another-gpa", scholarship_type="merit_based", min_gpa=3.0),
            *(described(f"common-{number}", **COMMON) for number in range(20)),
        ],
    )


@pytest.fixture(scope="module")
async def client(module_database_url: str, awards: None) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(module_database_url) as client:
        yield client


async def similar(client: httpx.AsyncClient, award_id: str, **params: int) -> list[str]:
    answer = await client.get(f"{LISTING}/{award_id}/similar", params=params)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_those_that_share_most_of_what_is_rare_come_first(client: httpx.AsyncClient) -> None:
    found = await similar(client, "nurse-one", limit=4)
    assert found[:2] == ["nurse-same-amount", "nurse-other-amount"]
    assert set(found[2:]) == {"nurse-of-ohio", "in-maine"}


async def test_the_award_itself_drafts_and_closed_ones_are_left_out(
    client: httpx.AsyncClient,
) -> None:
    found = await similar(client, "nurse-one", limit=20)
    assert not {"nurse-one", "nurse-draft", "nurse-closed"} & set(found)
    assert await similar(client, "nurse-closed", limit=1) == ["nurse-one"]


async def test_an_equal_grade_average_is_no_similarity(client: httpx.AsyncClient) -> None:
    assert await similar(client, "alone") == ["in-maine"]


async def test_the_items_are_those_of_a_search(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{LISTING}/nurse-one/similar", params={"limit": 1})
    searched = (await client.get("/api/v1/search", params={"limit": 100})).json()["items"]
    assert answer.json()["items"] == [
        item for item in searched if item["id"] == "nurse-same-amount"
    ]
    assert answer.headers["Cache-Control"] == "public, no-cache"


async def test_the_number_of_items_is_limited(client: httpx.AsyncClient) -> None:
    assert len(await similar(client, "common-0")) == 5
    assert len(await similar(client, "common-0", limit=20)) == 20
    for limit in (0, 21):
        answer = await client.get(f"{LISTING}/common-0/similar", params={"limit": limit})
        assert answer.status_code == 422


@pytest.mark.parametrize("award_id", ["unknown", "nurse-draft", "%00", "a" * 255])
async def test_an_award_that_is_not_published_is_not_found(
    client: httpx.AsyncClient, award_id: str
) -> None:
    answer = await client.get(f"{LISTING}/{award_id}/similar")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_many_candidates_are_bounded(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scholarship_api.search.similar.MAX_CANDIDATES", 3)
    assert len(await similar(client, "common-1", limit=19)) == 3
