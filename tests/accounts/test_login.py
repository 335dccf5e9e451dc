import statistics
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping

import httpx
import pytest
from fastapi import FastAPI
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import func, select

from scholarship_api.accounts import queries, service
from scholarship_api.accounts.models import Account
from scholarship_api.accounts.roles import Role
from scholarship_api.platform.database import migrations
from scholarship_api.platform.database.engine import Database
from scholarship_api.settings.settings import Settings
from tests.accounts.conftest import PASSWORD, MakeAccount, changed, connected, running

pytestmark = pytest.mark.anyio

LogIn = Callable[[httpx.AsyncClient, str, str], Awaitable[httpx.Response]]
WRONG = "incorrect horse battery staple"


async def by_form(client: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    form = {"username": username, "password": password}
    return await client.post("/api/v1/auth/login", data=form)


async def by_json(client: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    body = {"username": username, "password": password}
    return await client.post("/api/v1/auth/login-simple", json=body)


@pytest.fixture(params=[by_form, by_json])
def log_in(request: pytest.FixtureRequest) -> LogIn:
    chosen: LogIn = request.param
    return chosen


@pytest.mark.slow
async def test_a_fresh_installation_has_no_account(
    settings: Settings, scratch_database_url: str
) -> None:
    migrations.upgrade(scratch_database_url)
    fresh = changed(settings, database_url=scratch_database_url)
    async with running(fresh) as app, connected(app) as client:
        async with app.state.database.read_session() as session:
            assert await session.scalar(select(func.count()).select_from(Account)) == 0
        for username in ("admin", "partner", "readonly", "student", "test", "root"):
            for password in (username, f"{username}123", "password", "changeme"):
                assert (await by_json(client, username, password)).status_code == 401


async def test_the_right_password_gets_a_token(
    client: httpx.AsyncClient, make_account: MakeAccount, log_in: LogIn
) -> None:
    account = await make_account(Role.PARTNER)
    for username in (account.username, account.username.upper()):
        answer = await log_in(client, username, PASSWORD)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        body = answer.json()
        assert set(body) == {"access_token", "token_type", "expires_in"}
        assert body["token_type"] == "bearer"
        assert body["expires_in"] == 30 * 60
        me = await client.get(
            "/api/v1/auth/me", headers={"Authorization": f"Bearer {body['access_token']}"}
        )
        assert me.json()["username"] == account.username


async def test_every_failed_login_gets_the_same_answer(
    client: httpx.AsyncClient, make_account: MakeAccount, database: Database, log_in: LogIn
) -> None:
    known = await make_account()
    disabled = await make_account()
    async with database.write_session() as session:
        await service.disable(session, account=disabled)
    answers = [
        await log_in(client, known.username, WRONG),
        await log_in(client, f"nobody-{uuid.uuid4().hex}", PASSWORD),
        await log_in(client, disabled.username, PASSWORD),
        await log_in(client, disabled.username, WRONG),
        await log_in(client, known.username, PASSWORD + " "),
        await log_in(client, known.username, PASSWORD.upper()),
        await log_in(client, "' OR 1=1 --", PASSWORD),
        await log_in(client, "\U0001f511", PASSWORD),
        await log_in(client, "%", PASSWORD),
    ]
    seen = []
    for answer in answers:
        assert answer.status_code == 401
        assert answer.headers["Cache-Control"] == "no-store"
        changing = {"trace_id": "", "timestamp": 0}
        headers = Counter(name for name in answer.headers if not name.startswith("x-ratelimit"))
        seen.append((answer.json() | changing, headers, answer.headers["WWW-Authenticate"]))
    assert all(each == seen[0] for each in seen)


@pytest.mark.parametrize(
    "password",
    ["", "a\0b", "x" * 5000, "x" * 1025, "\u00e9" * 513, "\U0001f511" * 257, "\0"],
    ids=["empty", "nul", "5000", "1025", "1026 bytes", "1028 bytes", "only nul"],
)
async def test_passwords_that_are_too_long_or_malformed_are_refused(
    client: httpx.AsyncClient, make_account: MakeAccount, log_in: LogIn, password: str
) -> None:
    answer = await log_in(client, (await make_account()).username, password)
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "VALIDATION_ERROR"
    assert [field["field"] for field in body["details"]["fields"]] == ["password"]
    if len(password) > 1:
        assert password not in answer.text


async def test_unusual_passwords_are_just_wrong(
    client: httpx.AsyncClient, make_account: MakeAccount, log_in: LogIn
) -> None:
    username = (await make_account()).username
    for password in ("\U0001f511" * 256, "x" * 1024, "\x01\x7f", "\u202e", "%00", "\\u0000", "{}"):
        assert (await log_in(client, username, password)).status_code == 401


async def test_unusual_usernames_are_refused_or_unknown(
    client: httpx.AsyncClient, log_in: LogIn
) -> None:
    for username in ("", "a\0b", "x" * 151, "a\nb", "\x7f"):
        answer = await log_in(client, username, PASSWORD)
        assert answer.status_code == 422
        assert [field["field"] for field in answer.json()["details"]["fields"]] == ["username"]


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"username": "a", "password": "\\ud800"}', "application/json", 422),
        (b'{"username": "\\ud800", "password": "a"}', "application/json", 422),
        (b'{"username": "a", "password": ', "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b'{"username": 1, "password": ["a"]}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b"[" * 60_000, "application/json", 422),
        (b"{}", "application/json", 422),
        (b"", "application/json", 422),
        (b'{"username": "a", "password": "b"}', "text/plain", 415),
        (b'{"username": "a", "password": "b"}', "", 415),
    ],
)
async def test_malformed_json_is_refused(
    client: httpx.AsyncClient, body: bytes, media_type: str, status: int
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await client.post("/api/v1/auth/login-simple", content=body, headers=headers)
    assert answer.status_code in {status, 400}
    assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"username=a&password=%FF", "application/x-www-form-urlencoded", 401),
        (b"username=a&password=%ED%A0%80", "application/x-www-form-urlencoded", 401),
        (b"username=a&password=b&grant_type=implicit", "application/x-www-form-urlencoded", 422),
        (b"username=a", "application/x-www-form-urlencoded", 422),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"&".join([b"a=1"] * 5000), "application/x-www-form-urlencoded", 400),
        (b'{"username": "a", "password": "b"}', "application/json", 415),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
        (b"junk", "multipart/form-data", 415),
        (b"username=a&password=b", "", 415),
    ],
)
async def test_malformed_forms_are_refused(
    client: httpx.AsyncClient, body: bytes, media_type: str, status: int
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = await client.post("/api/v1/auth/login", content=body, headers=headers)
    assert answer.status_code in {status, 400}
    assert answer.json()["status"] == answer.status_code


async def test_other_fields_of_oauth2_clients_are_ignored(
    client: httpx.AsyncClient, make_account: MakeAccount
) -> None:
    form = {
        "grant_type": "password",
        "username": (await make_account()).username,
        "password": PASSWORD,
        "scope": "scholarships:write",
        "client_id": "",
        "client_secret": "",
    }
    assert (await client.post("/api/v1/auth/login", data=form)).status_code == 200


async def test_an_outdated_hash_is_replaced_at_the_next_login(
    client: httpx.AsyncClient, make_account: MakeAccount, database: Database
) -> None:
    account = await make_account()
    weak = Argon2Hasher(memory_cost=1024, time_cost=1, parallelism=1).hash(PASSWORD)
    async with database.write_session() as session:
        await queries.update_account(session, account.id, {"password_hash": weak})
    token = (await by_json(client, account.username, PASSWORD)).json()["access_token"]
    async with database.read_session() as session:
        now = await service.get(session, username=account.username)
    assert now.password_hash != weak
    assert "m=19456" in now.password_hash
    me = await client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200
    assert (await by_json(client, account.username, PASSWORD)).status_code == 200


# --- Duration ------------------------------------------------------------------------------------


async def medians(
    attempts: Mapping[str, Callable[[], Awaitable[object]]], rounds: int
) -> list[float]:
    """Seconds of CPU of each login, which other work on the machine changes little. The kinds take
    turns."""
    seconds: dict[str, list[float]] = {name: [] for name in attempts}
    for _ in range(rounds):
        for name, attempt in attempts.items():
            started_at = time.process_time()
            await attempt()
            seconds[name].append(time.process_time() - started_at)
    return [statistics.median(values) for values in seconds.values()]


@pytest.mark.slow
async def test_the_time_of_a_login_does_not_tell_whether_the_account_exists(
    app: FastAPI,
    make_account: MakeAccount,
    database: Database,
    record_property: Callable[[str, object], None],
) -> None:
    """Up to three measurements, because the machine may be busy.

    Without the work for unknown users they would be answered more than five times as fast, in each
    measurement.
    """
    known, disabled = (await make_account()).username, await make_account()
    async with database.write_session() as session:
        await service.disable(session, account=disabled)
    differences = []
    async with connected(app) as client:
        attempts = {
            "wrong": lambda: by_json(client, known, WRONG),
            "unknown": lambda: by_json(client, f"nobody-{uuid.uuid4().hex}", WRONG),
            "disabled": lambda: by_json(client, disabled.username, PASSWORD),
        }
        await medians(attempts, 2)
        for _ in range(3):
            wrong, *others = await medians(attempts, 30)
            differences.append(max(abs(other / wrong - 1) for other in others))
            if differences[-1] < 0.2:
                break
    record_property("differences of the medians", differences)
    assert differences[-1] < 0.2
