import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from scholarship_api.accounts.roles import Role
from scholarship_api.settings.identity_providers import ROLES
from scholarship_api.settings.settings import DefaultSettings, Settings
from tests.settings.loading import PLANTED, PRODUCTION, STRONG_KEY, load, reasons, refused


def test_valid_production_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, PRODUCTION)
    assert settings.is_production
    assert settings.cors_allowed_origins == (
        "https://app.example.org",
        "https://admin.example.org",
    )
    assert settings.trusted_proxy_ips == (
        ip_network("10.0.0.0/8"),
        ip_network("192.168.1.7/32"),
        ip_network("fd00::/8"),
    )
    assert not settings.enable_docs
    assert settings.enable_hsts
    assert PLANTED not in repr(settings)
    assert PLANTED not in str(settings.model_dump())


def issuer(**options: object) -> str:
    return json.dumps({"https://login.example.edu": {"audience": "scholarships", **options}})


SINGLE_ERRORS = [
    ("JWT_SECRET_KEY", ""),
    ("JWT_SECRET_KEY", STRONG_KEY[:63]),
    ("JWT_SECRET_KEY", "changeme" * 8),
    ("JWT_SECRET_KEY", "your-secret-key-" + STRONG_KEY),
    ("JWT_SECRET_KEY", "a" * 64),
    ("JWT_SECRET_KEY", "abcdefghijklmnop" * 4),
    ("JWT_SECRET_KEY", "".join(map(chr, range(0x30, 0x30 + 70)))),
    ("JWT_PREVIOUS_SECRET_KEYS", f"{STRONG_KEY},short-{PLANTED}"),
    ("DATABASE_URL", ""),
    ("DATABASE_URL", f"mysql://u:{PLANTED}@h/d"),
    ("DATABASE_URL", f"sqlite:///{PLANTED}.db"),
    ("DATABASE_URL", f"postgresql://u:{PLANTED}@h:port/d"),
    ("DATABASE_MIGRATION_URL", f"mysql://u:{PLANTED}@h/d"),
    ("RATE_LIMIT_BACKEND_URL", ""),
    ("RATE_LIMIT_BACKEND_URL", f"memory://{PLANTED}"),
    ("DISABLE_RATE_LIMIT_BACKEND", "true"),
    ("RATE_LIMIT_ENABLED", "false"),
    ("RATE_LIMIT_SEARCH", "often"),
    ("RATE_LIMIT_SEARCH", "0/minute"),
    ("RATE_LIMIT_PER_MINUTE", "0"),
    ("CORS_ALLOWED_ORIGINS", ""),
    ("CORS_ALLOWED_ORIGINS", "*"),
    ("CORS_ALLOWED_ORIGINS", "https://*.example.org"),
    ("CORS_ALLOWED_ORIGINS", "http://app.example.org"),
    ("CORS_ALLOWED_ORIGINS", "http://localhost:3000"),
    ("CORS_ALLOWED_ORIGINS", "https://app.example.org/"),
    ("CORS_ALLOWED_ORIGINS", f"https://{PLANTED}@app.example.org"),
    ("CORS_ALLOWED_ORIGINS", "null"),
    ("ALLOWED_HOSTS", ""),
    ("ALLOWED_HOSTS", "*"),
    ("ALLOWED_HOSTS", "api.example.org,*"),
    ("ALLOWED_HOSTS", "api.example.org:443"),
    ("ALLOWED_HOSTS", "https://api.example.org"),
    ("ALLOWED_HOSTS", "api.*.org"),
    ("TRUSTED_PROXY_IPS", "*"),
    ("TRUSTED_PROXY_IPS", "10.0.0.0/8,*"),
    ("TRUSTED_PROXY_IPS", "10.0.0.1/8"),
    ("TRUSTED_PROXY_IPS", "10.0.0.0/33"),
    ("TRUSTED_PROXY_IPS", f"proxy-{PLANTED}"),
    ("TRUSTED_PROXY_IPS", "0.0.0.0/0"),
    ("TRUSTED_PROXY_IPS", "::/0"),
    ("DEBUG", "true"),
    ("DEBUG", f"maybe-{PLANTED}"),
    ("LOG_LEVEL", f"loud-{PLANTED}"),
    ("LOG_FORMAT", "xml"),
    ("SENTRY_DSN", f"https://sentry.example.org/{PLANTED}"),
    ("METRICS_TOKEN", "abc"),
    ("METRICS_TOKEN", "0123456789abcde"),
    ("METRICS_TOKEN", "0123456789 abcdef"),
    ("METRICS_TOKEN", "0123456789-äöü-abc"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", f"collector:{PLANTED}"),
    ("OUTBOUND_CHECK_URLS", "ftp://partner.example.org"),
    ("LOCAL_LOGIN_ENABLED", "perhaps"),
    ("OIDC_ISSUERS", f"https://{PLANTED}.example.edu"),
    ("OIDC_ISSUERS", f'["{PLANTED}"]'),
    ("OIDC_ISSUERS", '{"login.example.edu": {"audience": "a"}}'),
    ("OIDC_ISSUERS", '{"https://login.example.edu?a=b": {"audience": "a"}}'),
    ("OIDC_ISSUERS", f'{{"https://u:{PLANTED}@login.example.edu": {{"audience": "a"}}}}'),
    ("OIDC_ISSUERS", '{"https://login.example.edu": {}}'),
    ("OIDC_ISSUERS", '{"https://login.example.edu": 7}'),
    ("OIDC_ISSUERS", f'{{"https://login.example.edu": {{"audience": "a", "{PLANTED}": 1}}}}'),
    ("OIDC_ISSUERS", issuer(algorithms=[])),
    ("OIDC_ISSUERS", issuer(algorithms=["none"])),
    ("OIDC_ISSUERS", issuer(algorithms=["RS256", "HS256"])),
    ("OIDC_ISSUERS", issuer(roles={"staff": "service"})),
    ("OIDC_ISSUERS", issuer(roles={"staff": PLANTED})),
    ("OIDC_ISSUERS", '{"scholarship-api": {"audience": "a"}}'),
    ("OIDC_ISSUERS", "[" * 100_000),
    ("OIDC_ISSUERS", '{"http://login.example.edu": {"audience": "a"}}'),
    ("PORT", f"8000{PLANTED}"),
    ("PORT", "65536"),
    ("WEB_CONCURRENCY", "0"),
    ("GRACEFUL_TIMEOUT", "2"),
    ("TERMINATION_GRACE_PERIOD", "30"),
    ("MAX_REQUEST_SIZE_BYTES", "-1"),
]


@pytest.mark.parametrize(("name", "value"), SINGLE_ERRORS)
def test_production_refuses_each_error(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert list(reasons(monkeypatch, {**PRODUCTION, name: value})) == [name]


def test_all_errors_are_listed_at_once_in_the_order_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {**PRODUCTION, **dict(SINGLE_ERRORS)}
    # A usable value, so that its relation to the grace period is wrong instead.
    variables |= {"GRACEFUL_TIMEOUT": "30"}
    expected = {name for name, _ in SINGLE_ERRORS} - {"GRACEFUL_TIMEOUT"}
    found = reasons(monkeypatch, variables)
    assert set(found) == expected
    order = [name.upper() for name in Settings.model_fields]
    assert list(found) == sorted(found, key=order.index)


def test_empty_production_environment_names_what_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(reasons(monkeypatch, {"ENVIRONMENT": "production"})) == {
        "ALLOWED_HOSTS",
        "CORS_ALLOWED_ORIGINS",
        "DATABASE_URL",
        "JWT_SECRET_KEY",
        "RATE_LIMIT_BACKEND_URL",
    }


@pytest.mark.parametrize(
    ("variables", "name", "advice"),
    [
        ({"ENVIRONMENT": "prod"}, "ENVIRONMENT", "development, test, staging or production"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL", "DEBUG, INFO, WARNING, ERROR or CRITICAL"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT", "json or console"),
        ({"DEBUG": "perhaps"}, "DEBUG", "true or false"),
        ({"PORT": "http"}, "PORT", "a whole number"),
        ({"PORT": "8000.5"}, "PORT", "a whole number"),
        ({"PORT": "0"}, "PORT", "at least 1"),
        ({"PORT": "65536"}, "PORT", "at most 65535"),
        ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY", "at least 1"),
        ({"SENTRY_DSN": "foo"}, "SENTRY_DSN", "https://KEY@HOST/PROJECT"),
        ({"DATABASE_URL": "localhost"}, "DATABASE_URL", "postgresql://user:password@host/database"),
        ({"RATE_LIMIT_BACKEND_URL": "localhost"}, "RATE_LIMIT_BACKEND_URL", "redis://"),
        ({"RATE_LIMIT_SEARCH": "many"}, "RATE_LIMIT_SEARCH", "30/minute"),
        ({"ALLOWED_HOSTS": "https://a.org"}, "ALLOWED_HOSTS", "api.example.org"),
        ({"TRUSTED_PROXY_IPS": "10.1.2.3/8"}, "TRUSTED_PROXY_IPS", "10.0.0.0/8"),
        ({"CORS_ALLOWED_ORIGINS": "foo"}, "CORS_ALLOWED_ORIGINS", "https://app.example.org"),
        ({"OIDC_ISSUERS": "foo"}, "OIDC_ISSUERS", "https://login.example.edu"),
        ({"OIDC_ISSUERS": issuer(audience="")}, "OIDC_ISSUERS", "issuer 1, audience"),
        ({"OIDC_ISSUERS": issuer(typo=1)}, "OIDC_ISSUERS", "an unknown option"),
        ({"OIDC_ISSUERS": issuer(roles={"a": "b"})}, "OIDC_ISSUERS", "admin, partner, student"),
        ({"OUTBOUND_CHECK_URLS": "foo"}, "OUTBOUND_CHECK_URLS", "https://"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "foo"}, "OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ({"METRICS_TOKEN": "abc"}, "METRICS_TOKEN", "openssl rand -hex 32"),
    ],
)
def test_a_reason_says_what_would_do(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], name: str, advice: str
) -> None:
    found = reasons(monkeypatch, {**PRODUCTION, **variables})
    assert list(found) == [name]
    assert advice in found[name]


def test_tracing_without_its_extra_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert load(monkeypatch, endpoint).otel_exporter_otlp_endpoint
    missing: list[str] = []

    def find_nothing(package: str) -> None:
        missing.append(package)
        raise ModuleNotFoundError

    monkeypatch.setattr("importlib.util.find_spec", find_nothing)
    found = reasons(monkeypatch, endpoint)
    assert list(found) == ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert "EXTRA=otel" in found["OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert missing


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "console"),
        ({"ENVIRONMENT": "local"}, "console"),
        ({"ENVIRONMENT": "test"}, "json"),
        ({"ENVIRONMENT": "production"}, "json"),
        ({"ENVIRONMENT": "prod"}, "json"),
        ({"ENVIRONMENT": "production", "LOG_FORMAT": "Console"}, "console"),
        ({"LOG_FORMAT": "json"}, "json"),
        ({"LOG_FORMAT": "xml"}, "console"),
    ],
)
def test_errors_are_to_be_reported_in_the_format_of_the_logs(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    assert refused(monkeypatch, {**variables, "PORT": "http"}).log_format == expected


def test_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reasons(monkeypatch, {"ENVIRONMENT": f"prod-{PLANTED}", "PORT": "many"})
    assert list(found) == ["ENVIRONMENT", "PORT"]


@pytest.mark.parametrize("name", ["local", "LOCAL", "development", " Development "])
def test_local_is_development(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert load(monkeypatch, {"ENVIRONMENT": name}).environment == "development"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("development", (200, "60/minute", True, "console", False, False)),
        ("test", (100, "30/minute", False, "json", False, False)),
        ("staging", (150, "30/minute", False, "json", True, False)),
        ("production", (100, "30/minute", False, "json", True, True)),
    ],
)
def test_defaults_depend_on_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: str, expected: tuple[object, ...]
) -> None:
    settings = load(monkeypatch, {**PRODUCTION, "ENVIRONMENT": environment})
    found = (
        settings.rate_limit_per_minute,
        settings.rate_limit_search,
        settings.enable_docs,
        settings.log_format,
        settings.fails_closed,
        settings.enable_hsts,
    )
    assert found == expected


