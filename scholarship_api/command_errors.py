"""The exit codes of commands, and the errors that end a command with one.

Imports nothing but the standard library, so that `scholarship-api --help` stays fast.
"""

import datetime as dt
import json
import sys
from typing import ClassVar, Final, Literal

EXIT_PROBLEM: Final = 1
"""The work met problems, which are listed."""

EXIT_USAGE: Final = 2
"""The command was called wrongly."""

EXIT_UNAVAILABLE: Final = 69
"""A server that is needed, or the port, cannot be used (`EX_UNAVAILABLE` of sysexits.h)."""

EXIT_CONFIG: Final = 78
"""The settings cannot be used (`EX_CONFIG` of sysexits.h)."""

LogFormat = Literal["json", "console"]


class CommandError(Exception):
    """Ends a command. The message names variables and fixed reasons, never a value."""

    exit_code: ClassVar[int] = EXIT_PROBLEM
    event: ClassVar[str] = "command.failed"
    """The event of the JSON line."""

    def __init__(self, message: str, *, log_format: LogFormat = "console") -> None:
        super().__init__(message)
        self.log_format = log_format

    def fields(self) -> dict[str, object]:
        """The other fields of the JSON line."""
        return {"message": str(self)}


def report(error: CommandError) -> None:
    """Write the error to standard error: one JSON line, or the message as it is, never wrapped."""
    if error.log_format == "console":
        sys.stderr.write(f"{error}\n")
        return
    line = {
        "timestamp": dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")[:-6] + "Z",
        "level": "critical",
        "event": error.event,
        "logger": __name__,
        **error.fields(),
        "exit_code": error.exit_code,
    }
    sys.stderr.write(json.dumps(line, separators=(",", ":")) + "\n")
