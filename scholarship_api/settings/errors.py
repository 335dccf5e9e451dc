"""How unusable settings are reported: by variable name, never by value."""

from collections.abc import Sequence
from typing import Final, NamedTuple

EXIT_CONFIG: Final = 78
"""The exit code of a process that refuses its settings (`EX_CONFIG` of sysexits.h)."""


class Fault(NamedTuple):
    variable: str
    reason: str


class SettingsError(Exception):
    """Every fault of the settings at once, in the order of the settings.

    Not a `ValueError`, so that pydantic lets it through instead of wrapping it with its input.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        lines = [f"  {fault.variable}: {fault.reason}" for fault in self.faults]
        super().__init__("\n".join(["The settings cannot be used:", *lines]))
