import traceback
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

import pytest

from scholarship_api.settings.settings import SECRETS, Settings, SettingsError, load_settings

PLANTED = "Pl4nted-Value"
STRONG_KEY = "9f2c4e8a1b7d3f6055aa0e9c8d7b6a5f4e3d2c1b0a99887766f5e4d3c2b1a0f9"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "JWT_SECRET_KEY": STRONG_KEY,
    "DATABASE_URL": f"postgresql://api:{PLANTED}@db.internal/scholarships",
    "RATE_LIMIT_BACKEND_URL": f"rediss://:{PLANTED}@cache.internal/0",
    "CORS_ALLOWED_ORIGINS": "https://app.example.org, https://admin.example.org",
    "ALLOWED_HOSTS": "api.example.org,*.internal.example.org",
    "TRUSTED_PROXY_IPS": "10.0.0.0/8, 192.168.1.7, fd00::/8",
}


def load(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def faults(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(monkeypatch, variables)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error)
    assert error.__context__ is None, "the validation error holds the values"
    for value in variables.values():
        assert len(value) < 16 or value not in said
    assert PLANTED not in said
    return dict(error.faults)


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


SINGLE_FAULTS = [
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
    ("OTEL_EXPORTER_OTLP_ENDPOINT", f"collector:{PLANTED}"),
    ("OUTBOUND_CHECK_URLS", "ftp://partner.example.org"),
    ("PORT", f"8000{PLANTED}"),
    ("PORT", "65536"),
    ("WEB_CONCURRENCY", "0"),
    ("GRACEFUL_TIMEOUT", "2"),
    ("TERMINATION_GRACE_PERIOD", "30"),
    ("MAX_REQUEST_SIZE_BYTES", "-1"),
]


@pytest.mark.parametrize(("name", "value"), SINGLE_FAULTS)
def test_production_refuses_each_fault(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert list(faults(monkeypatch, {**PRODUCTION, name: value})) == [name]


def test_all_faults_are_listed_at_once_in_the_order_of_the_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variables = {**PRODUCTION, **dict(SINGLE_FAULTS)}
    # Without its own fault, so that the relation of the two times is one.
    variables |= {"GRACEFUL_TIMEOUT": "30"}
    expected = {name for name, _ in SINGLE_FAULTS} - {"GRACEFUL_TIMEOUT"}
    found = faults(monkeypatch, variables)
    assert set(found) == expected
    order = [name.upper() for name in Settings.model_fields]
    assert list(found) == sorted(found, key=order.index)


def test_empty_production_environment_names_what_is_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert set(faults(monkeypatch, {"ENVIRONMENT": "production"})) == {
        "ALLOWED_HOSTS",
        "CORS_ALLOWED_ORIGINS",
        "DATABASE_URL",
        "JWT_SECRET_KEY",
        "RATE_LIMIT_BACKEND_URL",
    }


def test_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = faults(monkeypatch, {"ENVIRONMENT": f"prod-{PLANTED}", "PORT": "many"})
    assert list(found) == ["ENVIRONMENT", "PORT"]


@pytest.mark.parametrize(
    ("delay", "graceful", "grace_period", "faulty"),
    [
        (0, 30, 45, None),
        (5, 8, 9, None),
        (6, 8, 9, "GRACEFUL_TIMEOUT"),
        (5, 8, 8, "TERMINATION_GRACE_PERIOD"),
        (27, 30, 31, None),
        (28, 30, 31, "GRACEFUL_TIMEOUT"),
    ],
)
def test_times_of_the_shutdown_have_to_fit(
    delay: int, graceful: int, grace_period: int, faulty: str | None
) -> None:
    def made() -> Settings:
        return Settings(
            shutdown_delay=delay,
            graceful_timeout=graceful,
            termination_grace_period=grace_period,
        )

    if faulty is None:
        assert made().drain_seconds == graceful - delay - 2 >= 1
    else:
        with pytest.raises(SettingsError, match=faulty):
            made()


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


def test_in_memory_limiter_is_for_development_and_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISABLE_RATE_LIMIT_BACKEND", "true")
    assert load(monkeypatch, {"ENVIRONMENT": "test"}).disable_rate_limit_backend
    assert list(faults(monkeypatch, {"ENVIRONMENT": "staging"})) == ["DISABLE_RATE_LIMIT_BACKEND"]


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


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, {"PORT": "", "WEB_CONCURRENCY": "", "ALLOWED_HOSTS": ""})
    assert (settings.port, settings.web_concurrency, settings.allowed_hosts) == (8000, None, ("*",))


def test_settings_are_immutable() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 9000  # type: ignore[misc]


# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET_KEY", STRONG_KEY),
        ("DATABASE_URL", "postgresql+psycopg://u:p@h/d"),
        ("DATABASE_MIGRATION_URL", "postgresql+psycopg://u:p@h/d"),
        ("RATE_LIMIT_BACKEND_URL", "valkey://h/1"),
        ("SENTRY_DSN", "https://key@sentry.example.org/7"),
        ("METRICS_TOKEN", " spaces and\nlines stay "),
    ],
)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_secret_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, end: str
) -> None:
    file = tmp_path / "secret"
    file.write_bytes((value + end).encode())
    settings = load(monkeypatch, {f"{name}_FILE": str(file)})
    assert getattr(settings, name.lower()).get_secret_value() == value


