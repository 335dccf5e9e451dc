"""Writes what the NixOS module knows of the settings: nix/settings.json and docs/nixos-settings.md.

    .venv/bin/python -m scripts.nix_settings

Names, types, bounds and defaults come from the class `Settings`, descriptions from .env.example. A
test fails when the files differ from what this program would write.
"""

import itertools
import json
import typing
from pathlib import Path
from types import NoneType
from typing import Any, Final

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from scholarship_api.settings import values
from scholarship_api.settings.settings import SECRETS, Settings

REPOSITORY: Final = Path(__file__).parents[1]
DESCRIPTION: Final = REPOSITORY / "nix" / "settings.json"
PAGE: Final = REPOSITORY / "docs" / "nixos-settings.md"

PATTERNS: Final[dict[object, str]] = {
    values.RateLimit: "[1-9][0-9]* ?(/|per) ?[a-z0-9 ]+",
    values.WebUrl: "https?://[^[:space:]]+",
    values.WebUrls: "https?://[^[:space:],]+",
    values.Origins: r"https?://[^][:space:]/?#@*,[]+|https?://\[[0-9a-fA-F:.]+](:[0-9]+)?|\*",
    values.Hosts: r"(\*\.)?[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+]|\*",
    values.BaseUrl: "https?://[^[:space:]]+",
    values.RootPath: "/[^[:space:]]*",
    values.BindHosts: r"[0-9a-fA-F:.]+|\[[0-9a-fA-F:.]+]",
    values.Names: "[A-Za-z_]+",
    values.Networks: "[0-9a-fA-F:.]+(/[0-9]+)?",
    values.PostgresUrl: r"postgres(ql(\+psycopg)?)?://.+",
    values.RedisUrl: r"(unix|(rediss?|valkeys?)(\+(sentinel|cluster))?)://.+",
}
"""Each value, or each entry of a list, as a POSIX extended expression, which is what Nix matches.

They refuse what is surely wrong; the service itself is stricter.
"""

PLACEHOLDERS: Final[dict[object, str]] = {
    values.PostgresUrl: "postgresql://user:password@database.invalid/scholarships",
    values.ReadUrls: "postgresql://user:password@replica.invalid/scholarships",
    values.RedisUrl: "redis://:password@limits.invalid:6379/0",
    values.SentryDsn: "https://key@sentry.invalid/1",
    values.SmtpUrl: "smtp://user:password@mail.invalid:587",
}
"""Text in place of a secret of this type when the settings are checked without their secrets.

A secret of another type is a random text, and the module makes one.
"""

PAGE_HEAD: Final = """\
# NixOS: options of `services.scholarship-api.settings`

`null`, the default of each option, leaves the service's own default, which is shown. A secret is
a file outside of the Nix store; `services.scholarship-api.secrets.NAME` names it. An address such
as `DATABASE_URL` may also be a setting when it holds no password. `scripts/nix_settings.py` writes
this page.

| Option | Type | Default in production | Meaning |
|---|---|---|---|
"""


def describe_settings() -> dict[str, dict[str, Any]]:
    """Type, bounds, default in production, secrecy and meaning of each setting, by its variable."""
    meanings = _meanings()
    production = Settings.model_construct(environment="production")
    annotations = typing.get_type_hints(Settings, include_extras=True)
    return {
        name.upper(): {
            **_type_of(name, annotations[name]),
            "default": _plain(getattr(production, name)),
            "description": meanings[name.upper()],
            "secret": name in SECRETS,
            **_placeholder_of(annotations[name]),
        }
        for name in Settings.model_fields
    }


def as_json(described: dict[str, dict[str, Any]]) -> str:
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def as_page(described: dict[str, dict[str, Any]]) -> str:
    rows = [
        (f"`{name}`", _type_in_words(each), _default_in_words(each), each["description"])
        for name, each in described.items()
    ]
    return PAGE_HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _meanings() -> dict[str, str]:
    """The comment above each variable of .env.example."""
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    return {
        line.partition("=")[0]: above.removeprefix("# ")
        for above, line in itertools.pairwise(lines)
        if "=" in line and not line.startswith("#")
    }


def _type_of(name: str, annotation: object) -> dict[str, Any]:
    field = Settings.model_fields[name]
    base: Any = field.annotation
    if NoneType in typing.get_args(base):
        base = next(part for part in typing.get_args(base) if part is not NoneType)
        annotation, metadata = base, list(getattr(base, "__metadata__", ()))
    else:
        metadata = field.metadata
    base = typing.get_args(base)[0] if typing.get_origin(base) is typing.Annotated else base
    described: dict[str, Any] = {}
    if typing.get_origin(base) is typing.Literal:
        described = {"type": "enum", "values": list(typing.get_args(base))}
    elif base is bool:
        described = {"type": "bool"}
    elif typing.get_origin(base) is dict:
        described = {"type": "json"}
    elif base is int:
        described = {"type": "int", **_bounds(metadata)}
    else:
        is_list = typing.get_origin(base) is tuple
        described = {"type": "list" if is_list else "string"}
        if pattern := PATTERNS.get(annotation):
            described["pattern"] = pattern
    return described


def _bounds(metadata: list[Any]) -> dict[str, int]:
    bounds: dict[str, int] = {}
    nested = [part for each in metadata if isinstance(each, FieldInfo) for part in each.metadata]
    for each in [*metadata, *nested]:
        match each:
            case Ge(ge=int(least)):
                bounds["min"] = least
            case Gt(gt=int(below)):
                bounds["min"] = below + 1
            case Le(le=int(most)):
                bounds["max"] = most
    return bounds


def _placeholder_of(annotation: object) -> dict[str, str]:
    placeholder = PLACEHOLDERS.get(annotation)
    return {"placeholder": placeholder} if placeholder else {}


def _plain(value: object) -> object:
    """A default as JSON; null for a secret, which has none that could be shown."""
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, dict):
        return value
    return [str(each) for each in value] if isinstance(value, tuple) else None


def _type_in_words(described: dict[str, Any]) -> str:
    words = {
        "bool": "boolean",
        "json": "attribute set",
        "list": "list of strings",
        "string": "string",
    }
    if described["secret"]:
        return "file in `secrets`"
    if described["type"] == "enum":
        return "one of " + ", ".join(f"`{value}`" for value in described["values"])
    if described["type"] == "int":
        most = f"to {described['max']}" if "max" in described else "or more"
        return f"integer, {described['min']} {most}"
    return words[described["type"]]


def _default_in_words(described: dict[str, Any]) -> str:
    default = described["default"]
    return "none" if default in (None, "", [], {}) else f"`{json.dumps(default)}`"


if __name__ == "__main__":
    found = describe_settings()
    DESCRIPTION.write_text(as_json(found))
    PAGE.write_text(as_page(found))
