"""GET /scholarships/export: who may, which awards, and what is given back."""

import csv
import io
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any

import openpyxl
import pytest

from scholarship_api.catalogue.cli import load_bundled
from scholarship_api.exchange.export.routes import EXPORTS_AT_ONCE
from tests.catalogue.api import Api, serving

pytestmark = pytest.mark.anyio

EXPORT = "/api/v1/scholarships/export"


@pytest.fixture(scope="module")
def sample_database_url(module_database_url: str) -> str:
    load_bundled(module_database_url)
    return module_database_url


@pytest.fixture(scope="module")
async def api(sample_database_url: str) -> AsyncIterator[Api]:
    async with serving(sample_database_url) as api:
        yield api


async def exported(api: Api, **parameters: Any) -> list[str]:  # noqa: ANN401 - of a query
    answer = await api.reader.client.get(EXPORT, params=parameters)
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["id"] for line in answer.text.splitlines()]


async def found(api: Api, **parameters: Any) -> list[str]:  # noqa: ANN401 - as above
    ids: list[str] = []
    query = {**parameters, "limit": 100, "interpret": False}
    while True:
        page = (await api.reader.client.get("/api/v1/search", params=query)).json()
        ids += [item["id"] for item in page["items"]]
        if not page["has_next"]:
            return ids
        query["cursor"] = page["next_cursor"]


async def test_it_needs_the_scope_of_readers(api: Api) -> None:
    assert (await api.anonymous.get(EXPORT)).status_code == 401
    answer = await api.student.client.get(EXPORT, params={"q": "nursing"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="scholarships.ndjson"'


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"include_closed": True},
        {"states": "NY", "min_amount": 1000},
        {"q": "engineering"},
        {"q": "enginering", "include_closed": True},
        {"q": "scholarship", "fields_of_study": "nursing"},
        {"deadline_after": "2027-01-01", "renewable": True},
        {"q": "the who"},
    ],
)
async def test_the_filters_are_those_of_the_search(api: Api, parameters: dict[str, Any]) -> None:
    ids = await exported(api, **parameters)
    assert sorted(ids) == sorted(await found(api, **parameters))


async def test_each_format_holds_the_same_awards(api: Api) -> None:
    ids = sorted(await exported(api, q="engineering"))
    assert ids

    async def content(name: str, **options: Any) -> bytes:  # noqa: ANN401 - as above
        parameters = {"q": "engineering", "format": name, **options}
        return (await api.reader.client.get(EXPORT, params=parameters)).content

    rows = list(csv.DictReader(io.StringIO((await content("csv")).decode())))
    assert sorted(row["id"] for row in rows) == ids
    assert (await content("csv", excel=True)).startswith(b"\xef\xbb\xbfid,")
    sheet = openpyxl.load_workbook(io.BytesIO(await content("xlsx"))).active
    assert sorted(row[0] for row in list(sheet.values)[1:]) == ids
    items = json.loads(await content("common-grants"))["items"]
    assert sorted(item["customFields"]["legacyId"]["value"] for item in items) == ids


@pytest.mark.parametrize(
    "parameters",
    [
        {"format": "docx"},
        {"limit": 5},
        {"cursor": "x"},
        {"sort": "match"},
        {"facets": True},
        {"genders": "woman"},
        {"q": "\x00"},
        {"states": "XX"},
        {"min_amount": 2, "max_amount": 1},
    ],
)
async def test_other_parameters_are_refused(api: Api, parameters: dict[str, Any]) -> None:
    answer = await api.reader.client.get(EXPORT, params=parameters)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "VALIDATION_ERROR"


async def test_only_so_many_exports_run_at_once(api: Api) -> None:
    with ExitStack() as others:
        for _ in range(EXPORTS_AT_ONCE):
            others.enter_context(api.app.state.export_slots.taken_by(uuid.uuid4()))
        busy = await api.reader.client.get(EXPORT)
    assert busy.status_code == 503
    assert int(busy.headers["retry-after"]) > 0
    for _ in range(EXPORTS_AT_ONCE + 1):
        assert (await api.reader.client.get(EXPORT)).status_code == 200


async def test_the_exports_of_one_account_leave_a_slot_to_others(api: Api) -> None:
    with api.app.state.export_slots.taken_by(api.reader.id):
        second = await api.reader.client.get(EXPORT)
        assert (await api.student.client.get(EXPORT)).status_code == 200
    assert (second.status_code, second.json()["code"]) == (429, "RATE_LIMITED")
    assert int(second.headers["retry-after"]) > 0
    assert (await api.reader.client.get(EXPORT)).status_code == 200


async def test_head_says_what_get_would(api: Api) -> None:
    answer = await api.reader.client.head(EXPORT)
    assert answer.status_code == 200
    assert answer.content == b""


async def test_no_award_can_have_its_address(api: Api) -> None:
    award = {
        "id": "export",
        "name": "N",
        "organization": "O",
        "scholarship_type": "athletic",
    }
    answer = await api.admin.client.post("/api/v1/scholarships", json=award)
    assert answer.status_code == 422
