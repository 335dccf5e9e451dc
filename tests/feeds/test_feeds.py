"""Secret addresses of feeds, and what is read at them."""

import asyncio
import csv
import datetime as dt
import hashlib
import json
import uuid
import xml.etree.ElementTree as ET
from typing import Any, Final

import httpx
import icalendar
import psycopg
import pytest

from scholarship_api.feeds.schemas import MAX_FEEDS
from tests.eligibility.awards import award, put
from tests.security.conftest import dumped_tables
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

FEEDS: Final = "/feeds"
ATOM: Final = "{http://www.w3.org/2005/Atom}"
DEADLINE: Final = "2031-01-16T04:59:59Z"


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(
        module_database_url,
        [
            award("exact", application_deadline=DEADLINE, application_url="https://example.org/a"),
            award(
                "estimated",
                application_deadline="2031-02-01",
                deadline_timezone="Pacific/Honolulu",
                deadline_estimated=True,
            ),
            award("rolling"),
            award("other", application_deadline=DEADLINE, description="For zebras"),
            award("draft", status="draft"),
            award("archived", application_deadline=DEADLINE, status="archived"),
        ],
    )


async def made(student: Student, **values: object) -> dict[str, Any]:
    answer = await student.send("POST", FEEDS, {"kind": "applications", **values})
    assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def track(student: Student, scholarship_id: str, **values: object) -> str:
    body = {"scholarship_id": scholarship_id, **values}
    answer = await student.send("POST", "/applications", body)
    assert answer.status_code == 201, answer.text
    application_id: str = answer.json()["id"]
    return application_id


async def save(student: Student, **query: object) -> str:
    new = {"name": "Zqname", "query": query}
    answer = await student.send("POST", "/saved-searches", new)
    search_id: str = answer.json()["id"]
    return search_id


async def uids(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """The events by the id of their award."""
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    read = icalendar.Calendar.from_ical(answer.content)
    return {str(event["UID"]).partition("@")[0]: event for event in read.walk("VEVENT")}


async def test_a_feed_shows_the_deadlines_of_the_tracker(student: Student) -> None:
    for award_id in ("exact", "estimated", "rolling"):
        await track(student, award_id, reminders_days=[7])
    await track(student, "other", status="dismissed")
    feed = await made(student)
    events = await uids(student.client, feed["addresses"]["ics"])
    assert set(events) == {"exact", "estimated"}
    assert events["exact"].decoded("DTSTART") == dt.datetime.fromisoformat(DEADLINE)
    assert events["estimated"].decoded("DTSTART") == dt.date(2031, 2, 1)
    assert len(events["exact"].walk("VALARM")) == 1


async def test_a_reader_sees_awards_without_a_deadline_too(student: Student) -> None:
    for award_id in ("exact", "rolling"):
        await track(student, award_id)
    addresses = (await made(student))["addresses"]
    atom = await student.client.get(addresses["atom"])
    assert atom.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    root = ET.fromstring(atom.content)  # noqa: S314 - our own answer
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}id", "").startswith("urn:uuid:")
    titles = [each.findtext(f"{ATOM}title") for each in root.iter(f"{ATOM}entry")]
    assert titles == ["Deadline: exact", "Deadline: rolling"]
    for element in root.iter(f"{ATOM}entry"):
        for name in ("id", "updated", "summary"):
            assert element.findtext(f"{ATOM}{name}")
    feed = await student.client.get(addresses["json"])
    assert feed.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    body = feed.json()
    assert body["version"] == "https://jsonfeed.org/version/1.1"
    assert [item["title"] for item in body["items"]] == titles
    assert body["items"][0]["url"] == "https://example.org/a"
    assert body["items"][0]["_scholarship"]["application_deadline"] == DEADLINE
    assert body["items"][1]["_scholarship"]["application_deadline"] is None


async def test_a_feed_of_a_saved_search_shows_its_results(student: Student) -> None:
    search_id = await save(student, q="zebras")
    feed = await made(student, kind="saved_search", saved_search_id=search_id)
    assert set(await uids(student.client, feed["addresses"]["ics"])) == {"other"}
    await track(student, "exact")
    assert set(await uids(student.client, feed["addresses"]["ics"])) == {"other"}
    both = await made(student, kind="both", saved_search_id=search_id)
    assert set(await uids(student.client, both["addresses"]["ics"])) == {"exact", "other"}
    await track(student, "other", status="dismissed")
    assert set(await uids(student.client, both["addresses"]["ics"])) == {"exact"}
    assert (await student.send("DELETE", f"/saved-searches/{search_id}")).status_code == 204
    assert (await student.client.get(feed["addresses"]["ics"])).status_code == 404


