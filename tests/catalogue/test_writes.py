"""Awards are created, replaced and archived."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from scholarship_api.catalogue.identifiers import new_id
from tests.catalogue.api import (
    AWARDS,
    Api,
    address,
    changed,
    created,
    new_award,
    refusal,
    refused_fields,
    serving,
)
from tests.catalogue.awards import FULL

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


# --- Create ---------------------------------------------------------------------------------------


async def test_a_new_award_can_be_read_and_found_at_once(api: Api) -> None:
    answer = await created(api.partner, **{**FULL, "name": "Zanzibar lute prize"})
    body = answer.json()
    assert uuid.UUID(body["id"]).version == 7
    assert answer.headers["location"] == f"{AWARDS}/{body['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert (body["version"], body["status"], body["deadline_kind"]) == (1, "published", "fixed")
    assert body["application_deadline"] == "2127-03-01T18:29:59Z"
    assert body["eligibility_criteria"]["fields_of_study"] == ["law", "social_sciences"]
    read = await api.anonymous.get(answer.headers["location"])
    assert (read.json(), read.headers["etag"]) == (body, answer.headers["etag"])
    for path in ("/api/v1/search", AWARDS):
        found = await api.student.client.get(path, params={"q": "zanzibar"})
        items = found.json().get("items") or found.json()["scholarships"]
        assert [item["id"] for item in items] == [body["id"]]


async def test_an_id_can_be_given_once(api: Api) -> None:
    answer = await created(api.admin, id="given")
    assert answer.json()["id"] == "given"
    again = await api.admin.client.post(AWARDS, json=new_award(id="given", name="Other"))
    assert refusal(again) == (409, "CONFLICT")
    assert (await api.anonymous.get(f"{AWARDS}/given")).json()["name"] == "Name"


@pytest.mark.parametrize("award_id", [".", "..", "smart-search", "a/b", "", "x" * 129, "é", "a\n"])
async def test_ids_that_cannot_be_in_a_path_are_refused(api: Api, award_id: str) -> None:
    answer = await api.admin.client.post(AWARDS, json=new_award(id=award_id))
    assert refused_fields(answer) == {"id"}


def test_new_ids_sort_in_the_order_of_creation() -> None:
    before = dt.datetime.now(dt.UTC).timestamp()
    made = [new_id() for _ in range(1000)]
    milliseconds = uuid.UUID(made[0]).int >> 80
    assert before - 0.001 <= milliseconds / 1000 <= before + 60
    assert len(set(made)) == len(made)
    assert {(uuid.UUID(one).version, uuid.UUID(one).variant) for one in made} == {
        (7, uuid.RFC_4122)
    }
    leading = [uuid.UUID(one).int >> 64 for one in made]
    assert leading == sorted(leading)


async def test_read_only_fields_are_ignored(api: Api) -> None:
    answer = await created(
        api.admin,
        version=7,
        created_at="2001-01-01T00:00:00Z",
        updated_at=[],
        availability="closed",
        days_left={"a": 1},
    )
    body = answer.json()
    assert (body["version"], body["availability"]) == (1, "unknown")
    assert not body["created_at"].startswith("2001")


async def test_a_yearly_estimated_deadline_moves_as_in_an_import(api: Api) -> None:
    fields = {"recurs": "yearly", "deadline_estimated": True}
    answer = await created(api.admin, application_deadline="2020-02-29", **fields)
    assert answer.json()["availability"] == "open"
    too_late = new_award(
        application_deadline="9999-12-31T23:30:00Z", deadline_timezone="Asia/Tokyo"
    )
    answer = await api.admin.client.post(AWARDS, json=too_late)
    assert refused_fields(answer) == {"application_deadline"}


# --- Replace --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        FULL,
        {},
        {"amount": 10, "currency": "USD"},
        {"amount_min": 10, "currency": "USD"},
        {"status": "draft", "application_deadline": "2020-01-01T05:06:07.89Z"},
    ],
)
async def test_sending_back_an_answer_changes_nothing(api: Api, fields: dict[str, Any]) -> None:
    answer = await created(api.partner, **fields)
    for method in ("PUT", "PATCH"):
        again = await changed(
            api.partner, method, address(answer), answer.json(), answer.headers["etag"]
        )
        assert again.status_code == 200, again.text
        assert again.json() == answer.json()
        assert again.headers["etag"] == answer.headers["etag"]


async def test_a_replacement_resets_fields_that_it_does_not_name(api: Api) -> None:
    answer = await created(api.partner, **FULL)
    replaced = await changed(
        api.partner, "PUT", address(answer), new_award(name="New"), answer.headers["etag"]
    )
    body = replaced.json()
    assert (replaced.status_code, body["version"], body["name"]) == (200, 2, "New")
    assert (body["amount"], body["application_deadline"], body["renewable"]) == (None, None, False)
    assert body["eligibility_criteria"]["fields_of_study"] == []
    assert body["created_at"] == answer.json()["created_at"]
    assert body["updated_at"] > answer.json()["updated_at"]
    read = await api.anonymous.get(address(answer))
    assert (read.json(), read.headers["etag"]) == (body, replaced.headers["etag"])


async def test_an_id_cannot_be_changed(api: Api) -> None:
    answer = await created(api.admin)
    tag = answer.headers["etag"]
    for method, body in (("PUT", new_award(id="another")), ("PATCH", {"id": "another"})):
        assert refused_fields(await changed(api.admin, method, address(answer), body, tag)) == {
            "id"
        }


@pytest.mark.parametrize("status", ["draft", "published", "archived"])
async def test_any_status_may_follow_any_other(api: Api, status: str) -> None:
    answer = await created(api.admin, status=status)
    tag = answer.headers["etag"]
    for following in ("draft", "published", "archived", "draft", "archived", "published"):
        answer = await changed(api.admin, "PATCH", address(answer), {"status": following}, tag)
        tag = answer.headers["etag"]
        assert answer.json()["status"] == following
        public = await api.anonymous.get(address(answer))
        assert public.status_code == (404 if following == "draft" else 200)


# --- Archive --------------------------------------------------------------------------------------


async def test_an_archived_award_can_be_read_but_not_found_by_search(api: Api) -> None:
    answer = await created(api.partner, name="Xylophone grant", deadline_kind="rolling")
    tag = answer.headers["etag"]
    archived = await changed(api.partner, "DELETE", address(answer), None, tag)
    assert (archived.status_code, archived.content) == (204, b"")
    read = await api.anonymous.get(address(answer))
    assert (read.json()["status"], read.json()["availability"]) == ("archived", "closed")
    assert read.json()["version"] == 2
    assert read.headers["etag"] == archived.headers["etag"]
    found = await api.anonymous.get("/api/v1/search", params={"q": "xylophone"})
    assert found.json()["items"] == []
    for repeated in (tag, archived.headers["etag"], "*"):
        again = await changed(api.partner, "DELETE", address(answer), None, repeated)
        assert (again.status_code, again.headers["etag"]) == (204, read.headers["etag"])
