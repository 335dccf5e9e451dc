"""An award as JSON-LD: only properties that schema.org has, and only for those who ask for it."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from scholarship_api.catalogue.cli import BUNDLED_CATALOGUE, load_bundled
from scholarship_api.catalogue.json_ld import is_wanted
from tests.catalogue.api import AWARDS, Api, serving
from tests.catalogue.awards import award

pytestmark = pytest.mark.anyio

PROPERTIES: Final = json.loads(
    (Path(__file__).parent / "schema_org.json").read_text(encoding="utf-8")
)
"""The properties of the types that the answers use, after schema.org."""
ACCEPT: Final = {"Accept": "application/ld+json"}


@pytest.fixture(scope="module")
def sample_database_url(module_database_url: str) -> str:
    load_bundled(module_database_url)
    return module_database_url


@pytest.fixture(scope="module")
async def api(sample_database_url: str) -> AsyncIterator[Api]:
    async with serving(sample_database_url, public_base_url="https://s.example.org") as api:
        yield api


def unknown_properties(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        for each in value:
            yield from unknown_properties(each)
    if isinstance(value, dict):
        kind = value["@type"]
        allowed = {"@context", "@type", *PROPERTIES["Thing"], *PROPERTIES[kind]}
        yield from (f"{kind}.{name}" for name in value.keys() - allowed)
        for each in value.values():
            yield from unknown_properties(each)


async def read(client: httpx.AsyncClient, award_id: str) -> dict[str, Any]:
    answer = await client.get(f"{AWARDS}/{award_id}", headers=ACCEPT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/ld+json"
    assert "Accept" in answer.headers["vary"].split(", ")
    content: dict[str, Any] = answer.json()
    return content


async def test_every_award_of_the_sample_has_only_properties_of_schema_org(api: Api) -> None:
    lines = BUNDLED_CATALOGUE.read_text("utf-8").splitlines()
    for line in lines:
        content = await read(api.anonymous, json.loads(line)["id"])
        assert content["@context"] == "https://schema.org"
        assert content["@type"] == "MonetaryGrant"
        assert list(unknown_properties(content)) == []


async def test_an_award_says_its_amount_deadline_and_audience(api: Api) -> None:
    given = award(
        id="ld",
        organization="Acme Trust",
        amount_min=2500,
        amount_max=5000,
        currency="USD",
        application_deadline="2127-01-31",
        deadline_timezone="America/New_York",
        application_url="https://apply.example.org/x",
        last_verified_on="2026-09-15",
        eligibility_criteria={
            "residency_states": ["NY"],
            "genders": ["woman"],
            "min_age": 16,
            "cip_codes": ["14.01"],
        },
    )
    assert (await api.admin.client.post(AWARDS, json=given)).status_code == 201
    content = await read(api.anonymous, "ld")
    assert content["funder"] == {"@type": "Organization", "name": "Acme Trust"}
    assert content["amount"] == {
        "@type": "MonetaryAmount",
        "currency": "USD",
        "minValue": 2500.0,
        "maxValue": 5000.0,
    }
    assert content["potentialAction"] == {
        "@type": "ApplyAction",
        "endTime": "2127-01-31T23:59:59-05:00",
        "target": {"@type": "EntryPoint", "urlTemplate": "https://apply.example.org/x"},
    }
    page = content["mainEntityOfPage"]
    assert page["url"] == f"https://s.example.org{AWARDS}/ld"
    assert page["lastReviewed"] == "2026-09-15"
    assert page["audience"] == [
        {
            "@type": "EducationalAudience",
            "educationalRole": "student",
            "geographicArea": [{"@type": "State", "name": "NY"}],
        },
        {"@type": "PeopleAudience", "requiredGender": "female", "requiredMinAge": 16},
    ]
    assert [term["termCode"] for term in page["about"]] == ["14.01"]
    assert list(unknown_properties(content)) == []


async def test_both_representations_have_their_own_tag(api: Api) -> None:
    award_id = json.loads(BUNDLED_CATALOGUE.read_text("utf-8").splitlines()[0])["id"]
    plain = await api.anonymous.get(f"{AWARDS}/{award_id}")
    linked = await api.anonymous.get(f"{AWARDS}/{award_id}", headers=ACCEPT)
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["etag"] != linked.headers["etag"]
    for first, headers in ((plain, {}), (linked, ACCEPT)):
        unchanged = await api.anonymous.get(
            f"{AWARDS}/{award_id}", headers={**headers, "If-None-Match": first.headers["etag"]}
        )
        assert unchanged.status_code == 304


async def test_a_draft_is_not_found_as_json_ld_either(api: Api) -> None:
    draft = award(id="ld_draft", organization="Acme Trust", status="draft")
    assert (await api.admin.client.post(AWARDS, json=draft)).status_code == 201
    answer = await api.anonymous.get(f"{AWARDS}/ld_draft", headers=ACCEPT)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/ld+json", True),
        ("Application/LD+JSON; charset=utf-8", True),
        ("application/ld+json, */*;q=0.1", True),
        ("application/ld+json, application/json;q=0.9", True),
        ("application/ld+json, application/json", False),
        ("application/ld+json;q=0", False),
        ("application/ld+json;q=x", False),
        ("application/ld+json;q=0.5, application/json;q=0.4", True),
        (",;,=;" * 1000, False),
    ],
)
async def test_what_a_client_accepts(accept: str, expected: bool) -> None:
    assert is_wanted(accept) is expected
