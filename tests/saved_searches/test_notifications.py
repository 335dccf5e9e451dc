"""Subjects are told about new results of their saved searches: each award once, when it is due."""

import asyncio
import datetime as dt
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.saved_searches import matching, notifications
from scholarship_api.saved_searches.matching import SearchMatcher
from tests.catalogue.api import Api, address, changed, created, serving
from tests.webhooks.test_webhooks import WEBHOOKS, key_client

pytestmark = pytest.mark.anyio

SCOPES = ("webhooks:write", "subjects:read", "subjects:write")
LATER = dt.timedelta(days=8)


@pytest.fixture(scope="module")
async def api(module_database_url: str) -> AsyncIterator[Api]:
    async with serving(module_database_url, webhook_allow_private=True) as api:
        yield api


@pytest.fixture
def word() -> str:
    """A word of this test alone."""
    return "word" + "".join(chr(ord("a") + int(digit, 16)) for digit in uuid.uuid4().hex)


@pytest.mark.parametrize(
    ("frequency", "zone", "now", "due"),
    [
        ("immediate", "Asia/Tokyo", "2027-03-12T09:30", "2027-03-12T09:30"),
        ("daily", None, "2027-03-12T07:59", "2027-03-12T08:00"),
        ("daily", None, "2027-03-12T08:00", "2027-03-13T08:00"),
        ("daily", "Asia/Tokyo", "2027-03-12T09:30", "2027-03-12T23:00"),
        # Clocks change on Sunday, 14 March 2027 in New York.
        ("daily", "America/New_York", "2027-03-13T14:00", "2027-03-14T12:00"),
        ("weekly", "America/New_York", "2027-03-12T14:00", "2027-03-15T12:00"),
        ("weekly", None, "2027-03-15T07:00", "2027-03-15T08:00"),  # a Monday
        ("weekly", None, "2027-03-15T08:00", "2027-03-22T08:00"),
        ("weekly", "Pacific/Kiritimati", "2027-03-14T17:00", "2027-03-14T18:00"),
    ],
)
async def test_matches_are_due_at_once_or_in_the_morning_of_the_subject(
    frequency: str, zone: str | None, now: str, due: str
) -> None:
    at = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    expected = dt.datetime.fromisoformat(due).replace(tzinfo=dt.UTC)
    assert notifications.due_at(frequency, zone, now=at) == expected


async def hooked(client: httpx.AsyncClient) -> str:
    new = {"url": "https://hooks.example.org/", "events": ["saved_search.matched"]}
    answer = await client.post(WEBHOOKS, json=new)
    assert answer.status_code == 201, answer.text
    webhook_id: str = answer.json()["id"]
    return webhook_id


async def saved(
    client: httpx.AsyncClient,
    at: str,
    word: str,
    *,
    frequency: str = "immediate",
    channel: str = "webhook",
) -> str:
    new = {
        "name": "One",
        "query": {"q": word},
        "notify": {"channel": channel, "frequency": frequency},
    }
    answer = await client.post(f"/api/v1/{at}/saved-searches", json=new)
    assert answer.status_code == 201, answer.text
    search_id: str = answer.json()["id"]
    return search_id


def matcher_of(api: Api) -> SearchMatcher:
    state = api.app.state
    return SearchMatcher(state.database, state.answers, state.cursor_codec)


async def follow(api: Api) -> None:
    await api.reader.client.get("/api/v1/changes?from_now=true")  # extends the outbox
    now = dt.datetime.now(dt.UTC)
    while await notifications.follow_changes(api.app.state.database, matcher_of(api), now=now):
        pass


async def tell(api: Api, *, after: dt.timedelta = dt.timedelta()) -> None:
    now = dt.datetime.now(dt.UTC) + after
    while await notifications.tell(api.app.state.database, now=now):
        pass


def query(url: str, statement: str, *parameters: object) -> list[Any]:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        return [row[0] for row in connection.execute(statement, parameters).fetchall()]


def told(url: str, webhook_id: str) -> list[dict[str, Any]]:
    """The data of the messages of a webhook."""
    statement = "SELECT data FROM webhook_deliveries WHERE webhook_id = %s ORDER BY id"
    return query(url, statement, webhook_id)