def test_development_doubles_the_defaults_and_takes_what_is_set_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load(monkeypatch, {"RATE_LIMIT_SEARCH": "30/minute", "RATE_LIMIT_PER_MINUTE": "100"})
    assert settings.rate_limit_search == "30/minute"
    assert settings.rate_limit_per_minute == 100
    assert settings.rate_limit_eligibility == "30/minute"
    assert settings.rate_limit_scholarships == "120/minute"
    assert settings.rate_limit_analytics == "20/minute"


def test_the_issuer_of_our_own_tokens_is_none_of_a_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {**PRODUCTION, "OIDC_ISSUERS": issuer(), "JWT_ISSUER": "https://login.example.edu"}
    assert list(reasons(monkeypatch, variables)) == ["OIDC_ISSUERS"]


def test_the_roles_of_providers_are_those_of_accounts() -> None:
    assert list(ROLES) == [str(role) for role in Role if role is not Role.SERVICE]


def test_in_memory_limiter_is_for_development_and_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISABLE_RATE_LIMIT_BACKEND", "true")
    assert load(monkeypatch, {"ENVIRONMENT": "test"}).disable_rate_limit_backend
    assert list(reasons(monkeypatch, {"ENVIRONMENT": "staging"})) == ["DISABLE_RATE_LIMIT_BACKEND"]


