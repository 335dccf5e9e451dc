"""The options of the NixOS module are the settings of the service."""

from typing import Any

from scholarship_api.settings.settings import SECRETS, Settings
from tests.nix.expressions import REPOSITORY, binding, calls, parse, text, value

MODULE = parse((REPOSITORY / "nix" / "module.nix").read_bytes())
# These differ on purpose, because a NixOS machine serves production.
OWN_DEFAULTS: dict[str, Any] = {"ENVIRONMENT": "production"}


def option(name: str) -> dict[str, Any]:
    """The attributes of an option: literal values, and None for other expressions."""
    call = binding(MODULE, name)
    assert text(call.child_by_field_name("function")) == "mkOption"
    given = value(call.child_by_field_name("argument"))
    assert isinstance(given, dict)
    return given


def test_a_secret_is_what_the_service_reads_from_a_file() -> None:
    assert value(binding(MODULE, "secretNames")) == sorted(name.upper() for name in SECRETS)


def test_options_are_settings_and_have_their_defaults() -> None:
    names = [
        name.upper()
        for name in Settings.model_fields
        if f"\n          {name.upper()} = mk" in text(MODULE)
    ]
    assert {"ENVIRONMENT", "PORT", "ALLOWED_HOSTS", "GRACEFUL_TIMEOUT"} <= set(names)
    production = Settings.model_construct(environment="production").model_dump()
    for name in names:
        default = option(name).get("default")
        expected = OWN_DEFAULTS.get(name, production[name.lower()])
        assert default == (list(expected) if isinstance(expected, tuple) else expected), name


def test_every_option_has_a_type_and_a_description() -> None:
    options = [value(argument) for argument in calls(MODULE, "mkOption")]
    assert len(options) > 10
    for given in options:
        assert isinstance(given, dict)
        assert {"type", "default", "description"} <= set(given)
