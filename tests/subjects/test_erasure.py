"""A marker in everything that a person stores: in the export before, and nowhere afterwards."""

import asyncio
import dataclasses
import json
import uuid
from typing import Any, Final

import pytest
from fastapi import FastAPI

from scholarship_api.accounts import service as accounts
from scholarship_api.accounts.cli import personal_data
from scholarship_api.platform.observability import metrics
from scholarship_api.saved_searches.matching import SearchMatcher
from tests.eligibility.awards import award, put
from tests.security.conftest import dumped_tables
from tests.subjects.students import Student

pytestmark = pytest.mark.anyio

MARKER: Final = "zqmarkerofaperson"


@pytest.fixture(scope="module", autouse=True)
def awards(module_database_url: str) -> None:
    put(module_database_url, [award("one"), award("two")])


async def live(student: Student) -> dict[str, Any]:
    """Store the marker wherever a person can; the addresses of a feed."""
    key = {"Idempotency_Key": MARKER}
    profile = {"gpa": 3.1, "high_schools": [MARKER], "affiliations": [MARKER]}
    assert (await student.send("PUT", "/profile", profile)).status_code == 201
    new_search = {
        "name": MARKER,
        "query": {"q": MARKER, "profile": {"events": [], "high_schools": [MARKER]}},
        "notify": {"channel": "email", "frequency": "immediate"},
    }
    saved = await student.send("POST", "/saved-searches", new_search, **key)
    assert saved.status_code == 201, saved.text
    tracked = {
        "scholarship_id": "one",
        "note": f"Ask {MARKER}",
        "checklist": [{"key": MARKER, "title": MARKER}],
    }
    row = await student.send("POST", "/applications", tracked, **key)
    assert row.status_code == 201, row.text
    feed = {"kind": "both", "saved_search_id": saved.json()["id"]}
    made = await student.send("POST", "/feeds", feed)
    assert made.status_code == 201, made.text
    for method, path, body in (
        ("PATCH", "/profile", {"gpa": 3.2}),
        ("PATCH", f"/saved-searches/{saved.json()['id']}", {"name": f"{MARKER} 2"}),
        ("PATCH", f"/applications/{row.json()['id']}", {"note": f"{MARKER} 2"}),
        ("GET", "/matches", None),
        ("GET", "/questions", None),
        ("GET", f"/saved-searches/{saved.json()['id']}/results?since=2001-01-01", None),
        ("GET", f"/saved-searches/{saved.json()['id']}/results", None),
        ("POST", "/applications", {"scholarship_id": MARKER}),
        ("POST", "/saved-searches", {"name": MARKER, "query": {MARKER: 1}}),
        ("PUT", "/profile", {"gpa": MARKER}),
    ):
        await student.send(method, path, body, If_Match="*")
    addresses: dict[str, Any] = made.json()["addresses"]
    for address in addresses.values():
        assert (await student.client.get(address)).status_code == 200
    return addresses


async def index(app: FastAPI) -> None:
    """Derive from the searches what alerts need."""
    state = app.state
    await SearchMatcher(state.database, state.answers, state.cursor_codec).index()


def tables_with(url: str, text: str) -> set[str]:
    return {
        table for table, rows in dumped_tables(url).items() if text.casefold() in rows.casefold()
    }


async def test_nothing_is_left_of_an_account(
    app: FastAPI, account: Student, module_database_url: str
) -> None:
    addresses = await live(account)
    await index(app)
    name = account.username or ""
    async with app.state.database.read_session() as session:
        exported = await accounts.export(
            session,
            account=await accounts.get(session, username=name),
            other_topics=personal_data,
        )
    for topic in ("profile", "saved_searches", "applications"):
        assert MARKER in json.dumps(exported[topic]), topic
    assert len(exported["feeds"]) == 1
    assert {"profiles", "saved_searches", "applications"} <= tables_with(
        module_database_url, MARKER
    )
    gone = await account.client.delete("/api/v1/auth/me", headers=account.headers)
    assert gone.status_code == 204
    assert tables_with(module_database_url, MARKER) == set()
    assert tables_with(module_database_url, name) == set()
    for address in addresses.values():
        assert (await account.client.get(address)).status_code == 404


async def test_nothing_is_left_of_a_subject(
    app: FastAPI, subject: Student, module_database_url: str
) -> None:
    person = dataclasses.replace(subject, path=f"/api/v1/subjects/{MARKER}-{uuid.uuid4().hex}")
    addresses = await live(person)
    await index(app)
    shown = (await person.send("GET", "")).json()
    for topic in ("profile", "saved_searches", "applications"):
        assert MARKER in json.dumps(shown[topic]), topic
    assert len(shown["feeds"]) == 1
    assert "subjects" in tables_with(module_database_url, MARKER)
    assert (await person.send("DELETE", "")).status_code == 204
    assert tables_with(module_database_url, MARKER) == set()
    for address in addresses.values():
        assert (await person.client.get(address)).status_code == 404


async def test_no_log_holds_what_a_person_stores(
    subject: Student, capsys: pytest.CaptureFixture[str]
) -> None:
    person = dataclasses.replace(subject, path=f"/api/v1/subjects/{MARKER}-{uuid.uuid4().hex}")
    addresses = await live(person)
    assert (await person.send("DELETE", "")).status_code == 204
    await person.client.get("/api/v1/no-such-route")
    logged = ""
    async with asyncio.timeout(30):
        while "unmatched" not in logged:
            await asyncio.sleep(0.01)  # the log is written at the end of the loop's turn
            seen = capsys.readouterr()
            logged += seen.out + seen.err
    assert "/api/v1/subjects/{external_id}/profile" in logged
    assert MARKER not in logged.casefold()
    for address in addresses.values():
        assert address not in logged


async def test_no_metric_holds_what_a_person_stores(subject: Student) -> None:
    person = dataclasses.replace(subject, path=f"/api/v1/subjects/{MARKER}-{uuid.uuid4().hex}")
    await live(person)
    shown = metrics.render().decode()
    assert "/api/v1/subjects/{external_id}/profile" in shown
    assert MARKER not in shown.casefold()
