"""The events that changes and the clock make."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest

from scholarship_api.changes import sequencer
from tests.catalogue.api import AWARDS, Api, address, changed, created
from tests.changes.test_feed import connect

pytestmark = pytest.mark.anyio

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)


async def advance(api: Api) -> None:
    more = True
    while more:
        async with api.app.state.database.write_session() as session:
            more = await sequencer.advance(session)


async def pass_deadlines(api: Api, now: dt.datetime) -> None:
    await advance(api)
    async with api.app.state.database.write_session() as session:
        await sequencer.pass_deadlines(session, now=now)


def events(url: str, award_id: str) -> list[tuple[str, Any]]:
    with connect(url) as connection:
        return connection.execute(
            "SELECT replace(event, 'scholarship.', ''), data FROM outbox"
            " WHERE scholarship_id = %s ORDER BY position",
            [award_id],
        ).fetchall()


def names(url: str, award_id: str) -> list[str]:
    return [name for name, _ in events(url, award_id)]


async def test_a_moved_deadline_is_an_event_with_both_instants(
    api: Api, module_database_url: str
) -> None:
    before, after = NOW + 40 * DAY, NOW + 50 * DAY
    award = await created(api.admin, application_deadline=before.isoformat())
    fields = {"application_deadline": after.isoformat()}
    await changed(api.admin, "PATCH", address(award), fields, award.headers["ETag"])
    await advance(api)
    found = events(module_database_url, award.json()["id"])
    assert [name for name, _ in found] == ["published", "updated", "deadline_changed"]
    data = found[2][1]
    assert dt.datetime.fromisoformat(data["from"]) == before
    assert dt.datetime.fromisoformat(data["to"]) == after


async def test_the_clock_says_once_that_an_award_closes_soon_and_that_it_has_closed(
    api: Api, module_database_url: str
) -> None:
    deadline = NOW + 30 * DAY
    award = await created(api.admin, application_deadline=deadline.isoformat())
    award_id = award.json()["id"]
    await pass_deadlines(api, deadline - 8 * DAY)
    assert names(module_database_url, award_id) == ["published"]
    for _ in range(2):
        await pass_deadlines(api, deadline - 6 * DAY)
    assert names(module_database_url, award_id) == ["published", "closing_soon"]
    for _ in range(2):
        await pass_deadlines(api, deadline + DAY)
    assert names(module_database_url, award_id) == ["published", "closing_soon", "closed"]


async def test_an_award_that_is_published_shortly_before_its_deadline_closes_soon(
    api: Api, module_database_url: str
) -> None:
    await pass_deadlines(api, NOW)
    award = await created(api.admin, application_deadline=(NOW + DAY).isoformat())
    await advance(api)
    assert names(module_database_url, award.json()["id"]) == ["published", "closing_soon"]


async def test_a_deadline_that_is_moved_into_the_past_closes_the_award(
    api: Api, module_database_url: str
) -> None:
    award = await created(api.admin, application_deadline=(NOW + 40 * DAY).isoformat())
    fields = {"application_deadline": (NOW - DAY).isoformat()}
    answer = await changed(api.admin, "PATCH", address(award), fields, award.headers["ETag"])
    assert answer.status_code == 200, answer.text
    await advance(api)
    found = names(module_database_url, award.json()["id"])
    assert found == ["published", "updated", "deadline_changed", "closed"]


async def test_a_round_that_ends_closes_the_award_whoever_sees_it_first(
    api: Api, module_database_url: str
) -> None:
    """Readers give the award its next deadline by themselves: the deadline has not moved."""
    first, second = NOW + 40 * DAY, NOW + 140 * DAY
    rounds = [
        {"key": key, "kind": "fixed", "closes_at": at.isoformat()}
        for key, at in (("one", first), ("two", second))
    ]
    award = await created(api.admin, rounds=rounds)
    award_id = award.json()["id"]
    await advance(api)
    # As a reader does once the first round is over; here the round ended an hour ago.
    with connect(module_database_url) as connection:
        connection.execute("SET scholarship_api.source = 'schedule'")
        connection.execute(
            "UPDATE scholarships SET application_deadline = now() - interval '1 hour',"
            " deadline_date = current_date WHERE id = %s",
            [award_id],
        )
        connection.execute(
            "UPDATE scholarships SET application_deadline = %s, version = version + 1"
            " WHERE id = %s",
            [second, award_id],
        )
    await advance(api)
    assert "deadline_changed" not in names(module_database_url, award_id)
    assert names(module_database_url, award_id).count("closed") == 1


async def test_a_write_that_is_rolled_back_has_no_event(api: Api, module_database_url: str) -> None:
    award = await created(api.admin)
    with connect(module_database_url) as connection:
        connection.execute(
            "UPDATE scholarships SET name = 'X', version = version + 1 WHERE id = %s",
            [award.json()["id"]],
        )
        connection.rollback()
    await advance(api)
    assert names(module_database_url, award.json()["id"]) == ["published"]


@pytest.mark.slow
async def test_a_large_import_is_worked_through_in_batches(
    api: Api, module_database_url: str
) -> None:
    prefix = f"bulk-{uuid.uuid4().hex}"
    count = sequencer.BATCH_CHANGES + 100
    with connect(module_database_url) as connection:
        connection.execute(
            "INSERT INTO scholarships (id, name, organization, deadline_kind, scholarship_type)"
            " SELECT %s || n, 'An award', 'Acme Trust', 'rolling', 'merit_based'"
            " FROM generate_series(1, %s) AS n",
            [prefix, count],
        )
    async with api.app.state.database.write_session() as session:
        assert await sequencer.advance(session)
    await created(api.admin)  # between two batches
    await advance(api)
    with connect(module_database_url) as connection:
        [found] = connection.execute(
            "SELECT count(*) FROM outbox WHERE starts_with(scholarship_id, %s)", [prefix]
        ).fetchone() or [0]
    assert found == count


async def test_a_database_restored_on_another_server_goes_on_with_new_changes(
    api: Api, module_database_url: str
) -> None:
    """There, transaction ids start again below those of the snapshot that came with it."""
    before = await created(api.admin)
    await advance(api)
    with connect(module_database_url) as connection:
        connection.execute(
            "UPDATE outbox_state SET sequenced_snapshot = '90000000000:90000000000:'"
        )
    after = await created(api.admin)
    await advance(api)
    assert names(module_database_url, after.json()["id"]) == ["published"]
    assert names(module_database_url, before.json()["id"]) == ["published"]


async def test_an_event_holds_no_text_of_the_award(api: Api, module_database_url: str) -> None:
    award = await created(api.admin, description="MARKER", status="draft")
    tag = award.headers["ETag"]
    await changed(api.admin, "PATCH", address(award), {"status": "published"}, tag)
    await advance(api)
    assert "MARKER" not in json.dumps(events(module_database_url, award.json()["id"]))
    assert (await api.anonymous.get(f"{AWARDS}/{award.json()['id']}")).status_code == 200


def test_a_deadline_at_infinity_is_no_event(module_database_url: str) -> None:
    with connect(module_database_url) as connection:
        rows = connection.execute(
            "SELECT count(*) FROM outbox WHERE key LIKE '%infinity%'"
        ).fetchone()
    assert rows == (0,)