async def test_a_search_that_cannot_be_run_hides_no_deadline_of_the_tracker(
    student: Student,
) -> None:
    profile = await student.send("PUT", "/profile", {"gpa": 3})
    new = {"name": "Mine", "query": {"q": "zebras"}, "use_profile": True}
    search = {"saved_search_id": (await student.send("POST", "/saved-searches", new)).json()["id"]}
    await track(student, "exact")
    both = (await made(student, kind="both", **search))["addresses"]
    alone = (await made(student, kind="saved_search", **search))["addresses"]
    assert set(await uids(student.client, both["ics"])) == {"exact", "other"}
    erased = await student.send("DELETE", "/profile", If_Match=profile.headers["ETag"])
    assert erased.status_code == 204
    assert set(await uids(student.client, both["ics"])) == {"exact"}
    for address in (both["atom"], both["json"]):
        assert (await student.client.get(address)).status_code == 200
    for address in alone.values():
        answer = await student.client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (409, "CONFLICT")


async def test_an_archived_award_is_cancelled(student: Student) -> None:
    await track(student, "archived")
    feed = await made(student)
    event = (await uids(student.client, feed["addresses"]["ics"]))["archived"]
    assert str(event["STATUS"]) == "CANCELLED"


async def test_a_changed_deadline_is_a_newer_event(
    student: Student, module_database_url: str
) -> None:
    award_id = f"moved-{uuid.uuid4().hex}"
    put(module_database_url, [award(award_id, application_deadline=DEADLINE)])
    await track(student, award_id)
    address = (await made(student))["addresses"]["ics"]
    before = (await uids(student.client, address))[award_id]
    etag = (await student.client.get(address)).headers["ETag"]
    unchanged = await student.client.get(address, headers={"If-None-Match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        connection.execute(
            "UPDATE scholarships SET application_deadline = '2031-03-03T12:00:00Z',"
            " deadline_date = '2031-03-03', version = version + 1, updated_at = now()"
            " WHERE id = %s",
            [award_id],
        )
    after = (await uids(student.client, address))[award_id]
    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] == before["SEQUENCE"] + 1
    assert after.decoded("DTSTART") == dt.datetime(2031, 3, 3, 12, tzinfo=dt.UTC)
    assert (await student.client.get(address)).headers["ETag"] != etag


async def test_an_application_that_was_handed_in_has_no_alarms(student: Student) -> None:
    await track(student, "exact", status="submitted")
    events = await uids(student.client, (await made(student))["addresses"]["ics"])
    assert events["exact"].walk("VALARM") == []


async def test_the_address_is_shown_once_and_only_its_digest_is_stored(
    student: Student, module_database_url: str
) -> None:
    feed = await made(student)
    token = feed["addresses"]["ics"].rpartition("/")[2].removesuffix(".ics")
    assert len(token) > 40
    listed = await student.send("GET", FEEDS)
    [shown] = listed.json()["items"]
    assert shown == {name: feed[name] for name in ("id", "kind", "saved_search_id", "created_at")}
    stored = str(dumped_tables(module_database_url))
    assert token.lower() not in stored.lower()
    assert hashlib.sha256(token.encode()).hexdigest() in stored


async def test_a_repeated_request_gives_the_same_feed_another_address(student: Student) -> None:
    new = {"kind": "applications"}
    first = await student.send("POST", FEEDS, new, Idempotency_Key="feed-1")
    again = await student.send("POST", FEEDS, new, Idempotency_Key="feed-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    ended, address = [answer.json()["addresses"]["ics"] for answer in (first, again)]
    assert (await student.client.get(ended)).status_code == 404
    assert (await student.client.get(address)).status_code == 200
    assert len((await student.send("GET", FEEDS)).json()["items"]) == 1
    search_id = await save(student)
    other = {"kind": "saved_search", "saved_search_id": search_id}
    refused = await student.send("POST", FEEDS, other, Idempotency_Key="feed-1")
    assert (refused.status_code, refused.json()["code"]) == (422, "VALIDATION_ERROR")


async def test_a_revoked_address_is_gone_at_once(
    student: Student, clients: list[httpx.AsyncClient]
) -> None:
    feed = await made(student)
    for client in clients:
        assert (await client.get(feed["addresses"]["ics"])).status_code == 200
    assert (await student.send("DELETE", f"{FEEDS}/{feed['id']}")).status_code == 204
    for client in clients:
        for address in feed["addresses"].values():
            assert (await client.get(address)).status_code == 404
    assert (await student.send("DELETE", f"{FEEDS}/{feed['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"sch_feed_{'A' * 43}.ics", 404),
        ("sch_feed_.ics", 404),
        ("x.ics", 404),
        ("%00.ics", 404),
        ("é.atom", 404),
        (f"{'A' * 101}.ics", 422),
        (f"sch_feed_{'A' * 43}.pdf", 422),
    ],
)
async def test_an_unknown_address_is_not_found(
    client: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await client.get(f"/api/v1/feeds/{path}")
    assert answer.status_code == status
    assert "sch_feed_A" not in answer.text


async def test_feeds_of_others_cannot_be_made_or_revoked(
    account: Student, subject: Student
) -> None:
    search_id = await save(account)
    body = {"kind": "saved_search", "saved_search_id": search_id}
    assert (await subject.send("POST", FEEDS, body)).status_code == 404
    feed = await made(account)
    assert (await subject.send("DELETE", f"{FEEDS}/{feed['id']}")).status_code == 404
    assert (await account.client.get(feed["addresses"]["ics"])).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "all"},
        {"kind": "both"},
        {"kind": "saved_search"},
        {"kind": "applications", "saved_search_id": str(uuid.UUID(int=1))},
        {"kind": "both", "saved_search_id": "one"},
    ],
)
async def test_a_feed_that_is_not_valid_is_refused(
    subject: Student, body: dict[str, object]
) -> None:
    assert (await subject.send("POST", FEEDS, body)).status_code == 422


