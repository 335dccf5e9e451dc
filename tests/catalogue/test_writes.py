"""Awards are created, replaced, patched and archived by the accounts that may do so."""

import asyncio
import datetime as dt
import re
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest

from scholarship_api.catalogue.identifiers import new_id
from scholarship_api.catalogue.merge_patch import merge
from tests.catalogue.api import (
    AWARDS,
    Api,
    User,
    address,
    created,
    new_award,
    own_id,
    refusal,
    refused_fields,
    serving,
)
from tests.catalogue.awards import Row

pytestmark = pytest.mark.anyio

FULL: Row = {
    "name": "Prix d'été",
    "organization": "Acme Trust",
    "description": "Line one\nline two",
    "amount_min": 99.99,
    "amount_max": 9999999999.99,
    "currency": "CHF",
    "max_awards": 3,
    "application_deadline": "2127-03-01",
    "deadline_timezone": "Asia/Kolkata",
    "recurs": "yearly",
    "notification_date": "2127-05-01",
    "scholarship_type": "need_based",
    "renewable": True,
    "essay_required": True,
    "recommendation_letters": 2,
    "eligibility_criteria": {
        "min_gpa": 2.75,
        "grade_levels": ["doctoral", "graduate"],
        "citizenship_required": "permanent_resident",
        "residency_states": ["CA", "PR"],
        "fields_of_study": ["law", "psychology"],
        "min_age": 16,
        "financial_need": True,
    },
    "application_url": "https://example.org/apply",
    "contact_email": "a@example.org",
    "last_verified_on": "2026-01-02",
}


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


async def changed(user: User, method: str, at: str, body: object, tag: str) -> httpx.Response:
    return await user.client.request(method, at, json=body, headers={"If-Match": tag})


# --- Create --------------------------------------------------------------------------------------


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


# --- Replace -------------------------------------------------------------------------------------


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


# --- Patch ---------------------------------------------------------------------------------------

# RFC 7396, appendix A.
MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGES)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:  # noqa: ANN401
    kept = repr(target)
    assert merge(target, patch) == result
    assert repr(target) == kept


PATCHES: list[tuple[Row, Row]] = [
    ({"name": "New"}, {"name": "New"}),
    ({"name": " New "}, {"name": "New"}),
    ({"max_awards": None}, {"max_awards": None}),
    ({"description": None}, {"description": ""}),
    ({"renewable": None}, {"renewable": False}),
    ({"amount": 5}, {"amount": 5, "amount_min": 5, "amount_max": 5}),
    ({"amount": None}, {"amount": None, "amount_min": None, "amount_max": None}),
    ({"amount_max": None}, {"amount": 99.99, "amount_min": 99.99, "amount_max": None}),
    ({"amount_max": 100}, {"amount": 100, "amount_min": 99.99}),
    (
        {"application_deadline": None, "deadline_kind": "rolling"},
        {"availability": "rolling", "deadline_kind": "rolling", "days_left": None},
    ),
    ({"deadline_timezone": "UTC"}, {"application_deadline": "2127-03-01T18:29:59Z"}),
    ({"application_deadline": "2127-04-01"}, {"application_deadline": "2127-04-01T18:29:59Z"}),
    (
        {"eligibility_criteria": {"min_gpa": None, "max_age": 30, "residency_states": ["NY"]}},
        {
            "eligibility_criteria": {
                **FULL["eligibility_criteria"],
                "fields_of_study": ["law", "social_sciences"],
                "max_gpa": None,
                "min_gpa": None,
                "max_age": 30,
                "residency_states": ["NY"],
            }
        },
    ),
    ({"availability": "closed", "version": 9, "days_left": None}, {"version": 1}),
    ({}, {"version": 1}),
]


@pytest.mark.parametrize(("patch", "expected"), PATCHES)
@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "application/json"])
async def test_a_patch_changes_the_fields_that_it_names(
    api: Api, patch: Row, expected: Row, media_type: str
) -> None:
    answer = await created(api.partner, **FULL)
    headers = {"If-Match": answer.headers["etag"], "Content-Type": media_type}
    patched = await api.partner.client.patch(address(answer), json=patch, headers=headers)
    assert patched.status_code == 200, patched.text
    body = patched.json()
    assert {name: body[name] for name in expected} == expected
    derived = {"amount", "amount_min", "amount_max", "availability", "days_left", "version"}
    derived.add("eligibility_sets")
    untouched = answer.json().keys() - patch.keys() - expected.keys() - derived - {"updated_at"}
    assert {name: body[name] for name in untouched} == {
        name: answer.json()[name] for name in untouched
    }


