"""`scholarship-api check` on real servers."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs
from typer.testing import CliRunner

from scholarship_api.cli import app
from scholarship_api.preflight import checks
from tests.identity_providers.provider import Provider

KEY = secrets.token_hex(48)


@dataclass
class Outcome:
    exit_code: int
    output: str

    @property
    def checks(self) -> dict[str, str]:
        return {check["name"]: check["outcome"] for check in self._body["checks"]}

    @property
    def failed(self) -> set[str]:
        return {name for name, outcome in self.checks.items() if outcome == "failed"}

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


Check = Callable[..., Outcome]


@pytest.fixture
def production(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "ENVIRONMENT": "production",
        "JWT_SECRET_KEY": KEY,
        "METRICS_TOKEN": secrets.token_hex(32),
        "DATABASE_URL": database_url,
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "CORS_ALLOWED_ORIGINS": "https://app.example.org",
        "ALLOWED_HOSTS": "api.example.org",
        "TRUSTED_PROXY_IPS": "10.0.0.0/8",
        "WEB_CONCURRENCY": "2",
    }


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Check:
    # The logs of this process's other tests stay as they are.
    monkeypatch.setattr("scholarship_api.preflight.checks.logging.configure", lambda _: None)

    def run(variables: dict[str, str], *options: str) -> Outcome:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with capture_logs():
            done = CliRunner().invoke(app, ["check", "--json", *options])
        urls = [url for url in variables.values() if "://:" in url]
        for secret in (KEY, *(make_url(url).password for url in urls)):
            assert secret
            assert secret not in done.output
        return Outcome(done.exit_code, done.stdout)

    return run


def test_a_deployment_that_is_fit_passes(production: dict[str, str], check: Check) -> None:
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
        "hsts": "passed",
        "metrics": "passed",
        "logins": "passed",
        "proxies": "passed",
        "database": "passed",
        "migrations": "passed",
        "privileges": "warning",  # the test's role owns the database
        "rate limiter": "passed",
        "worker": "warning",  # none runs
        "identity providers": "skipped",
        "probes": "passed",
        "connections": "passed",
    }
    assert outcome.checks.keys() <= set(checks.NAMES)


def test_each_row_says_what_it_looked_at(production: dict[str, str], check: Check) -> None:
    details = check(production).details
    for name, shown in {
        "signing key": "96 characters",
        "cors": "CORS_ALLOWED_ORIGINS: 1",
        "hosts": "ALLOWED_HOSTS: 1",
        "environment": "ENVIRONMENT is production",
        "docs": "ENABLE_DOCS",
        "metrics": "64 characters",
        "proxies": "trusted networks: 1",
        "database": "PostgreSQL",
        "rate limiter": "counts",
    }.items():
        assert shown in details[name]
    assert len(set(details.values())) == len(details)


def test_closed_logins_need_an_identity_provider(production: dict[str, str], check: Check) -> None:
    closed = production | {"LOCAL_LOGIN_ENABLED": "false"}
    alone = check(closed, "--offline")
    assert alone.checks["logins"] == "warning"
    assert "only API keys" in alone.details["logins"]
    issuers = '{"https://login.example.edu": {"audience": "scholarships"}}'
    with_provider = check(closed | {"OIDC_ISSUERS": issuers}, "--offline")
    assert with_provider.checks["logins"] == "passed"
    assert with_provider.details["logins"].endswith("identity providers: 1")


def test_an_identity_provider_without_https_fails(production: dict[str, str], check: Check) -> None:
    issuers = '{"http://login.example.edu": {"audience": "scholarships"}}'
    outcome = check(production | {"OIDC_ISSUERS": issuers}, "--offline")
    assert outcome.failed == {"logins"}
    assert "https://" in outcome.details["logins"]


def test_an_identity_provider_that_is_away_fails(production: dict[str, str], check: Check) -> None:
    issuers = '{"https://127.0.0.1:1": {"audience": "scholarships"}}'
    outcome = check(production | {"OIDC_ISSUERS": issuers})
    assert outcome.checks["identity providers"] == "failed"
    assert "https://127.0.0.1:1" in outcome.details["identity providers"]


def test_an_identity_provider_that_answers_passes(production: dict[str, str], check: Check) -> None:
    provider = Provider()
    provider.start()
    try:
        issuers = json.dumps({provider.issuer: {"audience": "scholarships"}})
        outcome = check(production | {"ENVIRONMENT": "test", "OIDC_ISSUERS": issuers})
        assert outcome.checks["identity providers"] == "passed"
    finally:
        provider.stop()


def test_settings_that_production_refuses_fail_by_name(
    production: dict[str, str], check: Check
) -> None:
    outcome = check(
        {**production, "JWT_SECRET_KEY": "planted-weak-key", "ALLOWED_HOSTS": "*", "DEBUG": "true"}
    )
    assert outcome.exit_code == 1
    assert outcome.failed == {"signing key", "hosts", "settings"}
    assert "JWT_SECRET_KEY" in outcome.details["signing key"]
    assert "DEBUG" in outcome.details["settings"]
    assert "planted" not in outcome.output
    assert outcome.checks["cors"] == outcome.checks["database"] == "skipped"


def test_another_environment_fails_and_is_held_to_the_same_rules(
    production: dict[str, str], check: Check
) -> None:
    outcome = check(
        {
            **production,
            "ENVIRONMENT": "staging",
            "JWT_SECRET_KEY": "short",
            "METRICS_TOKEN": "abc",
            "ENABLE_DOCS": "true",
            "RATE_LIMIT_ENABLED": "false",
        }
    )
    assert outcome.exit_code == 1
    assert outcome.failed == {
        *("environment", "signing key", "metrics", "settings", "docs", "rate limiter")
    }
    assert "RATE_LIMIT_ENABLED" in outcome.details["settings"]


def test_accepted_deviations_are_named_and_do_not_fail(
    production: dict[str, str], check: Check
) -> None:
    deviating = {**production, "ENVIRONMENT": "staging", "ENABLE_DOCS": "true"}
    assert check(deviating, "--allow", "docs").exit_code == 1
    outcome = check(deviating, "--allow", "docs", "--allow", "Environment", "--allow", "hsts")
    assert (outcome.exit_code, outcome.passed) == (0, True)
    assert outcome.checks["docs"] == outcome.checks["environment"] == "allowed"
    assert outcome.checks["hsts"] == "warning"


def test_a_deviation_that_no_check_is_called_is_wrong_usage(check: Check) -> None:
    assert check({}, "--allow", "rate-limter").exit_code == 2


def test_headers_that_are_off_are_a_warning(production: dict[str, str], check: Check) -> None:
    outcome = check({**production, "ENABLE_HSTS": "false", "METRICS_TOKEN": ""})
    assert outcome.exit_code == 0
    assert outcome.checks["hsts"] == outcome.checks["metrics"] == "warning"
    assert "ENABLE_HSTS" in outcome.details["hsts"]


def test_servers_that_are_away_fail_with_fixed_reasons(
    production: dict[str, str], check: Check
) -> None:
    outcome = check(
        {
            **production,
            "DATABASE_URL": "postgresql://nobody:planted@127.0.0.1:1/none",
            "RATE_LIMIT_BACKEND_URL": "redis://:planted@127.0.0.1:1/0",
        }
    )
    assert outcome.exit_code == 1
    assert outcome.failed == {
        *("database", "migrations", "privileges"),
        *("rate limiter", "worker", "probes", "connections"),
    }
    assert outcome.details["database"] == "refused"
    assert "planted" not in outcome.output
    assert "127.0.0.1" not in outcome.output


def test_a_database_that_takes_no_writes_fails(
    production: dict[str, str], check: Check, scratch_database_url: str
) -> None:
    url = scratch_database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    outcome = check({**production, "DATABASE_URL": scratch_database_url})
    assert outcome.checks["database"] == "failed"
    assert "read-only" in outcome.details["database"]


def test_missing_migrations_fail(
    production: dict[str, str], check: Check, scratch_database_url: str
) -> None:
    outcome = check({**production, "DATABASE_URL": scratch_database_url})
    assert outcome.exit_code == 1
    assert outcome.checks["migrations"] == "failed"
    assert "migrate" in outcome.details["migrations"]
    assert "503" in outcome.details["probes"]


def test_more_connections_than_the_server_has_fail(
    production: dict[str, str], check: Check, database_url: str
) -> None:
    url = make_url(database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
        [available] = connection.execute("SHOW max_connections").fetchone() or ["0"]
    replicas = int(available) // 22 + 1
    outcome = check(production, "--replicas", str(replicas))
    assert outcome.checks["connections"] == "failed"
    detail = outcome.details["connections"]
    counted = f"{replicas} replicas x 2 workers x (10 + 2) + 18 of scholarship-api worker"
    assert f"{counted} = {replicas * 24 + 18}" in detail
    assert "WEB_CONCURRENCY" in detail
    assert check(production).checks["connections"] == "passed"


def test_a_deployment_that_is_not_there_fails(production: dict[str, str], check: Check) -> None:
    outcome = check(production, "--base-url", "http://127.0.0.1:1")
    assert outcome.exit_code == 1
    assert outcome.checks["deployment: probes"] == "failed"
    assert outcome.details["deployment: probes"] == "no answer"


def test_offline_the_settings_are_checked_and_no_server(
    check: Check, production: dict[str, str]
) -> None:
    unreachable = "postgresql://user:password@database.invalid/scholarships"
    outcome = check(production | {"DATABASE_URL": unreachable}, "--offline")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.checks["signing key"] == "passed"
    assert outcome.checks["database"] == outcome.checks["rate limiter"] == "skipped"


def test_offline_a_wrong_setting_fails(check: Check, production: dict[str, str]) -> None:
    outcome = check(production | {"ALLOWED_HOSTS": "*"}, "--offline")
    assert outcome.exit_code == 1
    assert outcome.failed == {"hosts"}
