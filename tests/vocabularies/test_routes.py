"""GET /vocabularies lists codes with labels."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings
from scholarship_api.vocabularies.registry import VOCABULARIES

pytestmark = pytest.mark.anyio

PATH = "/api/v1/vocabularies"


@pytest.fixture(scope="module")
async def client(module_database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(
        Settings.model_validate(
            {
                "environment": "test",
                "database_url": module_database_url,
                "rate_limit_enabled": False,
            }
        )
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield client


async def terms(client: httpx.AsyncClient, name: str, **query: Any) -> dict[str, Any]:  # noqa: ANN401
    answer = await client.get(f"{PATH}/{name}", params=query)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_all_vocabularies_are_listed(client: httpx.AsyncClient) -> None:
    body = (await client.get(PATH)).json()
    assert [one["name"] for one in body["vocabularies"]] == list(VOCABULARIES)
    for one in body["vocabularies"]:
        assert one["terms"] == len(VOCABULARIES[one["name"]].terms)
        shown = await client.get(one["href"])
        assert {name: shown.json()[name] for name in one} == one


async def test_terms_have_labels_and_broader_codes(client: httpx.AsyncClient) -> None:
    body = await terms(client, "institution_types", q="community")
    assert body["total"] == 1
    assert body["items"] == [
        {
            "code": "community_college",
            "label": "Community college",
            "broader": ["two_year", "public"],
        }
    ]


@pytest.mark.parametrize(
    ("name", "q", "codes"),
    [
        ("countries", "germ", ["DE"]),
        ("countries", "reunion", ["RE"]),
        ("countries", "DE", ["CD", "DE", "DK"]),
        ("cip_codes", "51.38", ["51.38"]),
        ("counties", "kings ny", ["36047"]),
        ("conditions", "deaf", ["deaf_blindness", "deaf_hard_of_hearing"]),
        ("genders", "%", ["woman", "man", "nonbinary", "transgender"]),
        ("genders", "zzz", []),
    ],
)
async def test_terms_are_found_by_beginnings_of_words(
    client: httpx.AsyncClient, name: str, q: str, codes: list[str]
) -> None:
    found = [item["code"] for item in (await terms(client, name, q=q))["items"]]
    assert sorted(found) == sorted(codes)


async def test_long_lists_are_paginated(client: httpx.AsyncClient) -> None:
    found: list[str] = []
    while items := (await terms(client, "counties", limit=500, offset=len(found)))["items"]:
        found += [item["code"] for item in items]
    assert found == list(VOCABULARIES["counties"].terms)
    assert len((await terms(client, "counties"))["items"]) == 100


@pytest.mark.parametrize("path", [PATH, f"{PATH}/genders", f"{PATH}/counties?q=x"])
async def test_an_unchanged_answer_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_unknown_names_and_values_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{PATH}/nothing")).status_code == 404
    for query in ({"limit": 501}, {"q": "x" * 101}, {"unknown": 1}, {"offset": -1}):
        assert (await client.get(f"{PATH}/genders", params=query)).status_code == 422
