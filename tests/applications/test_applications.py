"""The tracker of an account and of a platform's subject."""

import asyncio
import dataclasses
import datetime as dt
import uuid
from typing import Any, Final

import httpx
import psycopg
import pytest

from tests.eligibility.awards import award, put
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

TRACKER: Final = "/applications"
CLOSES: Final = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=40)
LATER: Final = CLOSES + dt.timedelta(days=365)
ROUNDS: Final = [
    {"key": "one", "closes_at": CLOSES.isoformat(), "timezone": "America/New_York"},
    {"key": "two", "closes_at": LATER.isoformat(), "timezone": "Pacific/Honolulu"},
]
REQUIREMENTS: Final = [
    {"key": "essay", "kind": "essay", "title": "Essay on a teacher"},
    {"key": "letters", "kind": "recommendation", "count": 2, "required": False},
]


def connection(url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(
        module_database_url,
        [
            award("plain"),
            award(
                "with_rounds",
                rounds=ROUNDS,
                requirements=REQUIREMENTS,
                application_url="https://example.org/apply",
            ),
            award("draft", status="draft"),
        ],
    )


@pytest.fixture
def single(module_database_url: str) -> str:
    """The id of an award that this test alone changes."""
    award_id = f"award-{uuid.uuid4().hex}"
    put(module_database_url, [award(award_id) | {"name": "Single Award"}])
    return award_id


async def tracked(student: Student, scholarship_id: str, **values: object) -> dict[str, Any]:
    answer = await student.send("POST", TRACKER, {"scholarship_id": scholarship_id, **values})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_an_award_is_tracked_with_what_it_asks_for(student: Student) -> None:
    created = await student.send("POST", TRACKER, {"scholarship_id": "with_rounds"})
    assert created.status_code == 201, created.text
    shown = created.json()
    assert created.headers["Location"] == f"{student.path}{TRACKER}/{shown['id']}"
    assert shown["status"] == "saved"
    assert shown["round_key"] == "one"
    assert shown["reminders_days"] == [30, 14, 7, 3, 1]
    assert shown["note"] is None
    day = CLOSES.astimezone(dt.timezone(dt.timedelta(hours=-5))).date()
    assert [
        (item["key"], item["kind"], item["title"], item["required"], item["done"])
        for item in shown["checklist"]
    ] == [
        ("essay", "essay", "Essay on a teacher", True, False),
        ("letters", "recommendation", None, False, False),
    ]
    for item in shown["checklist"]:
        assert abs(dt.date.fromisoformat(item["due_on"]) - day) <= dt.timedelta(days=1)
    tracked_award = shown["award"]
    assert tracked_award["name"] == "with_rounds"
    assert tracked_award["state"] == "published"
    assert dt.datetime.fromisoformat(tracked_award["application_deadline"]) == CLOSES
    assert tracked_award["deadline_timezone"] == "America/New_York"
    assert tracked_award["days_left"] in (39, 40, 41)
    again = await student.send("GET", f"{TRACKER}/{shown['id']}")
    assert (again.json(), again.headers["ETag"]) == (shown, created.headers["ETag"])


async def test_each_round_of_an_award_is_tracked_alone(student: Student) -> None:
    first = await tracked(student, "with_rounds")
    second = await tracked(student, "with_rounds", round_key="two")
    assert (first["round_key"], second["round_key"]) == ("one", "two")
    assert dt.datetime.fromisoformat(second["award"]["application_deadline"]) == LATER
    for body in ({}, {"round_key": "one"}, {"round_key": "two"}):
        answer = await student.send("POST", TRACKER, {"scholarship_id": "with_rounds", **body})
        assert answer.status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"scholarship_id": "none"}, 404, None),
        ({"scholarship_id": "draft"}, 404, None),
        ({"scholarship_id": "nul\x00"}, 422, "scholarship_id"),
        ({"scholarship_id": "with_rounds", "round_key": "three"}, 422, "round_key"),
        ({"scholarship_id": "plain", "round_key": "one"}, 422, "round_key"),
        ({"scholarship_id": "plain", "status": "won"}, 422, "status"),
        ({"scholarship_id": "plain", "note": "x" * 2001}, 422, "note"),
        ({"scholarship_id": "plain", "note": "nul\x00"}, 422, "note"),
        ({"scholarship_id": "plain", "reminders_days": [-1]}, 422, "reminders_days.0"),
        ({"scholarship_id": "plain", "reminders_days": list(range(11))}, 422, "reminders_days"),
        ({"scholarship_id": "plain", "checklist": [{"key": "a"}, {"key": "a"}]}, 422, "body"),
        ({"scholarship_id": "plain", "checklist": [{"key": "a"}] * 61}, 422, "checklist"),
        ({"scholarship_id": "plain", "checklist": [{"key": "a", "kind": "x"}]}, 422, None),
    ],
)
async def test_what_is_not_valid_is_refused(
    subject: Student, body: dict[str, Any], status: int, field: str | None
) -> None:
    answer = await subject.send("POST", TRACKER, body)
    assert answer.status_code == status, answer.text
    if field is not None:
        assert answer.json()["details"]["fields"][0]["field"] == field
    assert (await subject.send("GET", TRACKER)).json()["items"] == []


