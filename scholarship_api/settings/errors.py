"""How unusable settings are reported: by the variable that was set, never by its value."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from pydantic_core import ErrorDetails

from scholarship_api.command_errors import EXIT_CONFIG, CommandError, LogFormat


class SettingError(NamedTuple):
    """One setting that cannot be used."""

    variable: str
    """The environment variable to change; `.env` when the file itself cannot be read."""
    reason: str
    """The fault and what would do instead, without the value."""


class SettingsError(CommandError):
    """Everything that is wrong with the settings, in the order of the settings.

    Not a `ValueError`, so that pydantic lets it through instead of wrapping it with its input.
    There are no settings to ask for the format of the logs, so the error carries it.
    """

    exit_code = EXIT_CONFIG
    event = "settings.refused"

    def __init__(
        self, errors: Sequence[SettingError], *, log_format: LogFormat = "console"
    ) -> None:
        self.errors = tuple(errors)
        lines = [f"  {error.variable}: {error.reason}" for error in self.errors]
        message = "\n".join(["The settings cannot be used:", *lines])
        super().__init__(message, log_format=log_format)

    def fields(self) -> dict[str, object]:
        return {"errors": [error._asdict() for error in self.errors]}


_REASONS: Final = {
    "bool_parsing": "must be true or false",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "string_too_short": "must not be empty",
}
"""By pydantic's type of error: what would do. The field's limits fill the braces."""


def reason_of(problem: ErrorDetails) -> str:
    """The reason of an error that pydantic found."""
    if reason := _REASONS.get(problem["type"]):
        return reason.format(**problem.get("ctx", {})).replace("'", "")
    return problem["msg"].removeprefix("Value error, ")
