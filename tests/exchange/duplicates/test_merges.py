"""Merging awards: who may, what moves, what the old address answers, and undoing it."""

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.catalogue.api import AWARDS, Api, serving
from tests.catalogue.awards import award

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url) as api:
        yield api


@pytest.fixture
def database(module_database_url: str) -> Iterator["psycopg.Connection[Any]"]:
    with psycopg.connect(
        module_database_url.replace("+psycopg", ""), autocommit=True
    ) as connection:
        yield connection


async def new(api: Api, **fields: Any) -> str:  # noqa: ANN401 - of an award
    award_id = f"m_{uuid.uuid4().hex}"
    row = award(id=award_id, organization="Acme Trust", **fields)
    answer = await api.admin.client.post(AWARDS, json=row)
    assert answer.status_code == 201, answer.text
    return award_id


async def merge(
    client: httpx.AsyncClient, award_id: str, into: str, tag: str = "*"
) -> httpx.Response:
    return await client.post(
        f"{AWARDS}/{award_id}/merge", json={"into": into}, headers={"If-Match": tag}
    )


async def test_the_old_address_leads_to_the_other_award(api: Api) -> None:
    old, into = await new(api), await new(api)
    answer = await merge(api.partner.client, old, into)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert (content["merged_id"], content["into_id"]) == (old, into)
    for headers in ({}, {"Accept": "application/ld+json"}):
        moved = await api.anonymous.get(f"{AWARDS}/{old}", headers=headers)
        assert moved.status_code == 301
        assert moved.headers["location"] == f"{AWARDS}/{into}"
    assert (await api.anonymous.head(f"{AWARDS}/{old}")).status_code == 301
    followed = await api.anonymous.get(f"{AWARDS}/{old}", follow_redirects=True)
    assert followed.json()["id"] == into
    found = (await api.anonymous.get("/api/v1/search", params={"limit": 100})).json()
    assert old not in [item["id"] for item in found["items"]]


async def test_undoing_gives_everything_back(api: Api) -> None:
    old, into = await new(api, description="Kept"), await new(api)
    before = (await api.anonymous.get(f"{AWARDS}/{old}")).json()
    await merge(api.admin.client, old, into)
    undone = await api.partner.client.delete(f"{AWARDS}/{old}/merge")
    assert undone.status_code == 204
    after = (await api.anonymous.get(f"{AWARDS}/{old}")).json()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"version", "updated_at"}
    assert (await api.partner.client.delete(f"{AWARDS}/{old}/merge")).status_code == 404
    assert (await merge(api.admin.client, old, into)).status_code == 200


async def test_a_merge_is_undone_for_thirty_days(
    api: Api, database: "psycopg.Connection[Any]"
) -> None:
    old, into = await new(api), await new(api)
    await merge(api.admin.client, old, into)
    database.execute(
        "UPDATE scholarship_merges SET merged_at = now() - interval '31 days' WHERE merged_id = %s",
        [old],
    )
    answer = await api.admin.client.delete(f"{AWARDS}/{old}/merge")
    assert answer.status_code == 409
    assert (await api.anonymous.get(f"{AWARDS}/{old}")).status_code == 301


async def interact(api: Api, award_id: str, kind: str) -> None:
    answer = await api.student.client.post(
        "/api/v1/interactions", json={"scholarship_id": award_id, "type": kind}
    )
    assert answer.status_code < 300, answer.text


async def test_interactions_and_trackers_move_and_return(
    api: Api, database: "psycopg.Connection[Any]"
) -> None:
    old, into = await new(api), await new(api)
    for award_id, kind in ((old, "saved"), (old, "viewed"), (into, "viewed")):
        await interact(api, award_id, kind)

    def rows(table: str) -> list[tuple[str, int]]:
        return database.execute(
            f"SELECT scholarship_id, count(*) FROM {table} WHERE scholarship_id IN (%s, %s)"
            " GROUP BY 1 ORDER BY scholarship_id = %s",
            [old, into, into],
        ).fetchall()

    before = {table: rows(table) for table in ("interactions", "applications")}
    assert before["interactions"] == [(old, 2), (into, 1)]
    assert before["applications"] == [(old, 1)]
    await merge(api.admin.client, old, into)
    # The view of the old award stays with it: the other one was viewed on the same day.
    assert rows("interactions") == [(old, 1), (into, 2)]
    assert rows("applications") == [(into, 1)]
    await api.admin.client.delete(f"{AWARDS}/{old}/merge")
    assert {table: rows(table) for table in before} == before


