"""`facet_query` completes the values of facets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.eligibility.awards import award, criteria, put, serving

pytestmark = pytest.mark.anyio

PATH = "/api/v1/search"


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    states = ["NY", "NJ", "CA", "NE", "NV"]
    put(
        module_database_url,
        [
            award(
                state,
                eligibility_criteria=criteria(
                    residency_states=[state],
                    fields_of_study=["technology" if state == "CA" else "social_sciences"],
                    citizenship_required="DE" if state == "CA" else "permanent_resident",
                ),
            )
            for state in states
        ],
    )


@pytest.fixture(scope="module")
async def client(module_database_url: str, awards: None) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(module_database_url) as client:
        yield client


async def values(client: httpx.AsyncClient, facet: str, query: str, **filters: str) -> set[str]:
    params = {"facets": facet, "facet_query": query, **filters}
    answer = await client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    return {entry["value"] for entry in answer.json()["facets"][facet]}


@pytest.mark.parametrize(
    ("facet", "query", "found"),
    [
        ("states", "new", {"NY", "NJ"}),
        ("states", "NEW  y", {"NY"}),
        ("states", "york", {"NY"}),
        ("states", "ne", {"NY", "NJ", "NE", "NV"}),
        ("states", "ork", set()),
        ("states", "ny", {"NY"}),
        ("states", "--", {"NY", "NJ", "CA", "NE", "NV"}),
        ("fields_of_study", "sci", {"social_sciences"}),
        ("fields_of_study", "comput tech", {"technology"}),
        ("citizenship", "germ", {"DE"}),
        ("citizenship", "perm", {"permanent_resident"}),
    ],
)
async def test_the_values_are_those_whose_words_begin_so(
    client: httpx.AsyncClient, facet: str, query: str, found: set[str]
) -> None:
    assert await values(client, facet, query) == found


async def test_the_results_and_the_counts_are_the_same(client: httpx.AsyncClient) -> None:
    plain = (await client.get(PATH, params={"facets": "states"})).json()
    queried = (await client.get(PATH, params={"facets": "states", "facet_query": "new"})).json()
    assert [item["id"] for item in queried["items"]] == [item["id"] for item in plain["items"]]
    assert "facet_query" not in queried["filters"]
    for entry in queried["facets"]["states"]:
        assert entry in plain["facets"]["states"]


async def test_it_works_beside_a_filter_of_the_same_facet(client: httpx.AsyncClient) -> None:
    facets = "states,disjunctive"
    answer = await client.get(PATH, params={"facets": facets, "states": "CA", "facet_query": "new"})
    assert {each["value"] for each in answer.json()["facets"]["states"]} == {"NY", "NJ"}


@pytest.mark.parametrize(
    "params",
    [{"facet_query": "new"}, {"facets": "states", "facet_query": "a" * 101}],
)
async def test_a_wrong_one_is_refused(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    answer = await client.get(PATH, params=params)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_ERROR")
