"""A whole story on real processes: an API with two workers, two job workers, and real receivers."""

import asyncio
import datetime as dt
import functools
import json
import secrets
import signal
import subprocess
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP

from scholarship_api.accounts import service as accounts
from scholarship_api.accounts.passwords import hash_password
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.schemas import NewAccount
from scholarship_api.platform.database import migrations
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.deploy.gunicorn_server import running_server
from tests.mail.conftest import MailServer, link_in, text_of
from tests.webhooks.receiver import Receiver, receiving
from tests.worker.conftest import until, worker_process
from tests.worker.test_deliveries import ALL

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.server]

PASSWORD = "correct horse battery staple"
API = "/api/v1"
OF_SUBJECTS = ["application.reminder", "saved_search.matched"]


@functools.cache  # one zone for the whole story, also when an hour ends meanwhile
def zone_where_it_is_day() -> dt.timezone:
    """A zone of whole hours where it is between 12:00 and 13:00, so that mornings are over."""
    return dt.timezone(dt.timedelta(hours=12 - dt.datetime.now(dt.UTC).hour))


def name_of(zone: dt.timezone) -> str:
    hours = int(zone.utcoffset(None).total_seconds() // 3600)
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    received = MailServer()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(received, hostname="mail.test"), "127.0.0.1", 0
    )
    async with server:
        received.port = server.sockets[0].getsockname()[1]
        yield received


@contextmanager
def two_workers(environment: dict[str, str]) -> Iterator[list["subprocess.Popen[str]"]]:
    with ExitStack() as stack:
        workers = [stack.enter_context(worker_process(environment)) for _ in range(2)]
        for worker in workers:
            # Before that, SIGTERM ends the process in the middle of its imports.
            assert worker.stdout is not None
            assert any("worker.started" in line for line in worker.stdout)
        yield workers


def stop(processes: list["subprocess.Popen[str]"]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output


async def make_accounts(url: str, key: str) -> dict[str, str]:
    """An administrator and a student; returns their names."""
    settings = Settings.model_validate(
        {"environment": "test", "database_url": url, "jwt_secret_key": key}
    )
    database = Database(settings)
    names = {}
    password_hash = hash_password(PASSWORD)
    for role in (Role.ADMIN, Role.STUDENT):
        names[role.value] = f"{role.value}-{uuid.uuid4().hex}"
        async with database.write_session() as session:
            new = NewAccount(role=role, username=names[role.value])
            await accounts.create(session, new=new, password_hash=password_hash)
    await database.close()
    return names


async def logged_in(url: str, username: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=60)
    answer = await client.post(
        f"{API}/auth/login-simple", json={"username": username, "password": PASSWORD}
    )
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return client


async def ok(answer: httpx.Response) -> Any:  # noqa: ANN401 - JSON
    assert answer.is_success, (answer.request.url, answer.text)
    is_json = answer.headers.get("content-type", "").startswith("application/json")
    return answer.json() if is_json else None


def decoded(receiver: Receiver) -> list[tuple[str, str]]:
    """Event and award of each message; new results of a saved search are an event for each."""
    bodies = [json.loads(message.body) for message in receiver.messages]
    return [
        (body["type"].rpartition(".")[2], award_id)
        for body in bodies
        for award_id in body["data"].get("scholarship_ids") or [body["data"]["scholarship_id"]]
    ]


async def test_each_message_arrives_once_and_none_else(
    scratch_database_url: str, redis_url: str
) -> None:
    key = secrets.token_hex(40)
    await asyncio.to_thread(migrations.upgrade, scratch_database_url)
    names = await make_accounts(scratch_database_url, key)
    async with AsyncExitStack() as clients, mail_server() as mails, receiving() as receiver:
        environment = {
            "ENVIRONMENT": "test",
            "DATABASE_URL": scratch_database_url,
            "RATE_LIMIT_BACKEND_URL": redis_url,
            "RATE_LIMIT_ENABLED": "false",
            "JWT_SECRET_KEY": key,
            "WEB_CONCURRENCY": "2",
            "WEBHOOK_ALLOW_PRIVATE": "true",
            "WORKER_PORT": "0",
            "SMTP_URL": f"smtp+insecure://127.0.0.1:{mails.port}",
            "SMTP_FROM": "noreply@example.org",
            "PUBLIC_BASE_URL": "https://api.example.org",
        }
        with ExitStack() as stack:
            context = running_server(environment)
            server = await asyncio.to_thread(stack.enter_context, context)
            admin = await logged_in(server.url, names["admin"])
            student = await logged_in(server.url, names["student"])
            platform = await platform_client(admin, server.url)
            for client in (admin, student, platform):
                clients.push_async_callback(client.aclose)
            cursor = (await ok(await admin.get(f"{API}/changes?from_now=true")))["next_cursor"]
            await set_up(platform, student, receiver)
            with two_workers(environment) as workers:
                await until(lambda: mails.mails)
                link = link_in(mails.mails[0], "confirm-email")
                await ok(await admin.post(link))
                await asyncio.to_thread(stop, workers)
            await change_awards(admin, platform, student)
            with two_workers(environment) as workers:
                await until(lambda: len(decoded(receiver)) >= len(EXPECTED))
                await until(lambda: len(mails.mails) >= 2)
                await ok(await admin.post(f"{API}/scholarships", json=award("last", None)))
                await until(lambda: {*LAST} <= {*decoded(receiver)})
                await asyncio.to_thread(stop, workers)
            await check_feed(admin, cursor)
            await check_tracker(student)
    assert Counter(decoded(receiver)) == Counter([*EXPECTED, *LAST])
    ids = Counter(message.headers["webhook-id"] for message in receiver.messages)
    assert set(ids.values()) == {1}
    for name in "abcd":
        own = [event for event, award_id in decoded(receiver) if award_id == name]
        own = [event for event in own if event not in {"reminder", "matched"}]
        assert own == [event for event, award_id in EXPECTED if award_id == name][: len(own)]
    assert mails.recipients == ["student@example.org"] * 2
    assert text_of(mails.mails[1]).count("Award a ") == 1


EXPECTED = [
    *(("published", "a"), ("closing_soon", "a")),
    *(("published", "b"), ("updated", "b"), ("updated", "b"), ("deadline_changed", "b")),
    *(("published", "c"), ("updated", "c"), ("deadline_changed", "c"), ("closed", "c")),
    *(("published", "d"), ("archived", "d")),
    *(("reminder", "a"), ("matched", "a"), ("matched", "b")),
]
"""The messages of the platform, those of one award in their order."""

LAST = [("published", "last"), ("matched", "last")]
"""The messages about the award that is added at the end."""


def deadline(days: int) -> str:
    """18:00 on a day from today on, in the zone of the story."""
    zone = zone_where_it_is_day()
    day = dt.datetime.now(zone).date() + dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(18), zone).isoformat()


