"""The feed of changes: complete, in order, and for public awards only."""

import threading
import uuid
from typing import Any

import psycopg
import pytest

from scholarship_api.changes import retention
from tests.catalogue.api import AWARDS, Api, address, changed, created

pytestmark = pytest.mark.anyio

FEED = "/api/v1/changes"
INSERT = """
    INSERT INTO scholarships (id, name, organization, deadline_kind, scholarship_type)
    VALUES (%s, 'An award', 'Acme Trust', 'rolling', 'merit_based')
"""
RENAME = "UPDATE scholarships SET name = %s, version = version + 1 WHERE id = %s"


async def now(api: Api) -> str:
    """A cursor for what comes."""
    answer = await api.reader.client.get(FEED, params={"from_now": True})
    assert answer.status_code == 200, answer.text
    cursor: str = answer.json()["next_cursor"]
    return cursor


async def follow(api: Api, cursor: str, limit: int = 100) -> tuple[list[dict[str, Any]], str]:
    """All changes after a cursor, and the cursor to go on with."""
    items: list[dict[str, Any]] = []
    more = True
    while more:
        query = f"?cursor={cursor}&limit={limit}"
        answer = await api.reader.client.get(FEED + query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        cursor, more = page["next_cursor"], page["has_more"]
    return items, cursor


def short(items: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(item["action"], item["scholarship_id"], item["version"]) for item in items]


def connect(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(url.replace("+psycopg", ""))


async def test_the_life_of_an_award_is_in_the_feed(api: Api) -> None:
    cursor = await now(api)
    award = await created(api.admin)
    at, award_id = address(award), award.json()["id"]
    renamed = await changed(api.admin, "PATCH", at, {"name": "Other"}, award.headers["ETag"])
    await api.admin.client.delete(at, headers={"If-Match": renamed.headers["ETag"]})
    items, _ = await follow(api, cursor)
    assert short(items) == [
        ("created", award_id, 1),
        ("updated", award_id, 2),
        ("archived", award_id, 3),
    ]
    assert items[1]["fields"] == ["name"]


async def test_a_draft_is_in_the_feed_only_while_it_is_public(api: Api) -> None:
    cursor = await now(api)
    award = await created(api.admin, status="draft")
    at, tag = address(award), award.headers["ETag"]
    for fields in ({"name": "Other"}, {"status": "published"}, {"status": "draft"}, {"name": "X"}):
        answer = await changed(api.admin, "PATCH", at, fields, tag)
        assert answer.status_code == 200, answer.text
        tag = answer.headers["ETag"]
    items, _ = await follow(api, cursor)
    award_id = award.json()["id"]
    assert short(items) == [("created", award_id, 3), ("archived", award_id, 4)]


async def test_an_import_is_in_the_feed_row_by_row(api: Api) -> None:
    cursor = await now(api)
    ids = [f"row-{uuid.uuid4().hex}" for _ in range(30)]
    lines = "".join(
        f'{{"id": "{award_id}", "name": "An award", "organization": "Acme Trust",'
        f' "scholarship_type": "merit_based"}}\n'
        for award_id in ids
    )
    answer = await api.admin.client.post(
        f"{AWARDS}/import", content=lines, headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.json()["created"] == 30, answer.text
    items, _ = await follow(api, cursor, limit=7)
    assert sorted(short(items)) == sorted(("created", award_id, 1) for award_id in ids)


async def test_a_change_that_commits_late_is_not_skipped(
    api: Api, module_database_url: str
) -> None:
    """It got its number first, and becomes visible after a page has shown a later number."""
    cursor = await now(api)
    slow, fast = f"slow-{uuid.uuid4().hex}", f"fast-{uuid.uuid4().hex}"
    with connect(module_database_url) as early, connect(module_database_url) as late:
        early.execute(INSERT, [slow])
        late.execute(INSERT, [fast])
        late.commit()
        items, cursor = await follow(api, cursor)
        assert short(items) == [("created", fast, 1)]
        early.commit()
    items, cursor = await follow(api, cursor)
    assert short(items) == [("created", slow, 1)]
    assert await follow(api, cursor) == ([], cursor)


async def test_versions_rise_when_the_transaction_that_began_first_writes_last(
    api: Api, module_database_url: str
) -> None:
    award_id, other = f"one-{uuid.uuid4().hex}", f"two-{uuid.uuid4().hex}"
    with connect(module_database_url) as connection:
        connection.execute(INSERT, [award_id])
        connection.execute(INSERT, [other])
    cursor = await now(api)
    with connect(module_database_url) as first, connect(module_database_url) as second:
        first.execute(RENAME, ["A", other])  # has the lower transaction id from here on
        second.execute(RENAME, ["B", award_id])
        second.commit()
        first.execute(RENAME, ["C", award_id])
        first.commit()
    items, _ = await follow(api, cursor)
    assert sorted(short(items)) == sorted(
        [("updated", award_id, 2), ("updated", award_id, 3), ("updated", other, 2)]
    )
    assert [item["version"] for item in items if item["scholarship_id"] == award_id] == [2, 3]


@pytest.mark.slow
async def test_concurrent_writers_leave_no_gap(api: Api, module_database_url: str) -> None:
    """A follower that reads all the time sees each change once, and versions in order."""
    cursor = await now(api)
    shared = f"shared-{uuid.uuid4().hex}"
    with connect(module_database_url) as connection:
        connection.execute(INSERT, [shared])
    writers, rounds = 4, 25

    def write(number: int) -> None:
        with connect(module_database_url) as connection:
            for turn in range(rounds):
                connection.execute(INSERT, [f"{shared}-{number}-{turn}"])
                if turn % 5 == 4:
                    connection.execute("ROLLBACK")
                    continue
                connection.execute(RENAME, [f"{number}-{turn}", shared])
                connection.commit()

    threads = [threading.Thread(target=write, args=[number]) for number in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[dict[str, Any]] = []
    while any(thread.is_alive() for thread in threads):
        items, cursor = await follow(api, cursor, limit=9)
        seen += items
    for thread in threads:
        thread.join()
    items, cursor = await follow(api, cursor)
    seen += items
    kept = writers * rounds * 4 // 5
    versions = [item["version"] for item in seen if item["scholarship_id"] == shared]
    assert versions == list(range(1, kept + 2))
    others = [item["scholarship_id"] for item in seen if item["scholarship_id"] != shared]
    assert len(set(others)) == len(others) == kept


async def test_a_page_shows_the_same_when_it_is_read_again(api: Api) -> None:
    cursor = await now(api)
    await created(api.admin)
    first = (await api.reader.client.get(FEED, params={"cursor": cursor})).json()
    await created(api.admin)
    again = await api.reader.client.get(f"{FEED}?cursor={cursor}&limit=1")
    assert again.json()["items"] == first["items"]
    assert again.json()["next_cursor"] == first["next_cursor"]


@pytest.mark.parametrize("cursor", ["x", "A" * 60, "MQ"])
async def test_a_forged_cursor_is_refused(api: Api, cursor: str) -> None:
    answer = await api.reader.client.get(FEED, params={"cursor": cursor})
    assert answer.status_code == 422


async def test_the_feed_needs_the_scope_to_read_awards(api: Api) -> None:
    assert (await api.anonymous.get(FEED)).status_code == 401


async def test_a_cursor_whose_changes_are_purged_is_refused(
    api: Api, module_database_url: str
) -> None:
    cursor = await now(api)
    award = await created(api.admin)
    await now(api)
    with connect(module_database_url) as connection:
        connection.execute("UPDATE outbox SET created_at = now() - interval '91 days'")
    assert await retention.purge(api.app.state.database, retention_days=90) > 0
    answer = await api.reader.client.get(FEED, params={"cursor": cursor})
    assert answer.status_code == 409
    assert "from_now" in answer.json()["message"]
    restarted = await now(api)
    await changed(api.admin, "PATCH", address(award), {"name": "Other"}, award.headers["ETag"])
    items, _ = await follow(api, restarted)
    assert short(items) == [("updated", award.json()["id"], 2)]
