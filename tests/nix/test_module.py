"""The options of the NixOS module are the settings of the service, and both refuse the same.

`nix flake check` evaluates the module with the cases of nix/module_cases.json. Here the service
reads what the module would give it.
"""

import hashlib
import json
from typing import Any, Final

import pytest

from scholarship_api.cli import COMMANDS
from scholarship_api.settings.settings import SECRETS, Settings, SettingsError
from scripts import nix_settings
from tests.nix.expressions import REPOSITORY, binding, calls, parse, text, value

MODULE: Final = parse((REPOSITORY / "nix" / "module.nix").read_bytes())
CASES: Final[dict[str, Any]] = json.loads((REPOSITORY / "nix" / "module_cases.json").read_text())
DESCRIBED: Final = nix_settings.describe_settings()
RANDOM: Final = hashlib.sha512(b"a key").hexdigest()
REFUSED: Final = {name: case for name, case in CASES["refused"].items() if "variable" in case}


def test_the_generated_files_are_those_of_the_settings() -> None:
    remedy = "run: .venv/bin/python -m scripts.nix_settings"
    assert nix_settings.DESCRIPTION.read_text() == nix_settings.as_json(DESCRIBED), remedy
    assert nix_settings.PAGE.read_text() == nix_settings.as_page(DESCRIBED), remedy


def test_every_setting_is_described() -> None:
    assert list(DESCRIBED) == [name.upper() for name in Settings.model_fields]
    assert {name for name, each in DESCRIBED.items() if each["secret"]} == {
        name.upper() for name in SECRETS
    }
    for name, each in DESCRIBED.items():
        assert each["description"], name
        assert each["type"] in {"bool", "enum", "int", "json", "list", "string"}, name
        assert ("min" in each) == (each["type"] == "int"), name


def test_every_option_has_a_type_and_a_description() -> None:
    options = [value(argument) for argument in calls(MODULE, "mkOption")]
    assert len(options) > 5
    for given in options:
        assert isinstance(given, dict)
        assert {"type", "default"} <= set(given)


def test_the_unit_starts_and_checks_with_commands_that_exist() -> None:
    assert text(binding(MODULE, "ExecStartPre")) == '"${command} prestart"'
    assert text(binding(MODULE, "ExecStart")) == '"${command} serve"'


def test_the_unit_of_the_worker_starts_a_command_that_exists() -> None:
    unit = parse((REPOSITORY / "nix" / "worker.nix").read_bytes())
    assert text(binding(unit, "ExecStart")) == '"${command} worker"'
    assert "worker" in {command.name for command in COMMANDS}


def test_the_template_is_the_example_of_the_page() -> None:
    template = (REPOSITORY / "nix" / "template" / "flake.nix").read_text()
    assert f"```nix\n{template}```\n" in (REPOSITORY / "docs" / "operating.md").read_text()


# --- Cases that Nix evaluates too ----------------------------------------------------------------


def settings_of(case: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the service reads from the unit of a case."""
    named = {**CASES["example"]["settings"], **case.get("settings", {})}
    secrets = {**CASES["example"]["secrets"], **case.get("secrets", {})}
    if case.get("database", {}).get("createLocally"):
        named["DATABASE_URL"] = "postgresql://scholarship-api@/scholarship-api?host=/run/postgresql"
    if case.get("redis", {}).get("createLocally"):
        named["RATE_LIMIT_BACKEND_URL"] = "redis://127.0.0.1:6379/0"
    monkeypatch.setenv("ENVIRONMENT", "production")
    for name, given in named.items():
        if given is not None:
            monkeypatch.setenv(name, ",".join(given) if isinstance(given, list) else as_text(given))
    for name, path in secrets.items():
        if path is not None:
            monkeypatch.setenv(name, DESCRIBED[name].get("placeholder", RANDOM))
    return Settings()


def as_text(given: object) -> str:
    return str(given).lower() if isinstance(given, bool) else str(given)


def test_there_are_enough_cases() -> None:
    assert len(CASES["refused"]) >= 40
    assert len(CASES["accepted"]) >= 8


@pytest.mark.parametrize("name", REFUSED)
def test_the_service_refuses_what_the_module_refuses(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(REFUSED[name], monkeypatch)
    assert [error.variable for error in refused.value.errors] == [REFUSED[name]["variable"]]


@pytest.mark.parametrize("name", CASES["accepted"])
def test_the_service_accepts_what_the_module_accepts(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings_of(CASES["accepted"][name], monkeypatch)
