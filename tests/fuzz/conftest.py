"""Real gunicorn with the bundled catalogue, for generated requests."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings
from tests.api_promises import ApiPromises
from tests.deploy.gunicorn_server import (
    PRODUCTION,
    REPOSITORY,
    RunningServer,
    environment,
    running_server,
)
from tests.fuzz.amount import factor, seed
from tests.wire import Answer

PASSWORD = "correct horse battery staple"
NOBODY = PRODUCTION["DATABASE_URL"]
UNLIMITED = "1000000/minute"
ANSWERED = "answered"


@dataclass(frozen=True)
class FuzzedService:
    server: RunningServer
    promises: ApiPromises
    document: dict[str, Any]
    """The OpenAPI document."""
    token: str
    """The token of an administrator."""


class Client:
    """Sends requests and checks each answer against the documentation."""

    def __init__(self, service: FuzzedService) -> None:
        self._promises = service.promises
        token = {"Authorization": f"Bearer {service.token}"}
        self._client = httpx.Client(base_url=service.server.url, headers=token, timeout=30)

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401
        answer = self._client.request(method, path, **how)
        raw = Answer(answer.status_code, answer.headers, answer.content)
        assert self._promises.faults(method, path, raw) == []
        assert answer.status_code < 500
        return answer

    def close(self) -> None:
        self._client.close()


def pytest_report_header() -> str:
    return f"fuzz: FUZZ_SEED={seed()} FUZZ_FACTOR={factor()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Number of requests, as counted in the log of the service."""
    answered = {
        report.nodeid: number
        for report in terminalreporter.getreports("")
        for name, number in report.user_properties
        if name == ANSWERED
    }
    if not answered:
        return
    terminalreporter.section("requests answered")
    for test, number in sorted(answered.items()):
        terminalreporter.line(f"{number:>8}  {test.rpartition('/')[2]}")
    terminalreporter.line(f"{sum(answered.values()):>8}  in all")


def command(*arguments: str, settings: dict[str, str], stdin: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "scholarship_api", *arguments],
        cwd=REPOSITORY,
        env=environment(settings, port=8000),
        input=stdin,
        stdout=subprocess.DEVNULL,
        text=True,
        check=True,
    )


@pytest.fixture(scope="module")
def fuzzed(module_database_url: str, redis_url: str) -> Iterator[FuzzedService]:
    settings = PRODUCTION | {
        "DATABASE_URL": module_database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "RATE_LIMIT_PER_MINUTE": "1000000",
        "TRUSTED_PROXY_IPS": "127.0.0.1",
        "MAX_REQUESTS": "0",
        # As long as the runs take on a slow machine; the allowed maximum.
        "ACCESS_TOKEN_EXPIRE_MINUTES": "1440",
        **{
            f"RATE_LIMIT_{group}": UNLIMITED
            for group in (
                *("SEARCH", "ELIGIBILITY", "SCHOLARSHIPS", "ANALYTICS", "STUDENTS"),
                *("LOGIN_ACCOUNT", "LOGIN_ADDRESS"),
            )
        },
    }
    catalogue = REPOSITORY / "scholarship_api" / "sample_data" / "catalogue.ndjson"
    command("import", str(catalogue), settings=settings)
    name = f"fuzzer-{os.getpid()}"
    create = ("users", "create", name, "--role", "admin", "--password-stdin")
    command(*create, settings=settings, stdin=PASSWORD)
    document = create_app(Settings(environment="test", database_url=SecretStr(NOBODY))).openapi()
    with running_server(settings) as server:
        credentials = {"username": name, "password": PASSWORD}
        login = httpx.post(f"{server.url}/api/v1/auth/login-simple", json=credentials)
        token = login.raise_for_status().json()["access_token"]
        yield FuzzedService(server, ApiPromises(document), document, token)
        failed = [line for line in server.log.lines() if "exception" in line]
        assert not failed, failed[0]["exception"]
        assert not [line for line in server.log.named("request.finished") if line["status"] >= 500]


@pytest.fixture(scope="module")
def client(fuzzed: FuzzedService) -> Iterator[Client]:
    client = Client(fuzzed)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def answered(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Iterator[None]:
    """Count what the service answers during a test that uses it."""
    if "fuzzed" not in request.fixturenames:
        yield
        return
    service: FuzzedService = request.getfixturevalue("fuzzed")

    def count() -> int:
        return service.server.log.text().count('"event":"request.finished"')

    before = count()
    yield
    record_property(ANSWERED, count() - before)