async def test_what_names_the_merged_award_counts_for_the_other_one(api: Api) -> None:
    old, middle, into = await new(api), await new(api), await new(api)
    await merge(api.admin.client, old, middle)
    await merge(api.admin.client, middle, into)
    student = api.student.client
    recorded = await student.post(
        "/api/v1/interactions", json={"scholarship_id": old, "type": "saved"}
    )
    assert recorded.json()["scholarship_id"] == into
    again = await student.post(
        "/api/v1/interactions", json={"scholarship_id": into, "type": "saved"}
    )
    assert again.json() == recorded.json()
    tracked = await student.get("/api/v1/me/applications", params={"scholarship_id": old})
    [row] = tracked.json()["items"]
    assert (row["scholarship_id"], row["award"]["state"]) == (into, "published")
    repeated = await student.post("/api/v1/me/applications", json={"scholarship_id": old})
    assert repeated.status_code == 409


async def test_a_row_of_the_tracker_for_a_merged_award_follows_the_other_one(api: Api) -> None:
    old, into = await new(api, name="Old name"), await new(api, name="New name")
    await merge(api.admin.client, old, into)
    made = await api.student.client.post("/api/v1/me/applications", json={"scholarship_id": old})
    assert made.status_code == 201, made.text
    assert (made.json()["scholarship_id"], made.json()["award"]["name"]) == (into, "New name")


async def test_after_an_undo_the_award_stands_for_itself_again(api: Api) -> None:
    old, into = await new(api), await new(api)
    await merge(api.admin.client, old, into)
    await api.admin.client.delete(f"{AWARDS}/{old}/merge")
    recorded = await api.student.client.post(
        "/api/v1/interactions", json={"scholarship_id": old, "type": "saved"}
    )
    assert recorded.json()["scholarship_id"] == old


async def test_a_merged_award_takes_no_changes(
    api: Api, database: "psycopg.Connection[Any]"
) -> None:
    old, into = await new(api), await new(api)
    await merge(api.admin.client, old, into)
    headers = {"If-Match": "*"}
    patched = await api.admin.client.patch(
        f"{AWARDS}/{old}", json={"status": "published"}, headers=headers
    )
    assert patched.status_code == 409
    assert (await merge(api.admin.client, old, into)).status_code == 409
    version = database.execute(
        "SELECT version, status FROM scholarships WHERE id = %s", [old]
    ).fetchone()
    database.execute(
        "UPDATE scholarships SET status = 'published', version = version + 1 WHERE id = %s", [old]
    )
    assert (
        version
        == database.execute(
            "SELECT version, status FROM scholarships WHERE id = %s", [old]
        ).fetchone()
    )


async def test_only_writers_of_both_awards_may_merge(api: Api) -> None:
    old, into = await new(api), await new(api)
    other = f"m_{uuid.uuid4().hex}"
    row = award(id=other, organization="Other Trust")
    assert (await api.admin.client.post(AWARDS, json=row)).status_code == 201
    assert (await merge(api.anonymous, old, into)).status_code == 401
    assert (await merge(api.student.client, old, into)).status_code == 403
    assert (await merge(api.other.client, old, into)).status_code == 403
    assert (await merge(api.partner.client, old, other)).status_code == 422
    assert (await merge(api.partner.client, other, old)).status_code == 403
    assert (await api.other.client.delete(f"{AWARDS}/{old}/merge")).status_code == 403


async def test_other_merges_are_refused(api: Api) -> None:
    old, into = await new(api), await new(api)
    assert (await merge(api.admin.client, old, old)).status_code == 422
    assert (await merge(api.admin.client, old, "nothing")).status_code == 422
    assert (await merge(api.admin.client, "nothing", into)).status_code == 404
    assert (await merge(api.admin.client, "%00", into)).status_code == 404
    assert (await merge(api.admin.client, old, into, '"99"')).status_code == 412
    missing = await api.admin.client.post(f"{AWARDS}/{old}/merge", json={"into": into})
    assert missing.status_code == 428
    archived = await new(api, status="archived")
    assert (await merge(api.admin.client, old, archived)).status_code == 409
    assert (await api.admin.client.delete(f"{AWARDS}/{old}/merge")).status_code == 404
    assert (await api.anonymous.get(f"{AWARDS}/{old}")).status_code == 200


async def test_merges_are_in_the_audit(api: Api) -> None:
    old, into = await new(api), await new(api)
    await merge(api.partner.client, old, into)
    await api.partner.client.delete(f"{AWARDS}/{old}/merge")
    events = (await api.admin.client.get("/api/v1/audit", params={"limit": 10})).json()["items"]
    named = {event["action"]: event for event in reversed(events) if event["details"]}
    for action in ("award.merged", "award.merge_undone"):
        assert named[action]["details"] == {"merged_id": old, "into_id": into}
    history = await api.partner.client.get(f"{AWARDS}/{old}/history")
    statuses = [change["after"].get("status") for change in history.json()["items"]]
    assert statuses[:2] == ["published", "archived"]
