"""Reminders of deadlines: at 08:00 of the student, on days of the award, each once."""

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest

from scholarship_api.alerts import service
from scholarship_api.alerts.queries import Tracked
from scholarship_api.applications.models import Application
from scholarship_api.catalogue.models import Scholarship
from tests.catalogue.api import Api, address, changed, created
from tests.webhooks.test_webhooks import WEBHOOKS, key_client

DAYS = [14, 3, 1]


def tracked(deadline: str, award_zone: str, student_zone: str | None) -> Tracked:
    zone = ZoneInfo(award_zone)
    at = dt.datetime.fromisoformat(deadline).replace(tzinfo=zone).astimezone(dt.UTC)
    award = Scholarship(
        id="award",
        name="An award",
        organization="Acme Trust",
        application_deadline=at,
        deadline_kind="fixed",
        deadline_timezone=award_zone,
        deadline_estimated=False,
        rounds=None,
    )
    application = Application(
        id=uuid.UUID(int=1), subject_id=uuid.UUID(int=2), round_key=None, reminders_days=DAYS
    )
    return Tracked(application, award, student_zone)


@pytest.mark.parametrize(
    ("deadline", "award_zone", "student_zone", "mornings"),
    [
        (
            "2027-03-01T23:59:59",
            "America/New_York",
            None,
            ["2027-02-15T13:00", "2027-02-26T13:00", "2027-02-28T13:00"],
        ),
        (  # the student is a day ahead of the award's calendar
            "2027-03-01T23:59:59",
            "Pacific/Honolulu",
            "Pacific/Kiritimati",
            ["2027-02-14T18:00", "2027-02-25T18:00", "2027-02-27T18:00"],
        ),
        (  # clocks change on 14 March 2027 in New York
            "2027-03-15T17:00:00",
            "America/New_York",
            "America/New_York",
            ["2027-03-01T13:00", "2027-03-12T13:00", "2027-03-14T12:00"],
        ),
        (  # and back on 7 November
            "2027-11-08T17:00:00",
            "America/New_York",
            None,
            ["2027-10-25T12:00", "2027-11-05T12:00", "2027-11-07T13:00"],
        ),
        (
            "2027-03-01T06:00:00",
            "Pacific/Kiritimati",
            "Pacific/Honolulu",
            ["2027-02-15T18:00", "2027-02-26T18:00"],  # at the third morning it has closed
        ),
    ],
)
def test_reminders_are_due_in_the_morning_of_the_student(
    deadline: str, award_zone: str, student_zone: str | None, mornings: list[str]
) -> None:
    each = tracked(deadline, award_zone, student_zone)
    wanted = [dt.datetime.fromisoformat(morning).replace(tzinfo=dt.UTC) for morning in mornings]
    for number, morning in enumerate(wanted):
        minute = dt.timedelta(minutes=1)
        before = list(service.reminders_of(each, now=morning - minute))
        assert [row["data"]["days_left"] for row in before] in ([], DAYS[number - 1 : number])
        [due] = service.reminders_of(each, now=morning)
        assert due["data"]["days_left"] == DAYS[number]
    found: set[str] = set()
    start = wanted[0].replace(hour=0, minute=0) - dt.timedelta(days=5)
    for quarter in range(40 * 96):
        now = start + quarter * dt.timedelta(minutes=15)
        found |= {row["key"] for row in service.reminders_of(each, now=now)}
    assert len(found) == len(mornings)


async def track(client: httpx.AsyncClient, subject: str, award_id: str) -> None:
    new = {"scholarship_id": award_id, "reminders_days": DAYS}
    answer = await client.post(f"/api/v1/subjects/{subject}/applications", json=new)
    assert answer.status_code == 201, answer.text


async def reminded(client: httpx.AsyncClient, webhook: dict[str, Any]) -> list[tuple[str, str]]:
    answer = await client.get(f"{WEBHOOKS}/{webhook['id']}/deliveries?limit=200")
    items: list[dict[str, Any]] = answer.json()["items"]
    return [(each["event"], each["state"]) for each in items]


async def hooked(client: httpx.AsyncClient) -> dict[str, Any]:
    new = {"url": "https://hooks.example.org/", "events": ["application.reminder"]}
    webhook: dict[str, Any] = (await client.post(WEBHOOKS, json=new)).json()
    return webhook


def deadline_in(days: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=days)


def morning_before(deadline: dt.datetime, days: int) -> dt.datetime:
    day = deadline.date() - dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(8), dt.UTC)


async def tracked_until(
    api: Api, deadline: dt.datetime, subject: str
) -> tuple[httpx.AsyncClient, dict[str, Any], httpx.Response]:
    """A client with a webhook, whose subject tracks a new award; and the answer with the award."""
    client = await key_client(api, "webhooks:write", "subjects:read", "subjects:write")
    webhook = await hooked(client)
    award = await created(api.admin, application_deadline=deadline.isoformat())
    await track(client, subject, award.json()["id"])
    return client, webhook, award