@pytest.mark.parametrize(
    ("patch", "fields"),
    [
        ({"name": None}, {"name"}),
        ({"id": None}, {"id"}),
        ({"deadline_kind": "rolling"}, {""}),
        ({"application_deadline": None}, {""}),
        ({"amount": 5, "amount_max": 6}, {""}),
        ({"amount_min": 10_000_000_000}, {"amount_min"}),
        ({"currency": None}, {""}),
        ({"unknown": 1}, {"unknown"}),
        ({"unknown": None}, None),
        ({"eligibility_criteria": {"min_gpa": 5}}, {"eligibility_criteria.min_gpa"}),
        ({"eligibility_criteria": {"unknown": {}}}, {"eligibility_criteria.unknown"}),
        ({"eligibility_criteria": []}, {"eligibility_criteria"}),
        ({"status": "gone"}, {"status"}),
        ([], {""}),
        ("text", {""}),
        (5, {""}),
    ],
)
async def test_the_result_of_a_patch_is_validated_as_a_whole(
    api: Api, patch: object, fields: set[str] | None
) -> None:
    answer = await created(api.partner, **FULL)
    patched = await changed(api.partner, "PATCH", address(answer), patch, answer.headers["etag"])
    if fields is None:
        assert patched.status_code == 200
    else:
        assert refused_fields(patched) == fields
    assert (await api.anonymous.get(address(answer))).json() == answer.json()


@pytest.mark.parametrize("media_type", ["application/json-patch+json", "text/plain", ""])
async def test_other_patch_formats_are_refused(api: Api, media_type: str) -> None:
    answer = await created(api.admin)
    refused = await api.admin.client.patch(
        address(answer), content=b"{}", headers={"If-Match": "*", "Content-Type": media_type}
    )
    assert refusal(refused) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert refused.headers["accept-patch"] == "application/merge-patch+json"


# --- Archive -------------------------------------------------------------------------------------


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


# --- Conditions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_needs_the_current_version(api: Api, method: str) -> None:
    body = None if method == "DELETE" else new_award(name=f"By {method}")
    done = 204 if method == "DELETE" else 200
    for template, expected in (
        ("{tag}", done),
        ('"other", {tag}', done),
        ('"1"', done),
        ('"1-anotherdigest"', done),
        ("*", done),
        ("{tag} , ", done),
        ('"2", "3-x", "1-y"', done),
        ("W/{tag}", done),  # as a compressing proxy changes it
        ('W/"2-x"', 412),
        ('"2"', 412),
        ('"12-x"', 412),
        ('"01x"', 412),
        ('"x"', 412),
        ('""', 412),
        ('"' + "9" * 400 + '"', 412),
        ("1", 400),
        ("*, *", 400),
        ('"unfinished', 400),
        ("", 428),
        (" , ", 428),
        (None, 428),
    ):
        answer = await created(api.admin)
        headers = (
            {} if template is None else {"If-Match": template.format(tag=answer.headers["etag"])}
        )
        got = await api.admin.client.request(method, address(answer), json=body, headers=headers)
        assert got.status_code == expected, template
        now = (await api.anonymous.get(address(answer))).json()
        assert now["version"] == (2 if expected == done else 1)
        if expected != done:
            assert now == answer.json()
            refusal(got)


async def test_several_if_match_headers_are_one_list(api: Api) -> None:
    answer = await created(api.admin)
    lines = [("If-Match", '"7"'), ("If-Match", '"1"')]
    patched = await api.admin.client.patch(address(answer), json={"name": "New"}, headers=lines)
    assert patched.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("award_id", ["nothing", "%00", "..%2f", "é" * 100])
async def test_an_unknown_award_cannot_be_changed(api: Api, method: str, award_id: str) -> None:
    body = None if method == "DELETE" else new_award()
    for tag in ("*", '"1"'):
        answer = await changed(api.admin, method, f"{AWARDS}/{award_id}", body, tag)
        assert refusal(answer) == (404, "NOT_FOUND")


