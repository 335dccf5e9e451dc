"""The README and .env.example agree with the settings."""

import re
import secrets
from itertools import pairwise

import pytest

from scholarship_api.settings.settings import SECRETS, Settings, SettingsError
from tests.docs.pages import ROOT

NAMES = [name.upper() for name in Settings.model_fields]


def dotenv_example() -> dict[str, str]:
    text = (ROOT / ".env.example").read_text()
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def readme_table() -> list[tuple[str, str, str]]:
    _, _, section = (ROOT / "README.md").read_text().partition("\n## Settings\n")
    section, _, _ = section.partition("\n## ")
    return re.findall(r"^\| `([A-Z_]+)`( 🔒)? \| (.+?) \|", section, re.MULTILINE)


def test_dotenv_example_names_every_setting_in_order() -> None:
    assert list(dotenv_example()) == NAMES


def test_dotenv_example_shows_the_defaults_of_development(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {Settings().environment} == {"development"}
    defaults = Settings()
    for name, value in dotenv_example().items():
        monkeypatch.setenv(name, value)
    assert Settings() == defaults


def test_dotenv_example_explains_each_setting_in_one_line_and_holds_no_secret() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in pairwise(lines):
        if line and not line.startswith("#"):
            assert re.fullmatch(r"# .{10,}\.", before), line
    values = dotenv_example()
    assert {values[name.upper()] for name in SECRETS} == {""}


def test_readme_table_names_every_setting_in_order() -> None:
    assert [name for name, _, _ in readme_table()] == NAMES


def test_readme_table_marks_the_secrets() -> None:
    marked = {name.lower() for name, secret, _ in readme_table() if secret}
    assert marked == SECRETS


def test_readme_table_has_the_defaults() -> None:
    example = dotenv_example()
    table = readme_table()
    assert table
    for name, _, default in table:
        assert not example[name] or f"`{example[name]}`" in default, name


@pytest.mark.parametrize("environment", ["development", "test", "staging", "production"])
def test_readme_table_has_the_defaults_of_each_environment(environment: str) -> None:
    for name, _, cell in readme_table():
        field = Settings.model_fields[name.lower()]
        data = {"environment": environment, "debug": False}
        if name == "ENVIRONMENT" or "database_url" in name.lower():
            continue
        default = field.get_default(call_default_factory=True, validated_data=data)
        general = re.match(r"`([^`]+)`", cell)
        own = re.search(rf"\b{environment} `([^`]+)`", cell)
        shown = own or general
        if isinstance(default, bool):
            text = str(default).lower()
        elif isinstance(default, tuple):
            text = ",".join(default)
        elif isinstance(default, int | str):
            text = str(default)
        else:
            text = ""
        if text:
            assert shown is not None, name
            assert shown[1] == text, name
        else:
            # There is no default, so the cell may only show a value for another environment.
            assert own is None, name
            assert general is None or f"required in {environment}" in cell, name


def production_example() -> dict[str, str]:
    text = (ROOT / ".env.production.example").read_text()
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def test_the_example_for_production_lacks_nothing_but_the_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in production_example().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        Settings()
    assert [error.variable for error in refused.value.errors] == ["JWT_SECRET_KEY"]
    monkeypatch.setenv("JWT_SECRET_KEY", secrets.token_hex(48))
    assert Settings().is_production


def test_the_examples_mark_what_production_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(SettingsError) as refused:
        Settings()
    required = {error.variable for error in refused.value.errors}
    example = (ROOT / ".env.example").read_text()
    marked = re.findall(r"^# .*\brequired in production\b.*\n([A-Z_]+)=", example, re.MULTILINE)
    assert set(marked) == required
    assert required <= production_example().keys()
    table = {name for name, _, default in readme_table() if "required in production" in default}
    assert table == required


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_read(name: str) -> None:
    """Some module other than the one that declares the setting reads it."""
    sources = [*(ROOT / "scholarship_api").rglob("*.py"), *(ROOT / "alembic").rglob("*.py")]
    readers = [
        path
        for path in sources
        if path.name != "settings.py" and re.search(rf"settings\.{name}\b", path.read_text())
    ]
    assert readers