async def move(api: Api, award: httpx.Response, deadline: dt.datetime) -> httpx.Response:
    fields = {"application_deadline": deadline.isoformat()}
    answer = await changed(api.admin, "PATCH", address(award), fields, award.headers["ETag"])
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.anyio
async def test_a_reminder_goes_once_to_the_webhooks_of_the_client_alone(api: Api) -> None:
    own, other = [
        await key_client(api, "webhooks:write", "subjects:read", "subjects:write") for _ in range(2)
    ]
    webhook, foreign = await hooked(own), await hooked(other)
    admins = await hooked(api.admin.client)
    deadline = deadline_in(40)
    award = await created(api.admin, application_deadline=deadline.isoformat())
    await track(own, "student-1", award.json()["id"])
    database = api.app.state.database
    for _ in range(2):
        await service.remind(database, now=morning_before(deadline, 14))
    assert await reminded(own, webhook) == [("application.reminder", "pending")]
    assert await reminded(other, foreign) == []
    assert await reminded(api.admin.client, admins) == []
    await service.remind(database, now=morning_before(deadline, 3))
    assert len(await reminded(own, webhook)) == 2


@pytest.mark.anyio
async def test_a_deadline_that_moves_is_reminded_of_anew(api: Api) -> None:
    first = deadline_in(40)
    client, webhook, award = await tracked_until(api, first, "student-2")
    database = api.app.state.database
    await service.remind(database, now=morning_before(first, 14))
    later = first + dt.timedelta(days=10)
    await move(api, award, later)
    await service.remind(database, now=morning_before(first, 3))
    assert len(await reminded(client, webhook)) == 1
    await service.remind(database, now=morning_before(later, 14))
    assert len(await reminded(client, webhook)) == 2


@pytest.mark.anyio
async def test_a_deadline_that_moves_there_and_back_on_one_day_is_reminded_of_once(
    api: Api,
) -> None:
    first = deadline_in(40)
    client, webhook, award = await tracked_until(api, first, "student-5")
    database = api.app.state.database
    now = morning_before(first, 14)
    await service.remind(database, now=now)
    for deadline in (first + dt.timedelta(days=10), first):
        award = await move(api, award, deadline)
        now += dt.timedelta(hours=1)
        await service.remind(database, now=now)
    assert len(await reminded(client, webhook)) == 1


@pytest.mark.anyio
async def test_an_award_that_is_removed_and_tracked_again_is_reminded_of_once(api: Api) -> None:
    deadline = deadline_in(40)
    client, webhook, award = await tracked_until(api, deadline, "student-6")
    now = morning_before(deadline, 14)
    await service.remind(api.app.state.database, now=now)
    applications = "/api/v1/subjects/student-6/applications"
    [row] = (await client.get(applications)).json()["items"]
    removed = await client.delete(f"{applications}/{row['id']}", headers={"If-Match": "*"})
    assert removed.status_code == 204
    await track(client, "student-6", award.json()["id"])
    await service.remind(api.app.state.database, now=now + dt.timedelta(hours=1))
    assert len(await reminded(client, webhook)) == 1


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["submitted", "withdrawn"])
async def test_what_was_handed_in_is_not_reminded_of(api: Api, status: str) -> None:
    client = await key_client(api, "webhooks:write", "subjects:read", "subjects:write")
    webhook = await hooked(client)
    deadline = deadline_in(40)
    award = await created(api.admin, application_deadline=deadline.isoformat())
    new = {"scholarship_id": award.json()["id"], "reminders_days": DAYS, "status": status}
    answer = await client.post("/api/v1/subjects/student-3/applications", json=new)
    assert answer.status_code == 201, answer.text
    await service.remind(api.app.state.database, now=morning_before(deadline, 14))
    assert await reminded(client, webhook) == []


@pytest.mark.anyio
async def test_a_subject_that_is_erased_leaves_no_alert_and_no_message(
    api: Api, module_database_url: str
) -> None:
    deadline = deadline_in(40)
    subject = f"marker-{uuid.uuid4().hex}"
    client, webhook, award = await tracked_until(api, deadline, subject)
    await service.remind(api.app.state.database, now=morning_before(deadline, 14))
    assert len(await reminded(client, webhook)) == 1
    gone = await client.delete(f"/api/v1/subjects/{subject}")
    assert gone.status_code == 204
    assert await reminded(client, webhook) == []
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        for table in ("alerts", "webhook_deliveries"):
            left = connection.execute(
                f"SELECT count(*) FROM {table} AS row WHERE row::text LIKE %s",
                [f"%{award.json()['id']}%"],
            ).fetchone()
            assert left == (0,), table


@pytest.mark.anyio
async def test_a_moved_deadline_is_an_alert_of_those_who_track_it(
    api: Api, module_database_url: str
) -> None:
    client = await key_client(api, "subjects:read", "subjects:write")
    award = await created(api.admin, application_deadline=deadline_in(40).isoformat())
    award_id = award.json()["id"]
    await track(client, "student-4", award_id)
    fields = {"application_deadline": deadline_in(50).isoformat()}
    await changed(api.admin, "PATCH", address(award), fields, award.headers["ETag"])
    await api.reader.client.get("/api/v1/changes?from_now=true")  # extends the outbox
    while await service.follow_changes(api.app.state.database):
        pass
    with psycopg.connect(module_database_url.replace("+psycopg", "")) as connection:
        found = connection.execute(
            "SELECT data FROM alerts WHERE event = 'application.deadline_moved'"
            " AND data ->> 'scholarship_id' = %s",
            [award_id],
        ).fetchone()
    assert found is not None
    data = found[0]
    assert dt.datetime.fromisoformat(data["to"]) > dt.datetime.fromisoformat(data["from"])