async def test_one_of_several_concurrent_writes_of_a_version_succeeds(api: Api) -> None:
    for turn in range(5):
        answer = await created(api.admin)
        tag = answer.headers["etag"]
        answers = await asyncio.gather(
            changed(api.admin, "PATCH", address(answer), {"name": "One"}, tag),
            changed(api.partner, "PUT", address(answer), new_award(name="Two"), tag),
            changed(api.admin, "DELETE", address(answer), None, tag),
        )
        statuses = [one.status_code for one in answers]
        now = (await api.anonymous.get(address(answer))).json()
        assert (statuses.count(412), now["version"]) == (2, 2), (turn, statuses)


# --- Access --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_writes_need_the_scope(api: Api, method: str) -> None:
    answer = await created(api.admin)
    at = AWARDS if method == "POST" else address(answer)
    body = None if method == "DELETE" else new_award(name="New")
    headers = {"If-Match": "*"}
    for user in (api.student, api.reader):
        refused = await user.client.request(method, at, json=body, headers=headers)
        assert refusal(refused) == (403, "FORBIDDEN")
        assert "scholarships:write" in refused.json()["message"]
    refused = await api.anonymous.request(method, at, json=body, headers=headers)
    assert refusal(refused) == (401, "UNAUTHORIZED")
    assert (await api.anonymous.get(address(answer))).json() == answer.json()


async def test_a_partner_writes_only_its_own_awards(api: Api) -> None:
    theirs = await created(api.admin, organization="Other Trust")
    own = await created(api.partner, organization="ACME trust ")
    moved = new_award(organization="Other Trust")
    for method, at, body in (
        ("POST", AWARDS, moved),
        ("PUT", address(theirs), moved),
        ("PUT", address(theirs), new_award()),
        ("PATCH", address(theirs), {"organization": "Acme Trust"}),
        ("DELETE", address(theirs), None),
        ("PUT", address(own), moved),
        ("PATCH", address(own), {"organization": "Other Trust"}),
    ):
        refused = await changed(api.partner, method, at, body, "*")
        assert refusal(refused) == (403, "FORBIDDEN"), (method, body)
        assert "Acme Trust" in refused.json()["message"]
    for answer in (theirs, own):
        assert (await api.anonymous.get(address(answer))).json() == answer.json()
    renamed = await changed(
        api.partner, "PATCH", address(own), {"organization": "Acme Trust"}, own.headers["etag"]
    )
    assert renamed.json()["organization"] == "Acme Trust"


async def test_drafts_are_visible_to_accounts_that_may_change_them(api: Api) -> None:
    draft = await created(api.partner, status="draft")
    for user in (api.partner, api.admin):
        read = await user.client.get(address(draft))
        assert (read.json(), read.headers["etag"]) == (draft.json(), draft.headers["etag"])
        assert read.headers["cache-control"] == "no-store"
    for client in (api.anonymous, api.student.client, api.other.client):
        assert refusal(await client.get(address(draft))) == (404, "NOT_FOUND")
    for method, body in (("PATCH", {}), ("PUT", new_award()), ("DELETE", None)):
        hidden = await changed(api.other, method, address(draft), body, "*")
        assert refusal(hidden) == (404, "NOT_FOUND")
    junk = {"Authorization": "Bearer junk"}
    for at in (address(draft), f"{AWARDS}/nothing"):
        assert refusal(await api.anonymous.get(at, headers=junk)) == (401, "UNAUTHORIZED")


async def test_a_partner_chooses_ids_within_its_own_prefix(api: Api) -> None:
    answer = await created(api.partner, id=own_id("essay"))
    assert answer.json()["id"].startswith("acme-trust-")
    again = await api.partner.client.post(AWARDS, json=new_award(id=own_id("essay")))
    assert refusal(again) == (409, "CONFLICT")


