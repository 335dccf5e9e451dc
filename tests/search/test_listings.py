"""The lists that are searches: by organization, by field, and with advice."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from scholarship_api.platform.database.libpq import Row
from scholarship_api.search import limits
from scholarship_api.search.advice import quality
from scholarship_api.search.response_schemas import SearchQuality

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", autouse=True)
def _catalogue(insert_awards: Any) -> None:  # noqa: ANN401
    def award(number: int, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
        return {
            "id": f"listed_{number:02d}",
            "name": f"Heron award {number}",
            "organization": "Łódź Arts/Crafts Trust",
            "scholarship_type": "merit_based",
            "deadline_kind": "rolling",
            "amount": number,
            "currency": "USD",
            **fields,
        }

    law = {"eligibility_criteria": {"fields_of_study": ["law"]}}
    technology = {"eligibility_criteria": {"fields_of_study": ["technology"]}}
    insert_awards(
        [
            *(award(number) for number in range(30)),
            *(award(number, organization="Law Trust", **law) for number in range(30, 60)),
            award(60, organization="Chip Trust", name="Crane award", **technology),
        ]
    )


SEARCH = "/api/v1/search"


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await client.get(f"/api/v1/scholarships/{path}", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("name", ["Łódź Arts/Crafts Trust", "lodz arts%2Fcrafts TRUST"])
async def test_the_list_of_an_organization(client: httpx.AsyncClient, name: str) -> None:
    body = await get(client, f"organization/{name}", limit=20, sort="amount")
    assert body["total_count"] == 30
    assert [row["amount"] for row in body["scholarships"]] == list(range(29, 9, -1))
    rest = await get(
        client, f"organization/{name}", limit=20, sort="amount", cursor=body["next_cursor"]
    )
    assert [row["amount"] for row in rest["scholarships"]] == list(range(9, -1, -1))
    assert (rest["page"], rest["has_next"], rest["next_cursor"]) == (2, False, None)


@pytest.mark.parametrize("name", ["Nobody", "%25", "Arts", "x%00y"])
async def test_an_unknown_organization_is_not_found(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/api/v1/scholarships/organization/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_the_list_of_a_field_has_awards_that_name_it_or_are_open_to_all(
    client: httpx.AsyncClient,
) -> None:
    assert (await get(client, "fields/law"))["total_count"] == 60
    aliased = await get(client, "fields/computer_science", limit=100)
    assert aliased["total_count"] == 31
    assert "listed_60" in {row["id"] for row in aliased["scholarships"]}


async def test_an_unknown_field_is_answered_with_the_known_ones(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/scholarships/fields/alchemy")
    assert answer.status_code == 422
    [problem] = answer.json()["details"]["fields"]
    assert problem["field"] == "field"
    assert "engineering" in problem["message"]


@pytest.mark.parametrize(
    ("total", "band"),
    [
        (0, "no_results"),
        (1, "few_results"),
        (4, "few_results"),
        (5, "good_results"),
        (20, "good_results"),
        (21, "many_results"),
        (50, "many_results"),
        (51, "too_many_results"),
    ],
)
def test_search_quality(total: int, band: str) -> None:
    assert quality(total) == SearchQuality(band)


async def test_few_results_come_with_advice_to_drop_filters(client: httpx.AsyncClient) -> None:
    body = await get(client, "smart-search", q="crane", states="CA", max_amount=1)
    assert body["results"] == []
    assert body["search_metadata"] == {
        "filters_applied": ["q", "states", "max_amount"],
        "search_quality": "no_results",
    }
    assert "Without the filter max_amount: 1 instead of 0." in body["suggestions"]
    assert "Without the filter q: 2 instead of 0." in body["suggestions"]


@pytest.fixture
def statements(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that searches send to the database."""
    sent: list[str] = []
    fetch = app.state.database.fetch

    async def noted(statement: str, parameters: Mapping[str, object]) -> list[Row]:
        sent.append(statement)
        rows: list[Row] = await fetch(statement, parameters)
        return rows

    monkeypatch.setattr(app.state.database, "fetch", noted)
    return sent


