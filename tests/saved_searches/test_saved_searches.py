"""Saved searches: written, read, changed, deleted, listed."""

import asyncio
import dataclasses
from typing import Any, Final

import httpx
import psycopg
import pytest

from scholarship_api.saved_searches.schemas import MAX_SAVED_SEARCHES
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

SEARCHES: Final = "/saved-searches"
NEW: Final[dict[str, Any]] = {
    "name": "Nursing in California",
    "query": {"q": "nursing", "states": ["CA"], "limit": 5, "facets": True},
    "use_profile": False,
    "notify": {"channel": "webhook", "frequency": "immediate"},
}


async def saved(student: Student, **values: object) -> dict[str, Any]:
    answer = await student.send("POST", SEARCHES, NEW | values)
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_search_is_saved_and_read(student: Student) -> None:
    created = await student.send("POST", SEARCHES, NEW)
    assert created.status_code == 201, created.text
    body = created.json()
    assert body["query"] == {"q": "nursing", "states": ["CA"]}
    assert {name: body[name] for name in ("name", "use_profile", "notify")} == {
        name: NEW[name] for name in ("name", "use_profile", "notify")
    }
    assert created.headers["Location"] == f"{student.path}{SEARCHES}/{body['id']}"
    shown = await student.send("GET", f"{SEARCHES}/{body['id']}")
    assert (shown.status_code, shown.json()) == (200, body)
    assert shown.headers["ETag"] == created.headers["ETag"]
    assert (await student.send("GET", SEARCHES)).json() == {"items": [body], "next_cursor": None}


async def test_what_is_not_given_has_defaults(student: Student) -> None:
    answer = await student.send("POST", SEARCHES, {"name": "All", "query": {}})
    assert answer.status_code == 201, answer.text
    assert answer.json()["query"] == {}
    assert answer.json()["use_profile"] is False
    assert answer.json()["notify"] == {"channel": "none", "frequency": "daily"}


@pytest.mark.parametrize(
    "query",
    [
        {"q": "engineering", "sort": "match", "profile": {"gpa": 3.1, "genders": ["woman"]}},
        {"genders": ["woman"], "military": ["veteran"], "conditions": []},
        {"deadline_after": "2027-01-01", "deadline_before": "2027-03-01T10:00:00Z"},
        {"keyword": "law", "fields_of_study": "computer_science,law", "renewable": False},
        {"min_amount": 0, "max_amount": 12.5, "first_generation": False, "typo": False},
    ],
)
async def test_a_query_is_kept_whole(subject: Student, query: dict[str, Any]) -> None:
    first = await saved(subject, query=query)
    again = await saved(subject, query=first["query"])
    assert again["query"] == first["query"]
    sent = await subject.client.post("/api/v1/search", json=query)
    kept = await subject.client.post("/api/v1/search", json=first["query"])
    assert sent.status_code == kept.status_code == 200, (sent.text, kept.text)
    assert sent.json()["filters"] == kept.json()["filters"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"query": {"min_gpa": 5}}, "query.min_gpa"),
        ({"query": {"colour": "red"}}, "query.colour"),
        ({"query": {"sort": "match"}}, "need a profile"),
        ({"query": {"profile": {"gpa": 3}}, "use_profile": True}, "query.profile"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "nul\x00"}, "name"),
        ({"query": {"q": "nul\x00"}}, "query.q"),
        ({"notify": {"channel": "pigeon"}}, "channel"),
        ({"notify": {"frequency": "hourly"}}, "frequency"),
        ({"owner": "me"}, "owner"),
    ],
)
async def test_a_search_that_is_not_valid_is_refused(
    subject: Student, values: dict[str, Any], reason: str
) -> None:
    refused = await subject.send("POST", SEARCHES, NEW | values)
    assert refused.status_code == 422, refused.text
    assert reason in refused.text


async def test_a_search_with_the_stored_profile_may_ask_for_verdicts(subject: Student) -> None:
    shown = await saved(
        subject, query={"verdicts": ["eligible"], "sort": "match"}, use_profile=True
    )
    assert shown["query"] == {"verdicts": ["eligible"], "sort": "match"}


async def test_a_patch_changes_what_it_names(student: Student) -> None:
    shown = await saved(student)
    url = f"{SEARCHES}/{shown['id']}"
    changes = {"query": {"q": "law"}, "notify": {"frequency": "weekly"}}
    assert (await student.send("PATCH", url, changes)).status_code == 428
    patched = await student.send("PATCH", url, changes, If_Match='"1"')
    assert patched.status_code == 200, patched.text
    assert patched.json()["query"] == {"q": "law"}
    assert patched.json()["name"] == shown["name"]
    assert patched.json()["notify"] == {"channel": "webhook", "frequency": "weekly"}
    assert (await student.send("PATCH", url, changes, If_Match='"1"')).status_code == 412
    assert (await student.send("DELETE", url, If_Match='"1"')).status_code == 412
    assert (await student.send("PATCH", url, {"query": None}, If_Match="*")).status_code == 422
    assert (await student.send("DELETE", url)).status_code == 204
    assert (await student.send("GET", url)).status_code == 404


async def test_a_repeated_request_saves_once(student: Student) -> None:
    first = await student.send("POST", SEARCHES, NEW, Idempotency_Key="one")
    again = await student.send("POST", SEARCHES, NEW, Idempotency_Key="one")
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    other = await student.send("POST", SEARCHES, NEW | {"name": "x"}, Idempotency_Key="one")
    assert other.status_code == 422
    assert len((await student.send("GET", SEARCHES)).json()["items"]) == 1


async def test_repetitions_at_the_same_time_save_once(
    student: Student, clients: list[httpx.AsyncClient]
) -> None:
    workers = [dataclasses.replace(student, client=client) for client in clients]
    answers = await asyncio.gather(
        *(
            workers[number % 2].send("POST", SEARCHES, NEW, Idempotency_Key="same")
            for number in range(8)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_no_more_than_the_limit_is_saved_by_requests_at_the_same_time(
    student: Student, clients: list[httpx.AsyncClient]
) -> None:
    for _ in range(MAX_SAVED_SEARCHES - 3):
        await saved(student)
    workers = [dataclasses.replace(student, client=client) for client in clients]
    answers = await asyncio.gather(
        *(workers[number % 2].send("POST", SEARCHES, NEW) for number in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5


async def test_a_list_is_walked_by_cursors(student: Student) -> None:
    created = [(await saved(student, name=f"Search {number}"))["id"] for number in range(5)]
    walked: list[str] = []
    cursor = ""
    while True:
        page = (await student.send("GET", f"{SEARCHES}?limit=2{cursor}")).json()
        walked += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert walked == created


@pytest.mark.parametrize("cursor", ["x", "A" * 40, "%00", "é"])
async def test_a_forged_cursor_is_refused(subject: Student, cursor: str) -> None:
    refused = await subject.send("GET", f"{SEARCHES}?cursor={cursor}")
    assert refused.status_code == 422


async def test_who_has_changed_a_search_is_audited_without_its_values(
    subject: Student, module_database_url: str
) -> None:
    shown = await saved(subject)
    url = f"{SEARCHES}/{shown['id']}"
    await subject.send("PATCH", url, {"name": "Zqname"}, If_Match="*")
    await subject.send("DELETE", url)
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT action, details::text FROM audit_events WHERE target_id = %s ORDER BY id",
            [shown["id"]],
        ).fetchall()
    assert rows == [
        ("saved_search.created", "{}"),
        ("saved_search.updated", "{}"),
        ("saved_search.deleted", "{}"),
    ]