async def test_no_answer_to_a_partner_tells_whether_an_id_of_others_exists(api: Api) -> None:
    taken = [
        (await created(api.other, organization="Other Trust", status=status)).json()["id"]
        for status in ("draft", "published", "archived")
    ]
    taken.append((await created(api.admin, id="sch_0001", status="draft")).json()["id"])
    taken.append(own_id("draft", "Other Trust"))
    await created(api.other, organization="Other Trust", id=taken[-1], status="draft")
    for given_id in (*taken, "free", f"{own_id('x')[:-2]}x", own_id("free", "Other Trust")):
        answer = await api.partner.client.post(AWARDS, json=new_award(id=given_id))
        assert refused_fields(answer) == {"id"}
        (field,) = answer.json()["details"]["fields"]
        assert field["message"] == f"must begin with {own_id('')} or be left out"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Acme Trust", "Acme & Trust"), ("東京基金", "大阪基金"), ("A" * 50, "A" * 51), ("É", "E")],
)
def test_organizations_with_similar_names_have_different_prefixes(one: str, other: str) -> None:
    assert own_id("a", one) != own_id("a", other)
    assert re.fullmatch(r"[a-z0-9-]{8,49}\.a", own_id("a", one))


async def test_the_list_needs_an_account_and_takes_every_filter(api: Api) -> None:
    award = await created(api.admin, name="Harpsichord", renewable=True, amount=77, currency="EUR")
    filters = {"q": "harpsichord", "renewable": "true", "min_amount": "77", "facets": "true"}
    for user in (api.student, api.reader, api.partner, api.admin):
        answer = await user.client.get(AWARDS, params=filters)
        body = answer.json()
        assert (body["total_count"], body["scholarships"][0]["id"]) == (1, award.json()["id"])
        assert "facets" not in body
    none = await api.student.client.get(
        AWARDS, params={**filters, "max_amount": "77.5", "states": "CA", "sort": "amount"}
    )
    assert none.json()["total_count"] == 1
    assert (await api.student.client.get(AWARDS, params={**filters, "renewable": "false"})).json()[
        "total_count"
    ] == 0
    assert refusal(await api.anonymous.get(AWARDS)) == (401, "UNAUTHORIZED")
    unknown = await api.student.client.get(AWARDS, params={"unknown": "1"})
    assert refused_fields(unknown) == {"unknown"}


# --- Hostile bodies ------------------------------------------------------------------------------

HOSTILE: list[bytes] = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"NaN",
    b"\xff",
    b"[" * 30_000 + b"]" * 30_000,
    b'{"version":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"amount_min": 1, "amount":' + b"[" * 900 + b"]" * 900 + b"}",
    b'{"a":' * 900 + b"1" + b"}" * 900,
    b'{"\\ud800": 1}',
    b'{"name": "\\ud800"}',
    b'{"eligibility_criteria": {"\\ud800": "\\ud800"}}',
    b'{"version": "\\ud800"}',
    b'{"description": "\\u0000"}',
    b'{"contact_email": "a\\u0000@example.org"}',
    b'{"contact_email": "a@example.org\\u0001"}',
    b'{"source_url": "https://example.org/\\u0000"}',
    b'{"amount": NaN, "currency": "USD"}',
    b'{"amount": -Infinity, "currency": "USD"}',
    b'{"amount": 1e400, "currency": "USD"}',
    b'{"amount": ' + b"9" * 400 + b', "currency": "USD"}',
    b'{"amount": ' + b"9" * 5000 + b', "currency": "USD"}',
    b'{"amount": "sNaN", "amount_max": "sNaN", "currency": "USD"}',
    b'{"amount": -0.001, "currency": "USD"}',
    b'{"max_awards": 2147483648}',
    b'{"max_awards": 1e30}',
    b'{"recommendation_letters": -1}',
    b'{"application_deadline": 1e400}',
    b'{"application_deadline": [2027]}',
    b'{"application_deadline": "9999-12-31T23:59:59-14:00"}',
    b'{"application_deadline": "0001-01-01T00:00:00+14:00"}',
    b'{"application_deadline": "0001-01-01", "deadline_timezone": "Asia/Tokyo"}',
    b'{"notification_date": "2027-02-30"}',
    b'{"deadline_timezone": "../../etc/passwd"}',
    b'{"eligibility_criteria": {"fields_of_study": [1, null, {}]}}',
    b'{"eligibility_criteria": {"residency_states": "CA"}}',
    b'{"id": {"$ne": null}}',
    b'{"status": ["published"]}',
    b'{"__proto__": {}}',
    b'{"name": "' + "ﷺ".encode() * 255 + b'"}',
]