def award(award_id: str, days: int | None) -> dict[str, Any]:
    new = {
        "id": award_id,
        "name": f"Award {award_id}",
        "organization": "Acme Trust",
        "scholarship_type": "merit_based",
    }
    if days is None:
        return new
    zone = name_of(zone_where_it_is_day())
    return {**new, "application_deadline": deadline(days), "deadline_timezone": zone}


async def platform_client(admin: httpx.AsyncClient, url: str) -> httpx.AsyncClient:
    scopes = ["webhooks:write", "subjects:read", "subjects:write"]
    new = {"name": "platform", "scopes": scopes}
    key = await ok(await admin.post(f"{API}/api-keys", json=new))
    headers = {"Authorization": f"Bearer {key['secret']}"}
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=60, headers=headers)


async def set_up(
    platform: httpx.AsyncClient, student: httpx.AsyncClient, receiver: Receiver
) -> None:
    """A webhook, a subject with a profile and three saved searches, a student with an address."""
    await ok(
        await platform.post(
            f"{API}/webhooks", json={"url": receiver.url, "events": [*ALL, *OF_SUBJECTS]}
        )
    )
    profile = {"gpa": 3.5, "timezone": name_of(zone_where_it_is_day())}
    subject = f"{API}/subjects/one"
    await ok(await platform.put(f"{subject}/profile", json=profile))
    for words, channel in (("award", "none"), ("nursing", "webhook"), ("acme", "webhook")):
        notify = {"channel": channel, "frequency": "immediate"}
        search = {"name": words, "query": {"q": words}, "notify": notify}
        await ok(await platform.post(f"{subject}/saved-searches", json=search))
    await ok(await student.put(f"{API}/me/profile", json=profile))
    search = {"name": "Mine", "query": {"q": "acme"}, "notify": {"channel": "email"}}
    await ok(await student.post(f"{API}/me/saved-searches", json=search))
    await ok(await student.put(f"{API}/me/email", json={"email": "student@example.org"}))


async def change_awards(
    admin: httpx.AsyncClient, platform: httpx.AsyncClient, student: httpx.AsyncClient
) -> None:
    """Import awards, track some, and change, move, close and archive them."""
    lines = [
        json.dumps(award(name, days)) for name, days in zip("abcd", (3, 60, 60, 60), strict=True)
    ]
    headers = {"Content-Type": "application/x-ndjson"}
    report = await ok(
        await admin.post(f"{API}/scholarships/import", content="\n".join(lines), headers=headers)
    )
    assert report["created"] == 4
    tracked = {"scholarship_id": "a", "reminders_days": [3]}
    await ok(await platform.post(f"{API}/subjects/one/applications", json=tracked))
    await ok(await student.post(f"{API}/me/applications", json=tracked))
    for name in "bd":
        await ok(await student.post(f"{API}/me/applications", json={"scholarship_id": name}))
    for name, fields in (
        ("b", {"description": "Changed."}),
        ("b", {"application_deadline": deadline(70)}),
        ("c", {"application_deadline": deadline(-2)}),
    ):
        any_version = {"If-Match": "*"}
        url = f"{API}/scholarships/{name}"
        await ok(await admin.patch(url, json=fields, headers=any_version))
    await ok(await admin.delete(f"{API}/scholarships/d", headers={"If-Match": "*"}))


async def check_feed(admin: httpx.AsyncClient, cursor: str) -> None:
    page = await ok(await admin.get(f"{API}/changes?cursor={cursor}&limit=1000"))
    found = Counter((item["action"], item["scholarship_id"]) for item in page["items"])
    names = {"published": "created", "updated": "updated", "archived": "archived"}
    wanted = [(names[event], award_id) for event, award_id in EXPECTED if event in names]
    assert found == Counter([*wanted, ("created", "last")])


async def check_tracker(student: httpx.AsyncClient) -> None:
    page = await ok(await student.get(f"{API}/me/applications"))
    states = {item["scholarship_id"]: item["award"]["state"] for item in page["items"]}
    assert states == {"a": "published", "b": "published", "d": "archived"}
