import json
import os
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console
from sqlalchemy import make_url

from scholarship_api.preflight.checks import CheckResult, all_passed, as_json, print_table

PROGRAM = """
import json, sys
from scholarship_api.preflight.checks import all_passed, as_json, run_checks
results = run_checks(**json.loads(sys.argv[1]))
print(as_json(results))
sys.exit(0 if all_passed(results) else 1)
"""
KEY = secrets.token_hex(48)


@dataclass
class Outcome:
    exit_code: int
    output: str

    @property
    def checks(self) -> dict[str, str]:
        return {check["name"]: check["outcome"] for check in self._body["checks"]}

    @property
    def details(self) -> dict[str, str]:
        return {check["name"]: check["detail"] for check in self._body["checks"]}

    @property
    def passed(self) -> bool:
        return bool(self._body["passed"])

    @property
    def _body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.output)
        return body


@pytest.fixture
def production(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "ENVIRONMENT": "production",
        "JWT_SECRET_KEY": KEY,
        "DATABASE_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "CORS_ALLOWED_ORIGINS": "https://app.example.org",
        "ALLOWED_HOSTS": "api.example.org",
        "TRUSTED_PROXY_IPS": "10.0.0.0/8",
        "WEB_CONCURRENCY": "2",
    }


def check(variables: dict[str, str], **options: Any) -> Outcome:  # noqa: ANN401
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(options)],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not process.stderr, process.stderr
    for secret in (KEY, *(make_url(url).password for url in variables.values() if "://:" in url)):
        assert secret
        assert secret not in process.stdout
    return Outcome(process.returncode, process.stdout)


def test_a_deployment_that_is_fit_passes(production: dict[str, str]) -> None:
    outcome = check(production)
    assert outcome.exit_code == 0
    assert outcome.passed
    assert outcome.checks == {
        "signing key": "passed",
        "cors": "passed",
        "hosts": "passed",
        "settings": "passed",
        "environment": "passed",
        "docs": "passed",
        "proxies": "passed",
        "database": "passed",
        "migrations": "passed",
        "privileges": "warning",  # the test's role owns the database
        "rate limiter": "passed",
        "probes": "passed",
        "connections": "passed",
    }


def test_settings_that_production_refuses_fail_by_name(production: dict[str, str]) -> None:
    outcome = check(
        {**production, "JWT_SECRET_KEY": "planted-weak-key", "ALLOWED_HOSTS": "*", "DEBUG": "true"}
    )
    assert outcome.exit_code == 1
    failed = {name for name, result in outcome.checks.items() if result == "failed"}
    assert failed == {"signing key", "hosts", "settings"}
    assert "JWT_SECRET_KEY" in outcome.details["signing key"]
    assert "DEBUG" in outcome.details["settings"]
    assert "planted" not in outcome.output
    assert outcome.checks["database"] == "skipped"


def test_another_environment_fails_and_is_held_to_the_same_rules(
    production: dict[str, str],
) -> None:
    outcome = check(
        {**production, "ENVIRONMENT": "staging", "JWT_SECRET_KEY": "short", "ENABLE_DOCS": "true"}
    )
    assert outcome.exit_code == 1
    failed = {name for name, result in outcome.checks.items() if result == "failed"}
    assert failed == {"environment", "signing key", "docs"}


def test_servers_that_are_away_fail_with_fixed_reasons(production: dict[str, str]) -> None:
    outcome = check(
        {
            **production,
            "DATABASE_URL": "postgresql://nobody:planted@127.0.0.1:1/none",
            "RATE_LIMIT_BACKEND_URL": "redis://:planted@127.0.0.1:1/0",
        }
    )
    assert outcome.exit_code == 1
    failed = {name for name, result in outcome.checks.items() if result == "failed"}
    assert failed == {
        *("database", "migrations", "privileges"),
        *("rate limiter", "probes", "connections"),
    }
    assert outcome.details["database"] == "refused"
    assert "planted" not in outcome.output
    assert "127.0.0.1" not in outcome.output


def test_missing_migrations_fail(production: dict[str, str], scratch_database_url: str) -> None:
    outcome = check({**production, "DATABASE_URL": scratch_database_url})
    assert outcome.exit_code == 1
    assert outcome.checks["migrations"] == "failed"
    assert "migrate" in outcome.details["migrations"]
    assert "503" in outcome.details["probes"]


def test_more_connections_than_the_server_has_fail(
    production: dict[str, str], database_url: str
) -> None:
    url = make_url(database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        [available] = connection.execute("SHOW max_connections").fetchone() or ["0"]
    replicas = int(available) // 22 + 1
    outcome = check(production, replicas=replicas)
    assert outcome.checks["connections"] == "failed"
    assert (
        f"{replicas} replicas x 2 workers x (10 + 2) = {replicas * 24}"
        in (outcome.details["connections"])
    )
    assert check(production, replicas=1).checks["connections"] == "passed"


def test_proxies(production: dict[str, str]) -> None:
    without = {name: value for name, value in production.items() if name != "TRUSTED_PROXY_IPS"}
    assert check(without).checks["proxies"] == "warning"
    outcome = check({**production, "TRUSTED_PROXY_IPS": "0.0.0.0/1"})
    assert outcome.checks["proxies"] == "failed"
    assert outcome.exit_code == 1


def test_a_deployment_that_is_not_there_fails(production: dict[str, str]) -> None:
    outcome = check(production, base_url="http://127.0.0.1:1")
    assert outcome.exit_code == 1
    assert outcome.checks["deployment: probes"] == "failed"
    assert outcome.details["deployment: probes"] == "no answer"


RESULTS = [
    CheckResult("database", "passed", "PostgreSQL answers"),
    CheckResult("docs", "failed", "ENABLE_DOCS is on"),
]


def test_the_table_is_for_people() -> None:
    console = Console(record=True, width=100, file=Path(os.devnull).open("w"))  # noqa: SIM115
    print_table(RESULTS, console)
    console.file.close()
    text = console.export_text()
    for word in ("database", "passed", "docs", "failed", "ENABLE_DOCS is on"):
        assert word in text


def test_json_is_for_machines() -> None:
    assert json.loads(as_json(RESULTS)) == {
        "passed": False,
        "checks": [
            {"name": "database", "outcome": "passed", "detail": "PostgreSQL answers"},
            {"name": "docs", "outcome": "failed", "detail": "ENABLE_DOCS is on"},
        ],
    }
    assert all_passed(RESULTS[:1])
    assert all_passed([CheckResult("proxies", "warning", ""), CheckResult("x", "skipped", "")])
