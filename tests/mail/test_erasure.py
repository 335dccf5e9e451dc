"""Nothing of a person is left in any table after an erasure: no alert, no mail, no message."""

import datetime as dt
import uuid
from typing import Final

import httpx
import psycopg
import pytest

from scholarship_api.accounts.roles import Role
from scholarship_api.alerts import service as alerts
from scholarship_api.mail import delivery
from scholarship_api.saved_searches import notifications
from scholarship_api.webhooks import delivery as webhook_delivery
from tests.catalogue.api import Api, User, _user, created
from tests.mail.conftest import MailServer, link_in
from tests.saved_searches.test_notifications import follow, hooked
from tests.security.conftest import dumped_tables
from tests.webhooks.test_webhooks import key_client
from tests.worker.conftest import until, working

pytestmark = pytest.mark.anyio

MARKER: Final = "zqmarkeroferasure"
SCOPES: Final = ("webhooks:write", "subjects:read", "subjects:write")
PROFILE: Final = {"gpa": 3, "high_schools": [MARKER], "affiliations": [MARKER]}
EVENTS: Final = ["saved_search.matched", "application.reminder"]
ACTIVE: Final = {"alerts", "applications", "feeds", "saved_search_matches", "saved_searches"}
"""Tables that hold rows of each person of these tests."""


def subject_of(url: str, column: str, value: object) -> str:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(f"SELECT id FROM subjects WHERE {column} = %s", [value]).fetchone()
    assert row is not None
    return str(row[0])


def tables_with(url: str, *texts: str) -> set[str]:
    return {
        table
        for table, rows in dumped_tables(url).items()
        if any(text.casefold() in rows for text in texts)
    }


async def live(api: Api, client: httpx.AsyncClient, at: str, *, channel: str) -> list[str]:
    """Have new results, a reminder and a moved deadline told. Returns the ids of what was made."""
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(days=40)
    word = f"word{uuid.uuid4().hex}"
    made = []
    for use_profile in (False, True):
        search = {
            "name": MARKER,
            "query": {"q": f"{word} -{MARKER}"},
            "use_profile": use_profile,
            "notify": {"channel": channel},
        }
        made.append(await client.post(f"/api/v1/{at}/saved-searches", json=search))
    award = await created(
        api.admin, application_deadline=deadline.isoformat(), description=f"About {word}"
    )
    award_id = award.json()["id"]
    row = {"scholarship_id": award_id, "note": MARKER, "reminders_days": [14]}
    made.append(await client.post(f"/api/v1/{at}/applications", json=row))
    made.append(await client.post(f"/api/v1/{at}/feeds", json={"kind": "applications"}))
    await follow(api)
    moved = {"application_deadline": (deadline + dt.timedelta(days=5)).isoformat()}
    headers = {"If-Match": "*", "Content-Type": "application/merge-patch+json"}
    url = f"/api/v1/scholarships/{award_id}"
    assert (await api.admin.client.patch(url, json=moved, headers=headers)).is_success
    await follow(api)
    database = api.app.state.database
    while await webhook_delivery.fan_out(database) or await alerts.follow_changes(database):
        pass
    while await notifications.tell(database, now=dt.datetime.now(dt.UTC) + dt.timedelta(days=8)):
        pass
    morning = dt.datetime.fromisoformat(moved["application_deadline"]) - dt.timedelta(days=14)
    await alerts.remind(database, now=morning.replace(hour=23))
    assert all(each.status_code == 201 for each in made), [each.text for each in made]
    return [each.json()["id"] for each in made]


@pytest.mark.slow
async def test_nothing_is_left_of_an_account(
    api: Api, mail_server: MailServer, module_database_url: str
) -> None:
    user: User = await _user(api.app, Role.STUDENT)
    address = f"{MARKER}-{uuid.uuid4().hex}@example.org"
    assert (await user.client.put("/api/v1/me/email", json={"email": address})).is_success
    async with working(api):
        await until(lambda: mail_server.to(address))
    [asking] = mail_server.to(address)
    assert (await api.anonymous.post(link_in(asking, "confirm-email"))).is_success
    await hooked(api.admin.client)
    assert (await user.client.put("/api/v1/me/profile", json=PROFILE)).is_success
    ids = await live(api, user.client, "me", channel="email")
    ids += await live(api, user.client, "me", channel="webhook")
    # One digest is sent, and another one waits.
    now = dt.datetime.now(dt.UTC)
    await delivery.make_digests(api.app.state.database, now=now.replace(hour=23))
    async with working(api):
        await until(lambda: len(mail_server.to(address)) == 2)
    ids += await live(api, user.client, "me", channel="email")
    tomorrow = now.replace(hour=23) + dt.timedelta(days=1)
    await delivery.make_digests(api.app.state.database, now=tomorrow)

    subject = subject_of(module_database_url, "account_id", user.id)
    found = tables_with(module_database_url, MARKER, subject, str(user.id), *ids)
    assert found >= {*ACTIVE, "mail_addresses", "mails", "profiles", "webhook_deliveries"}
    assert (await user.client.delete("/api/v1/auth/me")).status_code == 204
    assert tables_with(module_database_url, MARKER, str(user.id)) == set()
    # The audit keeps ids of rows, and not whose they were.
    assert tables_with(module_database_url, subject, *ids) <= {"audit_events"}
    # The worker goes on, and sends nothing.
    sent = len(mail_server.to(address))
    async with working(api):
        other = await _user(api.app, Role.STUDENT)
        later = f"{uuid.uuid4().hex}@example.org"
        await other.client.put("/api/v1/me/email", json={"email": later})
        await until(lambda: mail_server.to(later))
    assert len(mail_server.to(address)) == sent


@pytest.mark.slow
async def test_nothing_is_left_of_a_subject(api: Api, module_database_url: str) -> None:
    client = await key_client(api, *SCOPES)
    new = {"url": "https://hooks.example.org/", "events": EVENTS}
    assert (await client.post("/api/v1/webhooks", json=new)).is_success
    name = f"{MARKER}-{uuid.uuid4().hex}"
    assert (await client.put(f"/api/v1/subjects/{name}/profile", json=PROFILE)).is_success
    ids = await live(api, client, f"subjects/{name}", channel="webhook")
    subject = subject_of(module_database_url, "external_id", name)
    found = tables_with(module_database_url, MARKER, subject, *ids)
    assert found >= {*ACTIVE, "profiles", "subjects", "webhook_deliveries"}
    assert (await client.delete(f"/api/v1/subjects/{name}")).status_code == 204
    assert tables_with(module_database_url, MARKER) == set()
    assert tables_with(module_database_url, subject, *ids) <= {"audit_events"}