def test_debug_lowers_the_log_level_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, {}).log_level == "INFO"
    assert load(monkeypatch, {"DEBUG": "1"}).log_level == "DEBUG"
    assert load(monkeypatch, {"DEBUG": "1", "LOG_LEVEL": "warning"}).log_level == "WARNING"


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "POSTGRES"])
def test_database_url_names_the_driver(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    rest = "u:p%40ss@h:5433/d?sslmode=require"
    settings = load(monkeypatch, {"DATABASE_URL": f"{scheme}://{rest}"})
    assert settings.database_url.get_secret_value() == f"postgresql+psycopg://{rest}"
    assert settings.database_migration_url == settings.database_url


def test_migrations_can_have_a_url_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        {"DATABASE_URL": "postgresql://api@h/d", "DATABASE_MIGRATION_URL": "postgresql://own@h/d"},
    )
    assert settings.database_migration_url.get_secret_value() == "postgresql+psycopg://own@h/d"


@pytest.mark.parametrize(
    "text", ["a.example, b.example", "a.example,b.example,", ",a.example,,b.example"]
)
def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    assert load(monkeypatch, {"ALLOWED_HOSTS": text}).allowed_hosts == ("a.example", "b.example")


def test_origins_are_what_browsers_send(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = "https://App.Example.org:443,https://[2001:db8::1]:8443"
    settings = load(monkeypatch, {**PRODUCTION, "CORS_ALLOWED_ORIGINS": origins})
    assert settings.cors_allowed_origins == (
        "https://app.example.org",
        "https://[2001:db8::1]:8443",
    )


@pytest.mark.parametrize("text", ["", " ", " \t"])
def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    defaults = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(name.upper(), text)
        monkeypatch.setenv(f"{name.upper()}_FILE", text)
    assert Settings() == defaults


def test_default_settings_do_not_depend_on_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("ENVIRONMENT=production\nPORT=8001\n")
    monkeypatch.setattr(Settings, "dotenv_file", tmp_path / ".env")
    monkeypatch.setenv("ENVIRONMENT", "test")
    monkeypatch.setenv("PORT", "http")
    settings = DefaultSettings(environment="staging", keepalive=7)
    assert (settings.environment, settings.port, settings.keepalive) == ("staging", 8000, 7)


def test_settings_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 9000  # type: ignore[misc]
