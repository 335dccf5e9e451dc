"""Where settings come from besides the process environment: secret files and `.env`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

DOTENV_ENVIRONMENTS: Final = frozenset({"", "development", "local"})
"""Values of ENVIRONMENT in which a `.env` file of the working directory is read."""


class Unreadable:
    """Stands in for a value that a source could not give, so that validation reports it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def refuse_unreadable(value: object) -> object:
    """Raise the reason of an `Unreadable`; every type of a setting that has a file runs this."""
    if isinstance(value, Unreadable):
        raise ValueError(value.reason)
    return value


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `NAME_FILE` for the given fields, without the final newline of the file."""

    def __init__(
        self,
        settings: type[BaseSettings],
        *,
        fields: frozenset[str],
        variables: Mapping[str, str | None],
    ) -> None:
        super().__init__(settings)
        self._fields = fields
        self._variables = variables

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        path = self._variables.get(f"{field_name}_file")
        if not path:
            return None, field_name, False
        name = field_name.upper()
        if self._variables.get(field_name):
            return Unreadable(f"give {name} or {name}_FILE, not both"), field_name, False
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, ValueError):
            return Unreadable(f"the file of {name}_FILE cannot be read as text"), field_name, False
        return text.removesuffix("\n").removesuffix("\r"), field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            if name in self._fields:
                value, key, _ = self.get_field_value(field, name)
                if value is not None:
                    found[key] = value
        return found
