"""Defects of earlier services of this kind. Each has one test here, named after the defect.

Other tests cover them in more depth. These look at each once more, from outside, so that one file
shows that none of them is present.
"""

import ast
import asyncio
import base64
import datetime as dt
import hashlib
import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

import scholarship_api
from scholarship_api.accounts import passwords
from scholarship_api.settings.settings import Settings, SettingsError
from tests.catalogue.api import AWARDS, Api, new_award
from tests.catalogue.api import created as create_award
from tests.faults import FaultyProxy, eventually, postgres_socket, through_proxy
from tests.security.conftest import (
    HOST,
    ORIGIN,
    PASSWORD,
    account,
    asleep,
    assert_error,
    awake,
    connect,
    created,
    log_in,
)

pytestmark = pytest.mark.anyio

SEARCH: Final = "/api/v1/search"
NOBODY_REDIS: Final = "redis://:Pl4nted@127.0.0.1:1/0"


# --- Accounts and tokens -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["admin", "partner", "readonly", "test", "demo", "root"])
async def test_built_in_accounts(client: httpx.AsyncClient, name: str) -> None:
    for password in (name, f"{name}123", "password", "admin123", "changeme", "secret"):
        assert_error(await log_in(client, name, password), 401, "UNAUTHORIZED")


async def test_auth_dependencies_that_do_not_run(api: Api) -> None:
    document = api.app.openapi()
    for number, (path, operations) in enumerate(document["paths"].items()):
        # An address for each path, as each refused credential counts for its address.
        async with connect(api.app, address=f"203.0.113.{number}") as client:
            await assert_credentials_are_required(client, path, operations)


async def assert_credentials_are_required(
    client: httpx.AsyncClient, path: str, operations: dict[str, Any]
) -> None:
    for method, operation in operations.items():
        if not operation.get("security") or {} in operation["security"]:
            continue
        target = re.sub(r"\{.*?\}", "00000000-0000-0000-0000-000000000000", path)
        media_type = next(iter(operation.get("requestBody", {}).get("content", {"": ""})))
        for token in (None, "Bearer nonsense", f"Bearer {'a' * 20}.{'b' * 20}.{'c' * 20}"):
            headers = {"Content-Type": media_type} | ({"Authorization": token} if token else {})
            answer = await client.request(
                method, target, headers=headers, content=b"{}" if media_type else b""
            )
            assert_error(answer, 401, "UNAUTHORIZED")
            assert "www-authenticate" in answer.headers


async def test_rate_limit_keys_taken_from_unverified_tokens(production: dict[str, Any]) -> None:
    app = created(production, rate_limit_search="2/minute")
    async with awake(app, address="203.0.113.51") as client:
        statuses = []
        for number in range(4):
            claims = base64.urlsafe_b64encode(b'{"sub":"user-%d"}' % number).decode().rstrip("=")
            token = {"Authorization": f"Bearer eyJhbGciOiJIUzI1NiJ9.{claims}.c2ln"}
            statuses.append((await client.get(SEARCH, headers=token)).status_code)
    assert statuses[2:] == [429, 429]


async def test_rate_limit_keys_taken_from_the_leftmost_forwarded_for(
    production: dict[str, Any],
) -> None:
    app = created(production, rate_limit_search="2/minute", trusted_proxy_ips="203.0.113.9")
    async with awake(app) as proxy:
        chains = [f"198.51.100.{number}, 192.0.2.77" for number in range(4)]
        answers = [await proxy.get(SEARCH, headers={"X-Forwarded-For": one}) for one in chains]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]


