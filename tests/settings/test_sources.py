from pathlib import Path

import pytest

from scholarship_api.settings.settings import SECRETS, Settings
from tests.settings.loading import PLANTED, PRODUCTION, STRONG_KEY, load, reasons

# --- Files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_SECRET_KEY", STRONG_KEY),
        ("DATABASE_URL", "postgresql+psycopg://u:p@h/d"),
        ("DATABASE_MIGRATION_URL", "postgresql+psycopg://u:p@h/d"),
        ("RATE_LIMIT_BACKEND_URL", "redis://h:6379/1"),
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


SECRET_NAMES = sorted(name.upper() for name in SECRETS)


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("missing", "No such file"),
        ("folder", "Is a directory"),
        ("binary", "not UTF-8 text"),
        ("endless", "File too large"),
    ],
)
def test_a_secret_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, kind: str, reason: str
) -> None:
    file = tmp_path / PLANTED
    if kind == "folder":
        file.mkdir()
    elif kind == "binary":
        file.write_bytes(b"\xff\xfe\x00")
    elif kind == "endless":
        file.symlink_to("/dev/zero")
    found = reasons(monkeypatch, {f"{name}_FILE": str(file), "DEBUG": "unsure"})
    assert set(found) == {f"{name}_FILE", "DEBUG"}
    assert reason in found[f"{name}_FILE"]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_and_its_file_are_not_both_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    file = tmp_path / PLANTED
    file.write_text("text")
    found = reasons(monkeypatch, {f"{name}_FILE": str(file), name: "postgresql://h/d"})
    assert found == {name: f"give {name} or {name}_FILE, not both"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", f"mysql://u:{PLANTED}@h/d"),
        ("JWT_SECRET_KEY", "changeme" * 8),
        ("METRICS_TOKEN", "short"),
        ("RATE_LIMIT_BACKEND_URL", f"http://{PLANTED}"),
        ("SENTRY_DSN", PLANTED),
    ],
)
def test_an_unusable_text_of_a_secret_file_names_the_file_s_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "secret").write_text(text)
    variables = {**PRODUCTION, f"{name}_FILE": str(tmp_path / "secret"), name: ""}
    assert list(reasons(monkeypatch, variables)) == [f"{name}_FILE"]


# --- .env ----------------------------------------------------------------------------------------


@pytest.fixture
def dotenv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    file = tmp_path / ".env"
    monkeypatch.setattr(Settings, "dotenv_file", file)
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
    assert list(reasons(monkeypatch, {})) == ["ENVIRONMENT"]


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
    found = reasons(monkeypatch, {"METRICS_TOKEN_FILE": str(tmp_path / "token")})
    assert list(found) == ["METRICS_TOKEN"]


def test_a_dotenv_that_is_not_text_is_named(monkeypatch: pytest.MonkeyPatch, dotenv: Path) -> None:
    dotenv.write_bytes(b"PORT=8001\n\xff\xfe\n")
    assert list(reasons(monkeypatch, {})) == [".env"]


def test_a_dotenv_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # For root, too, reading this file fails.
    monkeypatch.setattr(Settings, "dotenv_file", Path("/proc/self/mem"))
    assert "cannot be read" in reasons(monkeypatch, {})[".env"]


def test_outside_of_development_a_dotenv_is_not_even_looked_for(
    monkeypatch: pytest.MonkeyPatch, dotenv: Path
) -> None:
    dotenv.write_bytes(b"\xff\xfe")
    assert load(monkeypatch, PRODUCTION).is_production