async def test_a_patch_changes_what_it_names(student: Student) -> None:
    shown = await tracked(student, "with_rounds", note="First")
    url = f"{TRACKER}/{shown['id']}"
    items = shown["checklist"]
    items[0] |= {"done": True}
    items[1] |= {"due_on": "2027-01-02"}
    items.append({"key": "mine", "title": "Call the office"})
    changes = {"status": "in_progress", "checklist": items, "reminders_days": [1, 7, 7]}
    assert (await student.send("PATCH", url, changes)).status_code == 428
    patched = await student.send("PATCH", url, changes, If_Match='"1"')
    assert patched.status_code == 200, patched.text
    body = patched.json()
    assert (body["status"], body["note"]) == ("in_progress", "First")
    assert body["reminders_days"] == [7, 1]
    assert [item["done"] for item in body["checklist"]] == [True, False, False]
    assert body["checklist"][1]["due_on"] == "2027-01-02"
    assert body["checklist"][2]["kind"] == "other"
    assert body["checklist"][2]["due_on"] == body["checklist"][0]["due_on"]
    assert (await student.send("GET", url)).json() == body
    assert (await student.send("PATCH", url, {"note": None}, If_Match='"1"')).status_code == 412
    erased = await student.send("PATCH", url, {"note": None}, If_Match='"2"')
    assert erased.json()["note"] is None
    assert (await student.send("DELETE", url)).status_code == 204
    assert (await student.send("GET", url)).status_code == 404


@pytest.mark.parametrize("patch", [{"scholarship_id": "plain"}, {"status": "x"}, [], 1])
async def test_a_patch_that_is_not_valid_changes_nothing(subject: Student, patch: object) -> None:
    shown = await tracked(subject, "plain")
    url = f"{TRACKER}/{shown['id']}"
    assert (await subject.send("PATCH", url, patch, If_Match="*")).status_code == 422
    assert (await subject.send("GET", url)).json() == shown


async def test_a_due_day_moves_with_the_deadline(
    student: Student, single: str, module_database_url: str
) -> None:
    put_items = [{"key": "essay"}, {"key": "call", "due_on": "2027-01-02"}]
    shown = await tracked(student, single, checklist=put_items)
    with connection(module_database_url) as database:
        database.execute(
            "UPDATE scholarships SET application_deadline = '2031-05-06T12:00:00Z',"
            " deadline_date = '2031-05-06', deadline_kind = 'fixed' WHERE id = %s",
            [single],
        )
    moved = (await student.send("GET", f"{TRACKER}/{shown['id']}")).json()
    assert [item["due_on"] for item in moved["checklist"]] == ["2031-05-06", "2027-01-02"]
    assert moved["award"]["application_deadline"] == "2031-05-06T12:00:00Z"


async def test_an_award_that_is_gone_stays_readable_and_says_so(
    student: Student, single: str, module_database_url: str
) -> None:
    shown = await tracked(student, single, note="Keep me")
    url = f"{TRACKER}/{shown['id']}"
    for statement, state in (
        ("UPDATE scholarships SET status = 'archived' WHERE id = %s", "archived"),
        ("DELETE FROM scholarships WHERE id = %s", "removed"),
    ):
        with connection(module_database_url) as database:
            database.execute(statement, [single])
        left = (await student.send("GET", url)).json()
        assert left["award"]["state"] == state
        assert left["award"]["name"] == "Single Award"
        assert left["award"]["availability"] == "closed"
        assert left["award"]["days_left"] is None
        assert left["note"] == "Keep me"
        listed = (await student.send("GET", TRACKER)).json()["items"]
        assert [each["award"]["state"] for each in listed] == [state]
    changed = await student.send("PATCH", url, {"status": "withdrawn"}, If_Match="*")
    assert changed.json()["status"] == "withdrawn"