async def test_advice_analyses_the_words_once_and_counts_without_four_filters_at_most(
    client: httpx.AsyncClient, statements: list[str]
) -> None:
    filters: dict[str, Any] = {
        "q": "crane hreon",
        "states": "CA",
        "fields_of_study": "technology",
        "scholarship_types": "merit_based",
        "citizenship": "US",
        "min_amount": 70,
        "max_amount": 70,
        "min_gpa": 3,
        "include_closed": True,
    }
    plain = await client.get("/api/v1/search", params=filters)
    assert plain.json()["total"] == 0
    of_search = len(statements)
    statements.clear()
    body = await get(client, "smart-search", **filters, limit=21)
    assert body["total"] == 0
    analyses = [statement for statement in statements if "search_words" in statement]
    assert len(analyses) <= 2  # its words and the corrections, unless they were looked up before
    # A count may take the planner's estimate, a sample and the count itself.
    assert len(statements) - of_search <= 3 * limits.MAX_PROBES


async def test_many_results_come_with_filters_to_add(
    client: httpx.AsyncClient, statements: list[str]
) -> None:
    plain = await client.get("/api/v1/search", params={"q": "heron"})
    assert plain.json()["total"] == 60
    statements.clear()
    body = await get(client, "smart-search", q="heron")
    assert "Narrow by fields_of_study=law: 60 results." not in body["suggestions"]
    assert len(statements) <= 2  # the page and the facets


async def test_advice_names_filters_as_requests_do(
    client: httpx.AsyncClient,
    insert_awards: Any,  # noqa: ANN401
) -> None:
    insert_awards(
        {
            "id": f"graded_{number:02d}",
            "name": "Egret award",
            "organization": "Egret Trust",
            "scholarship_type": "merit_based",
            "eligibility_criteria": {"grade_levels": ["doctoral"] if number else ["graduate"]},
        }
        for number in range(60)
    )
    body = await get(client, "smart-search", q="egret")
    assert "Narrow by grade_level=doctoral: 59 results." in body["suggestions"]
    narrowed = await get(client, "smart-search", q="egret", grade_level="doctoral")
    assert narrowed["total"] == 59


async def test_a_query_without_words_finds_nothing_and_has_empty_facets(
    client: httpx.AsyncClient, statements: list[str]
) -> None:
    answer = await client.get("/api/v1/search", params={"q": "the %", "facets": True})
    body = answer.json()
    assert (body["total"], body["items"]) == (0, [])
    assert {"fields_of_study", "states", "citizenship"} <= body["facets"].keys()
    assert not any(body["facets"].values())
    # One statement looks whether an award has this name.
    assert len([statement for statement in statements if "FROM scholarships" in statement]) <= 1


async def test_facets_can_be_chosen(client: httpx.AsyncClient) -> None:
    body = (await client.get(SEARCH, params={"facets": "states,renewable"})).json()
    assert body["facets"].keys() == {"states", "renewable"}
    assert (await client.get(SEARCH, params={"facets": "names"})).status_code == 422


@pytest.mark.parametrize("q", [None, "heron"])
async def test_a_disjunctive_facet_is_counted_without_its_own_filter(
    client: httpx.AsyncClient, q: str | None
) -> None:
    async def search(**filters: str) -> dict[str, Any]:
        params = filters if q is None else filters | {"q": q}
        body: dict[str, Any] = (await client.get(SEARCH, params=params)).json()
        return body

    every_type = await search(facets="true")
    [first, *_] = every_type["facets"]["scholarship_types"]
    narrow = await search(facets="scholarship_types", scholarship_types=first["value"])
    assert [each["value"] for each in narrow["facets"]["scholarship_types"]] == [first["value"]]
    wide = await search(facets="disjunctive", scholarship_types=first["value"])
    assert wide["facets"]["scholarship_types"] == every_type["facets"]["scholarship_types"]
    assert wide["total"] == narrow["total"] == first["count"]


async def test_a_correction_is_mentioned_in_the_advice(client: httpx.AsyncClient) -> None:
    body = await get(client, "smart-search", q="hreon")
    assert body["did_you_mean"] == "heron"
    assert body["total"] == 60
    assert "Searched for “heron”." in body["suggestions"]
    assert body["search_metadata"]["search_quality"] == "too_many_results"


@pytest.mark.parametrize("path", ["/api/v1/search", "/search"])
async def test_a_search_needs_no_token_but_refuses_a_bad_one(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).status_code == 200
    for answer in (
        await client.get(path, headers={"Authorization": "Bearer junk"}),
        await client.post(path, json={}, headers={"Authorization": "Bearer junk"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHORIZED")