async def test_there_is_a_limit(subject: Student) -> None:
    for _ in range(MAX_FEEDS):
        await made(subject)
    answer = await subject.send("POST", FEEDS, {"kind": "applications"})
    assert answer.status_code == 409
    page = (await subject.send("GET", f"{FEEDS}?limit=15")).json()
    rest = (await subject.send("GET", f"{FEEDS}?cursor={page['next_cursor']}")).json()
    assert len(page["items"]) + len(rest["items"]) == MAX_FEEDS


async def test_no_log_holds_an_address(
    student: Student, capsys: pytest.CaptureFixture[str]
) -> None:
    feed = await made(student)
    token = feed["addresses"]["ics"].rpartition("/")[2].removesuffix(".ics")
    await student.client.get(feed["addresses"]["ics"])
    await student.client.get(f"/api/v1/feeds/{token}.pdf")
    await student.client.get(f"/api/v1/feeds/{token}")
    logged = ""
    async with asyncio.timeout(30):
        while "unmatched" not in logged:
            await asyncio.sleep(0.01)  # the log is written at the end of the loop's turn
            seen = capsys.readouterr()
            logged += seen.out + seen.err
    assert "/api/v1/feeds/{token}.{format}" in logged
    assert token not in logged


async def test_an_erased_subject_has_no_feed(subject: Student) -> None:
    feed = await made(subject)
    assert (await subject.send("DELETE", "")).status_code == 204
    assert (await subject.client.get(feed["addresses"]["ics"])).status_code == 404


# --- Awards --------------------------------------------------------------------------------------


async def test_an_award_has_a_calendar(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/scholarships/exact.ics")
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    events = await uids(client, "/api/v1/scholarships/exact.ics")
    assert set(events) == {"exact"}
    assert await uids(client, "/api/v1/scholarships/rolling.ics") == {}
    archived = await uids(client, "/api/v1/scholarships/archived.ics")
    assert str(archived["archived"]["STATUS"]) == "CANCELLED"
    for award_id in ("none", "draft", "%00"):
        missing = await client.get(f"/api/v1/scholarships/{award_id}.ics")
        assert missing.status_code == 404, award_id
        assert json.loads(missing.content)["code"] == "NOT_FOUND"


# --- Searches ------------------------------------------------------------------------------------

SEARCH: Final = "/api/v1/search"


@pytest.mark.parametrize("by_accept", [False, True])
@pytest.mark.parametrize(
    ("name", "media_type"),
    [("atom", "application/atom+xml"), ("ics", "text/calendar"), ("csv", "text/csv")],
)
async def test_a_search_is_answered_in_the_format_that_is_asked_for(
    client: httpx.AsyncClient, name: str, media_type: str, *, by_accept: bool
) -> None:
    params = {"q": "zebras"} | ({} if by_accept else {"format": name})
    headers = {"Accept": f"{media_type}, */*;q=0.1"} if by_accept else {}
    for _ in range(3):  # the answer in JSON to the same address is in the cache by then
        as_json = await client.get(SEARCH, params={"q": "zebras"})
        assert as_json.headers["Content-Type"] == "application/json"
        assert "accept" in as_json.headers["Vary"].lower()
        answer = await client.get(SEARCH, params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"].startswith(media_type)
        assert "accept" in answer.headers["Vary"].lower()
        assert answer.headers["Cache-Control"] == "public, max-age=60"
        assert "other" in answer.text
        conditional = {**headers, "If-None-Match": answer.headers["ETag"]}
        again = await client.get(SEARCH, params=params, headers=conditional)
        assert (again.status_code, again.content) == (304, b"")


async def test_a_table_has_a_row_for_each_award_of_the_page(
    client: httpx.AsyncClient, module_database_url: str
) -> None:
    award_id = f"formula-{uuid.uuid4().hex}"
    formula = award(award_id, description="Gnu") | {
        "name": "=1+1",
        "organization": "x;=cmd",
    }
    put(module_database_url, [formula])
    answer = await client.get(SEARCH, params={"q": "gnu", "format": "csv"})
    header, row = list(csv.reader(answer.text.splitlines()))
    shown = dict(zip(header, row, strict=True))
    assert shown["id"] == award_id
    assert shown["name"] == "'=1+1"
    assert shown["organization"] == "x;'=cmd"  # a separator in some locales
    assert shown["availability"] == "rolling"


async def test_browsers_and_programs_get_json(client: httpx.AsyncClient) -> None:
    for accept in ("*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "application/json", ""):
        answer = await client.get(SEARCH, headers={"Accept": accept})
        assert answer.headers["Content-Type"] == "application/json", accept
    refused = await client.get(SEARCH, params={"format": "pdf"})
    assert refused.status_code == 422