async def test_user_enumeration_by_login_timing(
    api: Api, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both logins get the same answer after one verification with the same parameters."""
    name = await account(api)
    verified: list[str] = []
    hasher = passwords._argon2id

    class Counting:
        def verify_and_update(self, password: str, password_hash: str) -> tuple[bool, str | None]:
            verified.append(password_hash.rpartition("$")[0].rpartition("$")[0])
            return hasher.verify_and_update(password, password_hash)

    monkeypatch.setattr(passwords, "_argon2id", Counting())
    answers = [await log_in(client, who, "not the password") for who in (name, f"no-{name}")]
    bodies = [assert_error(answer, 401, "UNAUTHORIZED") for answer in answers]
    assert bodies[0]["message"] == bodies[1]["message"]
    assert len(verified) == 2
    assert verified[0] == verified[1]


@pytest.mark.parametrize("limit", ["rate_limit_login_account", "rate_limit_login_address"])
async def test_unthrottled_login(production: dict[str, Any], limit: str) -> None:
    app = created(production, **{limit: "3/minute"})
    async with awake(app, address="203.0.113.52") as client:
        answers = [await log_in(client, f"throttled-by-{limit}", f"wrong {n}") for n in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert_error(answers[-1], 429, "RATE_LIMITED")
    assert int(answers[-1].headers["retry-after"]) >= 1


@pytest.mark.parametrize("password", ["x" * 5000, "\0", f"a{PASSWORD}\0", "é" * 2500, ""])
async def test_long_or_nul_passwords_giving_500(
    api: Api, client: httpx.AsyncClient, password: str
) -> None:
    name = await account(api)
    assert_error(await log_in(client, name, password), 422, "VALIDATION_ERROR")
    form = {"username": name, "password": password}
    answer = await client.post("/api/v1/auth/login", data=form)
    assert_error(answer, 422, "VALIDATION_ERROR")


async def test_caller_chosen_user_ids_in_analytics(api: Api) -> None:
    award = (await create_award(api.partner)).json()["id"]
    interaction = {"scholarship_id": award, "type": "saved"}
    for name in ("user_id", "account_id", "username"):
        chosen = {**interaction, name: str(api.admin.id)}
        answer = await api.student.client.post("/api/v1/interactions", json=chosen)
        assert_error(answer, 422, "VALIDATION_ERROR")
    answer = await api.student.client.post(
        "/api/v1/interactions", params={"user_id": str(api.admin.id)}, json=interaction
    )
    assert answer.status_code == 201
    admins = await api.admin.client.get(f"/api/v1/analytics/user/{api.admin.id}")
    assert award not in admins.text


# --- Limits --------------------------------------------------------------------------------------


async def test_a_silent_in_memory_limiter_in_production(production: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="RATE_LIMIT_BACKEND_URL"):
        created(production, rate_limit_backend_url="")
    with pytest.raises(SettingsError, match="DISABLE_RATE_LIMIT_BACKEND"):
        created(production, disable_rate_limit_backend=True)
    app = created(production, rate_limit_backend_url=NOBODY_REDIS)
    async with asleep(app) as client:
        assert_error(await client.get(SEARCH), 503, "SERVICE_UNAVAILABLE")
        assert_error(await client.get("/readyz"), 503, "SERVICE_UNAVAILABLE")


async def test_limiter_or_error_handlers_that_themselves_fail_with_500(
    production: dict[str, Any],
) -> None:
    """A limiter without its backend, its refusals, and values that JSON cannot hold."""
    app = created(production, rate_limit_backend_url=NOBODY_REDIS)
    async with asleep(app) as client:
        answers = [await client.get(SEARCH) for _ in range(5)]  # the breaker has opened
        assert {answer.status_code for answer in answers} == {503}
    app = created(production, rate_limit_search="1/minute")
    async with awake(app, address="203.0.113.53") as client:
        assert (await client.get(SEARCH)).status_code == 200
        assert_error(await client.get(SEARCH), 429, "RATE_LIMITED")
    app = created(production)
    async with awake(app) as client:
        json = {"Content-Type": "application/json"}
        for body in (b'{"q": "\\ud800"}', b'{"min_amount": NaN}', b'{"limit": 1e999}', b"\xff"):
            answer = await client.post(SEARCH, content=body, headers=json)
            assert answer.status_code in {400, 422}, answer.text


async def test_chunked_bodies_past_the_size_limit(client: httpx.AsyncClient) -> None:
    async def chunks() -> Any:  # noqa: ANN401 - an async generator
        for _ in range(40):
            yield b" " * 65_536

    json = {"Content-Type": "application/json"}
    answer = await client.post(SEARCH, content=chunks(), headers=json)
    assert "content-length" not in answer.request.headers
    assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


# --- Probes and errors ---------------------------------------------------------------------------


async def test_health_endpoints_that_check_nothing(production: dict[str, Any]) -> None:
    url = production["database_url"]
    with FaultyProxy(postgres_socket(url)) as proxy:
        async with awake(created(production, database_url=through_proxy(url, proxy))) as client:

            async def answers(status: int) -> bool:
                paths = ("/health/database", "/health/services", "/readyz")
                return {(await client.get(path)).status_code for path in paths} == {status}

            assert await answers(200)
            proxy.set("refuse")
            assert await eventually(lambda: answers(503), seconds=5)
            assert (await client.get("/healthz")).status_code == 200
            body = assert_error(await client.get("/readyz"), 503, "SERVICE_UNAVAILABLE")
            services = body["details"]["services"]
            assert (services["database"]["status"], services["rate_limiter"]["status"]) == (
                "down",
                "up",
            )


async def test_health_endpoints_that_leak_driver_text_and_host_names(
    production: dict[str, Any],
) -> None:
    app = created(
        production,
        database_url="postgresql://secret-role:secret-word@secret-host.invalid:5433/secret-name",
        rate_limit_backend_url="redis://:secret-word@secret-host.invalid:6380/0",
    )
    async with asleep(app) as client:
        for path in ("/health/database", "/health/services", "/readyz"):
            answer = await client.get(path)
            assert answer.status_code == 503
            assert not re.search(r"secret|psycopg|redis|connection|:\d{4}\b|\.py", answer.text)


ERRORS: Final = [
    ("GET", "/no/such/path", b"", 404, "NOT_FOUND"),
    ("GET", "/api/v1/scholarships/no-such-award", b"", 404, "NOT_FOUND"),
    ("DELETE", SEARCH, b"", 405, "METHOD_NOT_ALLOWED"),
    ("POST", "/healthz", b"", 405, "METHOD_NOT_ALLOWED"),
    ("POST", SEARCH, b" " * 1_048_577, 413, "PAYLOAD_TOO_LARGE"),
    ("GET", f"{SEARCH}?q={'a' * 2048}", b"", 414, "URI_TOO_LONG"),
]


async def test_404_405_413_414_with_another_shape(client: httpx.AsyncClient) -> None:
    for method, path, body, status, code in ERRORS:
        assert_error(await client.request(method, path, content=body), status, code)


async def test_cors_or_security_headers_missing_on_errors(client: httpx.AsyncClient) -> None:
    for method, path, body, status, code in ERRORS:
        answer = await client.request(method, path, content=body, headers={"Origin": ORIGIN})
        assert_error(answer, status, code)
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "Origin" in answer.headers["vary"]


async def test_cors_or_security_headers_missing_on_an_unhandled_fault(
    production: dict[str, Any],
) -> None:
    app = created(production)

    @app.get("/fault")
    async def fault() -> None:
        raise RuntimeError("the password is Pl4nted")

    async with awake(app) as client:
        answer = await client.get("/fault", headers={"Origin": ORIGIN})
    assert_error(answer, 500, "INTERNAL_ERROR")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "Pl4nted" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.invalid", "", "a b", "[::1", f"{HOST}.evil.invalid", "\xff"]
)
async def test_a_refused_host_giving_500(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get(SEARCH, headers={b"Host": host.encode("latin-1")})
    assert_error(answer, 400, "INVALID_HOST")


# --- Settings ------------------------------------------------------------------------------------


def test_comma_separated_lists_in_the_environment_that_crash_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "ENVIRONMENT": "test",
        "ALLOWED_HOSTS": "api.example.org, www.example.org,",
        "CORS_ALLOWED_ORIGINS": "https://a.example.org,https://b.example.org",
        "TRUSTED_PROXY_IPS": "10.0.0.0/8,2001:db8::/32",
        "JWT_PREVIOUS_SECRET_KEYS": "",
    }.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.allowed_hosts == ("api.example.org", "www.example.org")
    assert settings.cors_allowed_origins == ("https://a.example.org", "https://b.example.org")
    assert len(settings.trusted_proxy_ips) == 2
    assert settings.jwt_previous_secret_keys == ()


def test_settings_errors_that_print_secrets(production: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as raised:
        created(
            production,
            jwt_secret_key="Pl4nted",
            database_url="mysql://u:Pl4nted@db/x",
            rate_limit_backend_url="memcached://:Pl4nted@cache",
            metrics_token=["Pl4nted"],
            port="Pl4nted",
        )
    text = f"{raised.value} {raised.value!r}"
    assert "JWT_SECRET_KEY" in text
    assert "PORT" in text
    assert "Pl4nted" not in text


def test_settings_that_are_declared_and_never_read() -> None:
    package = Path(scholarship_api.__file__).parent
    read = {
        node.attr
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }
    assert Settings.model_fields.keys() - read == set()


# --- Searches and eligibility --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["deadline_after", "deadline_before"])
@pytest.mark.parametrize("value", ["2026-11-01T00:00:00+05:45", "2026-11-01T00:00:00Z"])
async def test_zone_aware_dates_giving_500(
    client: httpx.AsyncClient, name: str, value: str
) -> None:
    assert (await client.get(SEARCH, params={name: value})).status_code == 200
    assert (await client.post(SEARCH, json={name: value})).status_code == 200


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
async def test_nan_and_infinity_giving_500(client: httpx.AsyncClient, value: str) -> None:
    json = {"Content-Type": "application/json"}
    for name in ("min_amount", "max_amount", "min_gpa"):
        answer = await client.get(SEARCH, params={name: value})
        assert_error(answer, 422, "VALIDATION_ERROR")
        body = f'{{"{name}": {value}}}'.encode()
        answer = await client.post(SEARCH, content=body, headers=json)
        assert_error(answer, 422, "VALIDATION_ERROR")
    for name in ("gpa", "annual_income"):
        body = f'{{"{name}": {value}}}'.encode()
        answer = await client.post("/api/v1/eligibility/check", content=body, headers=json)
        assert_error(answer, 422, "VALIDATION_ERROR")


async def test_an_empty_profile_counted_as_eligible(client: httpx.AsyncClient) -> None:
    for body in ({}, {"gpa": None}):
        answer = await client.post("/api/v1/eligibility/check", json=body)
        assert_error(answer, 422, "VALIDATION_ERROR")
    answer = await client.post("/api/v1/scholarships/recommendations", json={"user_profile": {}})
    assert_error(answer, 422, "VALIDATION_ERROR")


async def test_expired_awards_recommended(api: Api) -> None:
    now = dt.datetime.now(dt.UTC)
    ids = []
    for days in (-1, 60):
        deadline = (now + dt.timedelta(days=days)).isoformat()
        answer = await create_award(api.partner, application_deadline=deadline)
        ids.append(answer.json()["id"])
    answer = await api.anonymous.post(
        "/api/v1/scholarships/recommendations",
        json={"user_profile": {"gpa": 3.9}, "limit": 50, "include_ineligible": True},
    )
    shown = {found["scholarship"]["id"] for found in answer.json()["recommendations"]}
    assert shown & set(ids) == {ids[1]}


async def test_max_amount_0_ignored(api: Api) -> None:
    for amount in (0, 500):
        await create_award(api.partner, name="Zqfree", amount=amount, currency="USD")
    answer = await api.anonymous.get(SEARCH, params={"q": "zqfree", "max_amount": 0})
    assert [item["amount"] for item in answer.json()["items"]] == [0]


async def test_like_wildcards_unescaped(api: Api) -> None:
    await create_award(api.partner, name="Zqplain award")
    for prefix in ("%", "_", "%plain", "zq_lain", "\\"):
        answer = await api.anonymous.get(f"{SEARCH}/suggestions", params={"prefix": prefix})
        assert answer.status_code in {200, 422}
        assert "Zqplain" not in answer.text
    for name in ("%", "Acme%", "Acme_Trust"):
        answer = await api.anonymous.get(f"{AWARDS}/organization/{name.replace('%', '%25')}")
        assert_error(answer, 404, "NOT_FOUND")


# --- The process ---------------------------------------------------------------------------------


async def test_start_up_and_shutdown_hooks_that_never_run(production: dict[str, Any]) -> None:
    app = created(production)
    before = asyncio.all_tasks()
    async with awake(app) as client:
        during = {task.get_name() for task in asyncio.all_tasks() - before}
        assert {"search recorder", "retention"} <= during
        assert (await client.get(SEARCH)).status_code == 200
        pool = app.state.database.engine.pool
        assert pool.checkedin() + pool.checkedout() > 0
    assert asyncio.all_tasks() - before == set()
    pool = app.state.database.engine.pool
    assert pool.checkedin() + pool.checkedout() == 0


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/docs/oauth2-redirect"])
async def test_docs_pages_broken_by_their_own_csp(production: dict[str, Any], path: str) -> None:
    """The policy allows each script and style of the page."""
    async with awake(created(production, enable_docs=True)) as client:
        page = await client.get(path)
        assert page.status_code == 200
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in page.headers["content-security-policy"].split(";")
        )
        for attributes, script in re.findall(
            r"<script([^>]*)>(.*?)</script>", page.text, re.DOTALL
        ):
            source = re.search(r'src="([^"]+)"', attributes)
            if source:
                assert "'self'" in policy["script-src"]
                assert not source[1].startswith(("http:", "https:", "//"))
                assert (await client.get(f"/{source[1]}")).status_code == 200
            else:
                digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
                assert f"'sha256-{digest}'" in policy["script-src"]


async def test_the_minimal_award_of_these_tests_is_accepted(api: Api) -> None:
    """So a refusal in these tests has the reason that the test names."""
    answer = await api.partner.client.post(AWARDS, json=new_award())
    assert answer.status_code == 201
