"""Who may read and change which awards, and which ids partners may choose."""

import re
from collections.abc import AsyncIterator

import pytest

from tests.catalogue.api import (
    AWARDS,
    Api,
    address,
    changed,
    created,
    new_award,
    own_id,
    refusal,
    refused_fields,
    serving,
)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


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