@pytest.mark.parametrize("body", HOSTILE, ids=lambda body: ascii(body)[:50])
async def test_hostile_bodies_are_refused_without_a_server_error(api: Api, body: bytes) -> None:
    award = await created(api.admin)
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    required = b'{"name": "n", "organization": "o", "scholarship_type": "athletic", '
    for content in (body, required + body[1:] if body[:2] == b'{"' else body):
        for method, at in (("POST", AWARDS), ("PUT", address(award)), ("PATCH", address(award))):
            answer = await api.admin.client.request(method, at, content=content, headers=headers)
            assert answer.status_code in (200, 201, 400, 422), answer.text
            if answer.status_code >= 400:
                refusal(answer)
                assert "sqlalchemy" not in answer.text
                assert "psycopg" not in answer.text


async def test_a_value_that_the_database_refuses_is_a_validation_error(
    api: Api, module_database_url: str
) -> None:
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo, autocommit=True) as other:
        other.execute("ALTER TABLE scholarships ADD CONSTRAINT test CHECK (name <> 'Refused')")
        try:
            posted = await api.admin.client.post(AWARDS, json=new_award(name="Refused"))
            award = await created(api.admin)
            patched = await changed(api.admin, "PATCH", address(award), {"name": "Refused"}, "*")
        finally:
            other.execute("ALTER TABLE scholarships DROP CONSTRAINT test")
    assert refused_fields(posted) == refused_fields(patched) == {"body"}
    assert "test" not in posted.text


async def test_a_write_of_a_locked_award_is_answered_with_retry_after(
    api: Api, module_database_url: str
) -> None:
    answer = await created(api.admin)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as other:
        other.execute("SELECT FROM scholarships WHERE id = %s FOR UPDATE", [answer.json()["id"]])
        waiting = await changed(api.admin, "PATCH", address(answer), {"name": "New"}, "*")
    assert refusal(waiting) == (503, "DATABASE_UNAVAILABLE")
    assert waiting.headers["retry-after"]
    retried = await changed(api.admin, "PATCH", address(answer), {"name": "New"}, "*")
    assert retried.status_code == 200


# --- Documentation -------------------------------------------------------------------------------

MIDDLEWARE = {"400", "413", "414", "431", "500"}  # answers of middleware to any request
COMMON = {"401", "429", "503", *MIDDLEWARE}
DOCUMENTED = {
    ("get", AWARDS): {"200", "304", "403", "422"},
    ("post", AWARDS): {"201", "400", "403", "409", "413", "415", "422"},
    ("get", f"{AWARDS}/{{scholarship_id}}"): {"200", "304", "404", "422"},
    ("put", f"{AWARDS}/{{scholarship_id}}"): (
        {"200", "400", "403", "404", "412", "413", "415", "422", "428"}
    ),
    ("patch", f"{AWARDS}/{{scholarship_id}}"): (
        {"200", "400", "403", "404", "412", "413", "415", "422", "428"}
    ),
    ("delete", f"{AWARDS}/{{scholarship_id}}"): ({"204", "400", "403", "404", "412", "422", "428"}),
    ("post", f"{AWARDS}/import"): {"200", "400", "403", "413", "415", "422"},
}


def test_every_status_is_documented(api: Api) -> None:
    paths = api.app.openapi()["paths"]
    for (method, path), statuses in DOCUMENTED.items():
        operation = paths[path][method]
        assert operation["responses"].keys() == statuses | COMMON, (method, path)
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (method, path, status)
        headers = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("If-Match" in headers) == (method in ("put", "patch", "delete"))
        assert ("Idempotency-Key" in headers) == ((method, path) == ("post", AWARDS))
    made = paths[AWARDS]["post"]["responses"]["201"]["headers"].keys()
    assert made == {"ETag", "Location", "Idempotency-Replayed"}
    patch = paths[f"{AWARDS}/{{scholarship_id}}"]["patch"]["requestBody"]["content"]
    assert patch.keys() == {"application/merge-patch+json", "application/json"}
    written = api.app.openapi()["components"]["schemas"]["WrittenScholarship"]
    assert set(written["required"]) == {"name", "organization", "scholarship_type"}
    assert written["properties"]["version"]["readOnly"] is True