def test_list_of_secrets_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"{STRONG_KEY},{STRONG_KEY[::-1]}\n")
    settings = load(monkeypatch, {**PRODUCTION, "JWT_PREVIOUS_SECRET_KEYS_FILE": str(file)})
    keys = [key.get_secret_value() for key in settings.jwt_previous_secret_keys]
    assert keys == [STRONG_KEY, STRONG_KEY[::-1]]


@pytest.mark.parametrize("name", sorted(name.upper() for name in SECRETS))
@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "both"])
def test_unusable_secret_files_are_faults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kind: str
) -> None:
    file = tmp_path / PLANTED
    if kind == "folder":
        file.mkdir()
    elif kind == "binary":
        file.write_bytes(b"\xff\xfe\x00")
    elif kind == "both":
        file.write_text("text")
        monkeypatch.setenv(name, "postgresql://h/d")
    found = faults(monkeypatch, {f"{name}_FILE": str(file), "DEBUG": "unsure"})
    assert set(found) == {name, "DEBUG"}
    assert f"{name}_FILE" in found[name]


# --- .env ----------------------------------------------------------------------------------------


@pytest.fixture
def dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / ".env"
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    return file


def test_dotenv_is_read_in_development(monkeypatch: pytest.MonkeyPatch, dotenv: Path) -> None:
    dotenv.write_text("PORT=8001\nKEEPALIVE=7\nSOMETHING_ELSE=1\n")
    settings = load(monkeypatch, {"KEEPALIVE": "9"})
    assert (settings.port, settings.keepalive) == (8001, 9), "the process environment wins"


@pytest.mark.parametrize("environment", ["test", "staging", "production"])
def test_dotenv_is_not_read_elsewhere(
    monkeypatch: pytest.MonkeyPatch, dotenv: Path, environment: str
) -> None:
    dotenv.write_text("PORT=8001\n")
    assert load(monkeypatch, {**PRODUCTION, "ENVIRONMENT": environment}).port == 8000


def test_dotenv_cannot_declare_production(monkeypatch: pytest.MonkeyPatch, dotenv: Path) -> None:
    dotenv.write_text("ENVIRONMENT=production\n")
    assert list(faults(monkeypatch, {})) == ["ENVIRONMENT"]


def test_dotenv_can_name_secret_files(
    monkeypatch: pytest.MonkeyPatch, dotenv: Path, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    dotenv.write_text(f"METRICS_TOKEN_FILE={tmp_path}/token\n")
    assert load(monkeypatch, {}).metrics_token.get_secret_value() == "from-the-file"


def test_forgotten_production_does_not_read_the_secret_of_a_file_twice(
    monkeypatch: pytest.MonkeyPatch, dotenv: Path, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    dotenv.write_text("METRICS_TOKEN=from-dotenv\n")
    found = faults(monkeypatch, {"METRICS_TOKEN_FILE": str(tmp_path / "token")})
    assert list(found) == ["METRICS_TOKEN"]