async def test_the_webhooks_of_the_client_alone_are_told_at_once(
    api: Api, module_database_url: str, word: str
) -> None:
    own, other = [await key_client(api, *SCOPES) for _ in range(2)]
    webhook, foreign = await hooked(own), await hooked(other)
    admins = await hooked(api.admin.client)
    search = await saved(own, "subjects/one", word)
    await saved(own, "subjects/one", word, channel="none")
    award = (await created(api.admin, description=word)).json()["id"]
    await created(api.admin, description="Something else")
    await follow(api)
    await tell(api)
    wanted = {"external_id": "one", "saved_search_id": search, "scholarship_ids": [award]}
    assert told(module_database_url, webhook) == [wanted]
    assert told(module_database_url, foreign) == []
    assert told(module_database_url, admins) == []
    page = (await own.get(f"{WEBHOOKS}/{webhook}/deliveries")).json()
    assert [each["event"] for each in page["items"]] == ["saved_search.matched"]


async def test_a_search_of_an_account_is_told_to_administrators(
    api: Api, module_database_url: str, word: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook, admins = await hooked(client), await hooked(api.admin.client)
    search = await saved(api.student.client, "me", word)
    award = (await created(api.admin, description=word)).json()["id"]
    await follow(api)
    await tell(api)
    assert told(module_database_url, admins) == [
        {
            "account_id": str(api.student.id),
            "saved_search_id": search,
            "scholarship_ids": [award],
        }
    ]
    assert told(module_database_url, webhook) == []


async def test_an_award_that_is_a_result_again_is_not_told_again(
    api: Api, module_database_url: str, word: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    await saved(client, "subjects/one", word)
    answer = await created(api.admin, description=word)
    for description in ("Other", word, "Other", word):
        await follow(api)
        await tell(api)
        fields = {"description": description}
        answer = await changed(api.admin, "PATCH", address(answer), fields, answer.headers["ETag"])
        assert answer.status_code == 200
    await follow(api)
    await tell(api)
    assert len(told(module_database_url, webhook)) == 1


async def test_an_award_that_is_edited_into_a_search_is_told(
    api: Api, module_database_url: str, word: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    answer = await created(api.admin, description="Other")
    await saved(client, "subjects/one", word)
    await follow(api)
    await tell(api)
    assert told(module_database_url, webhook) == []
    await changed(
        api.admin, "PATCH", address(answer), {"description": word}, answer.headers["ETag"]
    )
    await follow(api)
    await tell(api)
    [message] = told(module_database_url, webhook)
    assert message["scholarship_ids"] == [answer.json()["id"]]


@pytest.mark.parametrize("frequency", ["daily", "weekly"])
async def test_the_matches_of_a_day_or_week_are_one_message(
    api: Api, module_database_url: str, word: str, frequency: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    search = await saved(client, "subjects/one", word, frequency=frequency)
    awards = []
    for _ in range(2):
        awards.append((await created(api.admin, description=word)).json()["id"])
        await follow(api)
    due = query(
        module_database_url,
        "SELECT due_at FROM saved_search_matches WHERE search_id = %s",
        search,
    )
    database = api.app.state.database
    before = min(due) - dt.timedelta(seconds=1)
    while await notifications.tell(database, now=before):
        pass
    assert told(module_database_url, webhook) == []
    for _ in range(2):
        await tell(api, after=LATER)
    [message] = told(module_database_url, webhook)
    assert sorted(message["scholarship_ids"]) == sorted(awards)


async def test_what_has_changed_before_the_search_was_saved_is_not_told(
    api: Api, module_database_url: str, word: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    await created(api.admin, description=word)
    await saved(client, "subjects/one", word)
    await follow(api)
    await tell(api)
    assert told(module_database_url, webhook) == []


async def test_what_was_dismissed_or_archived_meanwhile_is_not_told(
    api: Api, module_database_url: str, word: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    await saved(client, "subjects/one", word, frequency="daily")
    dismissed, archived, left = [await created(api.admin, description=word) for _ in range(3)]
    await follow(api)
    new = {"scholarship_id": dismissed.json()["id"], "status": "dismissed"}
    answer = await client.post("/api/v1/subjects/one/applications", json=new)
    assert answer.status_code == 201, answer.text
    answer = await api.admin.client.delete(address(archived), headers={"If-Match": "*"})
    assert answer.is_success
    await tell(api, after=LATER)
    [message] = told(module_database_url, webhook)
    assert message["scholarship_ids"] == [left.json()["id"]]


async def test_two_workers_store_each_match_once(
    api: Api, module_database_url: str, word: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    await saved(client, "subjects/one", word)
    await created(api.admin, description=word)
    await asyncio.gather(*(follow(api) for _ in range(3)))
    await asyncio.gather(*(tell(api) for _ in range(3)))
    assert len(told(module_database_url, webhook)) == 1


async def test_changes_whose_matches_are_not_stored_are_followed_again(
    api: Api, module_database_url: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    await saved(client, "subjects/one", word)
    await created(api.admin, description=word)
    with monkeypatch.context() as patch:
        patch.setattr(notifications, "STORED_MATCHES", 0)  # fails before the position is moved
        with pytest.raises(ValueError, match="range"):
            await follow(api)
    await follow(api)
    await tell(api)
    assert len(told(module_database_url, webhook)) == 1


@pytest.mark.slow
async def test_matches_of_which_only_some_were_stored_are_told_once(
    api: Api, module_database_url: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "EXPANDED_QUERIES", 1)
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    searches = [await saved(client, "subjects/one", f"{word} -no{n}") for n in range(3)]
    await matcher_of(api).index()
    await created(api.admin, description=word)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as lock:
        lock.execute("SELECT FROM saved_searches WHERE id = %s FOR UPDATE", [searches[1]])
        with pytest.raises(DatabaseUnavailable):
            await follow(api)
    await follow(api)
    await tell(api)
    told_searches = [each["saved_search_id"] for each in told(module_database_url, webhook)]
    assert sorted(told_searches) == sorted(searches)


async def test_a_long_list_of_awards_is_several_messages(
    api: Api, module_database_url: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    await saved(client, "subjects/one", word)
    awards = [(await created(api.admin, description=word)).json()["id"] for _ in range(5)]
    await follow(api)
    monkeypatch.setattr(notifications, "MESSAGE_AWARDS", 2)
    monkeypatch.setattr(notifications, "STORED_MESSAGES", 1)
    await tell(api)
    messages = [each["scholarship_ids"] for each in told(module_database_url, webhook)]
    assert [len(each) for each in messages] == [2, 2, 1]
    assert sorted(award for some in messages for award in some) == sorted(awards)


async def test_an_import_that_is_followed_in_parts_is_told_whole(
    api: Api, module_database_url: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    await saved(client, "subjects/one", word)
    lines = [
        json.dumps(
            {
                "id": f"{word}-{number}",
                "name": word,
                "organization": "Acme Trust",
                "scholarship_type": "merit_based",
            }
        )
        for number in range(30)
    ]
    answer = await api.admin.client.post(
        "/api/v1/scholarships/import",
        content="\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.json()["created"] == 30, answer.text
    monkeypatch.setattr(notifications, "FOLLOWED_EVENTS", 7)
    await follow(api)
    await tell(api)
    found = [
        award_id
        for each in told(module_database_url, webhook)
        for award_id in each["scholarship_ids"]
    ]
    assert sorted(found) == sorted(f"{word}-{number}" for number in range(30))


async def test_matches_and_messages_go_with_the_subject(
    api: Api, module_database_url: str, word: str
) -> None:
    client = await key_client(api, *SCOPES)
    webhook = await hooked(client)
    search = await saved(client, "subjects/one", word)
    await created(api.admin, description=word)
    await follow(api)
    await tell(api)
    count = "SELECT count(*) FROM saved_search_matches WHERE search_id = %s"
    assert query(module_database_url, count, search) == [1]
    assert (await client.delete("/api/v1/subjects/one")).status_code == 204
    assert query(module_database_url, count, search) == [0]
    assert told(module_database_url, webhook) == []


@pytest.mark.slow
async def test_an_erasure_and_the_worker_do_not_wait_for_each_other(
    api: Api, module_database_url: str, word: str
) -> None:
    client, other = [await key_client(api, *SCOPES) for _ in range(2)]
    webhook, foreign = await hooked(client), await hooked(other)
    search = await saved(client, "subjects/one", word)
    await saved(other, "subjects/one", word)
    await created(api.admin, description=word)
    await follow(api)
    conninfo = module_database_url.replace("+psycopg", "")
    with psycopg.connect(conninfo) as erasure:
        # The state in which an erasure has locked its subject, and not yet removed the matches.
        erasure.execute(
            "SELECT FROM subjects WHERE id = (SELECT subject_id FROM saved_searches WHERE id = %s)"
            " FOR UPDATE",
            [search],
        )
        await tell(api)
        assert told(module_database_url, webhook) == []
        assert len(told(module_database_url, foreign)) == 1
        erasure.execute("DELETE FROM saved_search_matches WHERE search_id = %s", [search])
        erasure.rollback()
    await tell(api)
    assert len(told(module_database_url, webhook)) == 1
