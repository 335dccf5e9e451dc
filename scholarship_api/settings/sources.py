"""The sources of settings besides the process environment: secret files and `.env`."""

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource

from scholarship_api.settings.errors import SettingError, SettingsError

DOTENV_ENVIRONMENTS: Final = frozenset({"", "development", "local"})
"""Values of ENVIRONMENT in which a `.env` file of the working directory is read."""

MAX_FILE_BYTES: Final = 65_536
"""The longest file of a setting. A device such as /dev/zero has no end."""


class Unreadable:
    """Stands in for a value that a source could not give, so that validation reports it."""

    def __init__(self, variable: str, reason: str) -> None:
        self.variable = variable
        self.reason = reason


class FileText(str):
    """A value that a `NAME_FILE` variable led to; errors name that variable."""

    __slots__ = ()


def refuse_unreadable(value: object) -> object:
    """Raise the reason of an `Unreadable`; every type of a setting that has a file runs this."""
    if isinstance(value, Unreadable):
        raise ValueError(value.reason)
    return value


def variable_of(setting: str, values: Mapping[str, object]) -> str:
    """The environment variable that gave a setting its value: `NAME`, or `NAME_FILE`."""
    value = values.get(setting.lower())
    if isinstance(value, Unreadable):
        return value.variable
    return f"{setting}_FILE" if isinstance(value, FileText) else setting


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
            reason = f"give {name} or {name}_FILE, not both"
            return Unreadable(name, reason), field_name, False
        try:
            text = _read(Path(path))
        except UnicodeDecodeError:
            reason = "the file that it names is not UTF-8 text"
        except (OSError, ValueError) as error:
            detail = getattr(error, "strerror", None)
            reason = f"the file that it names cannot be read: {detail or 'not a path'}"
        else:
            return FileText(text.removesuffix("\n").removesuffix("\r")), field_name, False
        return Unreadable(f"{name}_FILE", reason), field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            if name in self._fields:
                value, key, _ = self.get_field_value(field, name)
                if value is not None:
                    found[key] = value
        return found


def _read(path: Path) -> str:
    """The text of a file. Raises OSError, for too long a file as well, and UnicodeDecodeError."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    return content.decode()


def dotenv_source(settings: type[BaseSettings], file: Path | None) -> DotEnvSettingsSource:
    """The variables of a `.env` file, none if it is not there. Raises `SettingsError`.

    pydantic-settings would read the file in each environment, and let the errors of reading
    through.
    """
    try:
        return DotEnvSettingsSource(settings, env_file=file, env_file_encoding="utf-8")
    except UnicodeDecodeError:
        reason = "is not UTF-8 text; write it anew from .env.example, or remove it"
    except OSError as error:
        reason = f"cannot be read: {error.strerror}; remove it, or start in another directory"
    raise SettingsError([SettingError(".env", reason)])