async def test_a_list_is_filtered_and_walked_newest_first(student: Student) -> None:
    ids = [(await tracked(student, "plain"))["id"]]
    ids += [(await tracked(student, "with_rounds", round_key=key))["id"] for key in ("one", "two")]
    await student.send("PATCH", f"{TRACKER}/{ids[0]}", {"status": "dismissed"}, If_Match="*")

    async def listed(query: str) -> list[str]:
        items = (await student.send("GET", f"{TRACKER}{query}")).json()["items"]
        return [each["id"] for each in items]

    assert await listed("") == [ids[2], ids[1]]
    assert await listed("?status=dismissed") == [ids[0]]
    assert await listed("?scholarship_id=with_rounds&status=saved") == [ids[2], ids[1]]
    assert await listed("?scholarship_id=none") == []
    first = (await student.send("GET", f"{TRACKER}?limit=1")).json()
    assert [each["id"] for each in first["items"]] == [ids[2]]
    assert await listed(f"?cursor={first['next_cursor']}") == [ids[1]]
    searches = await student.send("GET", f"/saved-searches?cursor={first['next_cursor']}")
    assert searches.status_code == 422, "a cursor of another list"


async def test_a_repeated_request_tracks_once(
    student: Student, clients: list[httpx.AsyncClient]
) -> None:
    workers = [dataclasses.replace(student, client=client) for client in clients]
    body = {"scholarship_id": "plain", "note": "Once"}
    answers = await asyncio.gather(
        *(
            workers[number % 2].send("POST", TRACKER, body, Idempotency_Key="same")
            for number in range(8)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    replayed = [answer for answer in answers if "Idempotency-Replayed" in answer.headers]
    assert len(replayed) == 7
    other = await student.send("POST", TRACKER, body | {"note": "x"}, Idempotency_Key="same")
    assert other.status_code == 422


async def test_rows_of_others_are_not_found(account: Student, subject: Student) -> None:
    for owner, stranger in ((account, subject), (subject, account)):
        url = f"{TRACKER}/{(await tracked(owner, 'plain'))['id']}"
        for method, body in (("GET", None), ("PATCH", {"status": "saved"}), ("DELETE", None)):
            answer = await stranger.send(method, url, body, If_Match="*")
            assert answer.status_code == 404


# --- Interactions are the same fact --------------------------------------------------------------


async def interact(student: Student, kind: str, scholarship_id: str = "plain") -> None:
    body = {"scholarship_id": scholarship_id, "type": kind}
    answer = await student.client.post("/api/v1/interactions", json=body, headers=student.headers)
    assert answer.status_code == 201, answer.text


async def statuses(student: Student) -> list[str]:
    found = []
    for query in ("", "?status=dismissed"):
        items = (await student.send("GET", f"{TRACKER}{query}")).json()["items"]
        found += [each["status"] for each in items]
    return found


async def test_an_interaction_changes_the_tracker(account: Student) -> None:
    await interact(account, "viewed")
    assert await statuses(account) == []
    for kind in ("saved", "saved", "dismissed", "saved", "dismissed"):
        await interact(account, kind)
        assert await statuses(account) == [kind]
    await interact(account, "saved", "with_rounds")
    [row] = (await account.send("GET", TRACKER)).json()["items"]
    assert row["round_key"] == "one"
    assert [item["key"] for item in row["checklist"]] == ["essay", "letters"]


async def test_an_interaction_leaves_a_submitted_application_alone(account: Student) -> None:
    await tracked(account, "plain", status="submitted")
    for kind in ("saved", "dismissed"):
        await interact(account, kind)
        assert await statuses(account) == ["submitted"]


async def test_a_row_of_the_tracker_is_an_interaction(
    account: Student, module_database_url: str
) -> None:
    shown = await tracked(account, "plain")
    await account.send("PATCH", f"{TRACKER}/{shown['id']}", {"status": "dismissed"}, If_Match="*")
    with connection(module_database_url) as database:
        rows = database.execute(
            "SELECT type FROM interactions JOIN accounts ON accounts.id = account_id"
            " WHERE username = %s AND scholarship_id = 'plain' ORDER BY interactions.id",
            [account.username],
        ).fetchall()
    assert rows == [("saved",), ("dismissed",)]


async def test_the_tracker_of_a_platform_makes_no_interaction(
    subject: Student, module_database_url: str
) -> None:
    with connection(module_database_url) as database:
        before = database.execute("SELECT count(*) FROM interactions").fetchone()
        await tracked(subject, "plain")
        assert database.execute("SELECT count(*) FROM interactions").fetchone() == before
