"""Opportunities over HTTP: filters, orders, pages and errors of CommonGrants 0.4.0."""

import re
from typing import Any

import httpx
import pytest
from common_grants_sdk.schemas.pydantic.responses.opportunity import (
    OpportunitiesListResponse,
    OpportunitiesSearchResponse,
    OpportunityResponse,
)
from psycopg import connect

from scholarship_api.exchange.common_grants.identifiers import opportunity_id
from tests.exchange.sample import SAMPLE

pytestmark = pytest.mark.anyio

ROOT = "/common-grants/opportunities"


async def search(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    answer = await client.post(f"{ROOT}/search", json=body)
    assert answer.status_code == 200, answer.text
    assert "null" not in re.sub(r'"(\\.|[^"])*"', "", answer.text)
    content: dict[str, Any] = answer.json()
    OpportunitiesSearchResponse.model_validate(content)
    return content


async def test_ids_in_python_and_in_postgresql_are_the_same(
    client: httpx.AsyncClient, sample_database_url: str
) -> None:
    with connect(sample_database_url.replace("+psycopg", "")) as connection:
        rows = connection.execute("SELECT id, opportunity_id(id) FROM scholarships").fetchall()
    assert len(rows) == len(SAMPLE)
    assert dict(rows) == {award_id: opportunity_id(award_id) for award_id in SAMPLE}
    assert {number.version for _, number in rows} == {8}


async def test_a_page_validates_and_says_how_many_there_are(client: httpx.AsyncClient) -> None:
    answer = await client.get(ROOT, params={"page": 2, "pageSize": 10})
    content = answer.json()
    OpportunitiesListResponse.model_validate(content)
    assert len(content["items"]) == 10
    assert content["paginationInfo"] == {
        "page": 2,
        "pageSize": 10,
        "totalItems": len(SAMPLE),
        "totalPages": -(-len(SAMPLE) // 10),
    }
    times = [item["lastModifiedAt"] for item in content["items"]]
    assert times == sorted(times, reverse=True)
    assert answer.headers["etag"]


async def test_a_page_behind_the_end_is_empty(client: httpx.AsyncClient) -> None:
    content = (await client.get(ROOT, params={"page": 1000})).json()
    assert content["items"] == []
    assert content["paginationInfo"]["totalItems"] == len(SAMPLE)


async def test_one_opportunity_names_its_award(client: httpx.AsyncClient) -> None:
    award_id = next(iter(SAMPLE))
    answer = await client.get(f"{ROOT}/{opportunity_id(award_id)}")
    content = answer.json()
    OpportunityResponse.model_validate(content)
    assert content["data"]["title"] == SAMPLE[award_id]["name"]
    assert content["data"]["customFields"]["legacyId"]["value"] == award_id
    unchanged = await client.get(
        f"{ROOT}/{opportunity_id(award_id)}", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert unchanged.status_code == 304


@pytest.mark.parametrize(
    "number", ["0190a3c2-0000-7000-8000-000000000000", "sch_001", "x" * 500, "%00"]
)
async def test_another_id_is_not_found(client: httpx.AsyncClient, number: str) -> None:
    answer = await client.get(f"{ROOT}/{number}")
    assert answer.status_code == 404
    assert answer.json()["errors"] == []
    assert answer.json()["status"] == 404


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("GET", f"{ROOT}?pageSize=101", {}, 422),
        ("GET", f"{ROOT}?page=0", {}, 422),
        ("GET", f"{ROOT}?page=9999999999999", {}, 422),
        ("GET", f"{ROOT}?colour=red", {}, 422),
        ("GET", ROOT, {"headers": {"Authorization": "Bearer x"}}, 401),
        ("GET", "/common-grants/nothing", {}, 404),
        ("DELETE", ROOT, {}, 405),
        ("POST", f"{ROOT}/search", {"content": b"{}"}, 415),
        ("POST", f"{ROOT}/search", {"json": []}, 422),
        ("POST", f"{ROOT}/search", {"json": {"search": "a\x00"}}, 422),
        ("POST", f"{ROOT}/search", {"json": {"sorting": {"sortBy": "colour"}}}, 422),
        ("POST", f"{ROOT}/search", {"json": {"search": "x" * 70_000}}, 413),
    ],
)
async def test_every_error_has_the_list_of_errors(
    client: httpx.AsyncClient, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    answer = await client.request(method, path, **options)
    assert answer.status_code == status, answer.text
    content = answer.json()
    assert content["errors"] == []
    assert {"trace_id", "code", "message", "status", "timestamp"} <= content.keys()


async def test_errors_of_other_routes_have_no_such_list(client: httpx.AsyncClient) -> None:
    assert "errors" not in (await client.get("/api/v1/nothing")).json()


async def test_filters_are_joined_and_echoed(client: httpx.AsyncClient) -> None:
    filters = {
        "status": {"operator": "in", "value": ["open", "forecasted"]},
        "maxAwardAmountRange": {
            "operator": "between",
            "value": {
                "min": {"amount": "1000", "currency": "USD"},
                "max": {"amount": "10000.50", "currency": "USD"},
            },
        },
        "customFilters": {"moon": {"operator": "eq", "value": True}},
    }
    content = await search(client, filters=filters, pagination={"page": 1, "pageSize": 100})
    assert content["filterInfo"] == {"filters": filters, "errors": ["Unsupported filter: moon"]}
    assert content["items"]
    for item in content["items"]:
        assert item["status"]["value"] in ("open", "forecasted")
        money = item["funding"].get("maxAwardAmount") or item["funding"]["minAwardAmount"]
        assert 1000 <= float(money["amount"]) <= 10000.5
        assert money["currency"] == "USD"


async def test_every_status_is_that_of_the_filter(client: httpx.AsyncClient) -> None:
    total = 0
    for status in ("open", "forecasted", "closed", "custom"):
        found = await search(client, filters={"status": {"operator": "in", "value": [status]}})
        assert {item["status"]["value"] for item in found["items"]} <= {status}
        total += found["paginationInfo"]["totalItems"]
        others = await search(client, filters={"status": {"operator": "notIn", "value": [status]}})
        assert others["paginationInfo"]["totalItems"] == (
            len(SAMPLE) - found["paginationInfo"]["totalItems"]
        )
    assert total == len(SAMPLE)


async def test_a_range_of_closing_days_and_what_is_outside(client: httpx.AsyncClient) -> None:
    value = {"min": "2026-12-01", "max": "2027-03-31"}
    days = {}
    for operator in ("between", "outside"):
        filters = {"closeDateRange": {"operator": operator, "value": value}}
        found = await search(client, filters=filters)
        days[operator] = [item["keyDates"]["closeDate"]["date"] for item in found["items"]]
    assert days["between"]
    assert all("2026-12-01" <= day <= "2027-03-31" for day in days["between"])
    assert not any("2026-12-01" <= day <= "2027-03-31" for day in days["outside"])


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_awards_without_a_closing_day_come_last(
    client: httpx.AsyncClient, order: str
) -> None:
    days = []
    for page in range(1, 5):
        content = await search(
            client,
            sorting={"sortBy": "keyDates.closeDate", "sortOrder": order},
            pagination={"page": page},
        )
        days += [
            item.get("keyDates", {}).get("closeDate", {}).get("date") for item in content["items"]
        ]
    dated = [day for day in days if day is not None]
    assert days[: len(dated)] == dated
    assert len(dated) < len(days) == len(SAMPLE)


@pytest.mark.parametrize(
    "sort_by",
    [
        "lastModifiedAt",
        "createdAt",
        "title",
        "status.value",
        "funding.maxAwardAmount",
        "funding.minAwardAmount",
        "funding.totalAmountAvailable",
        "funding.estimatedAwardCount",
    ],
)
async def test_pages_of_every_order_hold_each_award_once(
    client: httpx.AsyncClient, sort_by: str
) -> None:
    found: list[str] = []
    for page in range(1, 5):
        content = await search(client, sorting={"sortBy": sort_by}, pagination={"page": page})
        assert content["sortInfo"] == {"sortBy": sort_by, "sortOrder": "desc", "errors": []}
        found += [item["id"] for item in content["items"]]
    assert len(found) == len(set(found)) == len(SAMPLE)


async def test_an_unsupported_sort_key_is_ignored_and_named(client: httpx.AsyncClient) -> None:
    content = await search(client, sorting={"sortBy": "custom", "customSortBy": "moon"})
    assert content["sortInfo"]["errors"] == ["Unsupported sort key: moon"]
    assert content["items"]


async def test_words_are_corrected_as_in_the_search(client: httpx.AsyncClient) -> None:
    right = await search(client, search="engineering")
    wrong = await search(client, search="enginering")
    assert right["paginationInfo"]["totalItems"] == wrong["paginationInfo"]["totalItems"] > 0


@pytest.mark.parametrize(
    ("name", "value", "parameters"),
    [
        ("residencyState", ["NY"], {"states": ["NY"]}),
        ("citizenship", "US", {"citizenship": "US"}),
        ("gradeLevel", ["doctoral"], {"grade_level": "doctoral"}),
        ("fieldOfStudy", ["nursing"], {"fields_of_study": ["nursing"]}),
        ("cipCode", ["14"], {"cip_codes": ["14"]}),
        ("gender", ["man"], {"genders": ["man"]}),
        ("heritage", ["asian"], {"heritages": ["asian"]}),
        ("minGpa", 2.5, {"min_gpa": 2.5}),
        ("tag", ["need_based"], {"scholarship_types": ["need_based"]}),
    ],
)
async def test_custom_filters_are_those_of_the_search(
    client: httpx.AsyncClient, name: str, value: object, parameters: dict[str, Any]
) -> None:
    operator = "in" if isinstance(value, list) else "eq"
    content = await search(
        client, filters={"customFilters": {name: {"operator": operator, "value": value}}}
    )
    assert content["filterInfo"]["errors"] == []
    expected = await client.post("/api/v1/search", json={"include_closed": True, **parameters})
    assert content["paginationInfo"]["totalItems"] == expected.json()["total"] < len(SAMPLE)


async def test_a_filter_about_a_person_is_in_no_cache(client: httpx.AsyncClient) -> None:
    filters = {"customFilters": {"gender": {"operator": "in", "value": ["woman"]}}}
    answer = await client.post(f"{ROOT}/search", json={"filters": filters})
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "custom",
    [
        {"gender": {"operator": "in", "value": ["green"]}},
        {"minGpa": {"operator": "eq", "value": {"a": [1]}}},
        {"minGpa": {"operator": "gt", "value": 3}},
        {"financialNeed": {"operator": "eq", "value": "perhaps"}},
        {"residencyState": {"operator": "in", "value": ["\x00"]}},
        {"residencyState": {"operator": "in", "value": {"a": 1}}},
    ],
)
async def test_a_custom_filter_that_cannot_be_read_is_ignored_and_named(
    client: httpx.AsyncClient, custom: dict[str, Any]
) -> None:
    content = await search(client, filters={"customFilters": custom}, pagination={"pageSize": 1})
    assert len(content["filterInfo"]["errors"]) == 1
    assert content["paginationInfo"]["totalItems"] == len(SAMPLE)


@pytest.mark.parametrize(
    "body",
    [
        b'{"filters": {"moon": NaN}}',
        b'{"filters": {"moon": 1e999}}',
        b'{"filters": {"moon": "\\ud800"}}',
        b'{"filters": {"\\ud800": 1}}',
        b'{"filters": {"customFilters": {"\\ud800": {"operator": "eq", "value": 1}}}}',
        b'{"filters": {"customFilters": {"a": {"operator": "eq", "value": "\\ud800"}}}}',
        b'{"filters": {"moon": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}",
        b'{"filters": {"status": {"operator": "in", "value": ["\\u0000"]}}}',
        (
            b'{"filters": {"closeDateRange": {"operator": "between", "value": '
            b'{"min": "0001-01-01", "max": "9999-12-31T23:59:59-14:00"}}}}'
        ),
        b'{"search": "\\ud800"}',
    ],
)
async def test_hostile_bodies_are_refused_or_answered(
    client: httpx.AsyncClient, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{ROOT}/search", content=body, headers=headers)
    assert answer.status_code in (200, 400, 422), answer.text
    answer.json()
