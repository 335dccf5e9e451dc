"""Real gunicorn with the bundled catalogue; how much is sent is for `make fuzz` to say."""

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
from tests.contract import Contract
from tests.deploy.gunicorn_server import (
    PRODUCTION,
    REPOSITORY,
    RunningServer,
    environment,
    running_server,
)
from tests.fuzz.amount import factor, seed

PASSWORD = "correct horse battery staple"
NOBODY = PRODUCTION["DATABASE_URL"]
UNLIMITED = "1000000/minute"
ANSWERED = "answered"


@dataclass(frozen=True)
class FuzzedService:
    server: RunningServer
    contract: Contract
    document: dict[str, Any]
    """The OpenAPI document."""
    token: str
    """An administrator's."""


def pytest_report_header() -> str:
    return f"fuzz: FUZZ_SEED={seed()} FUZZ_FACTOR={factor()}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was sent: the service's own count, in its log."""
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
        **{
            f"RATE_LIMIT_{group}": UNLIMITED
            for group in (
                *("SEARCH", "ELIGIBILITY", "SCHOLARSHIPS", "ANALYTICS"),
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
        yield FuzzedService(server, Contract(document), document, token)
        failed = [line for line in server.log.lines() if "exception" in line]
        assert not failed, failed[0]["exception"]
        assert not [line for line in server.log.named("request.finished") if line["status"] >= 500]


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
