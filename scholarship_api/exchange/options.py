"""Options of an import: the mapping of columns, defaults for all rows, and how to read values.

They can be saved to a TOML file and used again.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.exchange.targets import IGNORE, TARGETS
from scholarship_api.exchange.values.dates import DateOrder

MAX_MAPPING_BYTES: Final = 65_536
"""Bytes of a mapping file: a line for each of hundreds of columns."""

_PLAIN: Final = ("date_order", "delimiter", "encoding", "sheet", "header_line", "lenient")


class InvalidOptionError(ValueError):
    """An option cannot be used; the message says why, and what is allowed."""


@dataclass(slots=True)
class ImportOptions:
    columns: dict[str, str] = field(default_factory=dict)
    """Fields by headers of the file."""
    defaults: dict[str, str] = field(default_factory=dict)
    """Values by field, for rows that give none."""
    date_order: DateOrder | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header_line: int | None = None
    lenient: bool = False
    """Whether rows with values that cannot be read go in as drafts."""

    def map(self, assignment: str) -> None:
        """Add `Due Date=application_deadline`. Raises InvalidOptionError."""
        header, _, target = assignment.rpartition("=")
        self.columns[_given(header, assignment)] = _target(target)

    def set(self, assignment: str) -> None:
        """Add `organization=Acme Trust`. Raises InvalidOptionError."""
        name, _, value = assignment.partition("=")
        target = _target(name)
        if target == IGNORE:
            raise InvalidOptionError(f"{IGNORE} is not a field")
        self.defaults[target] = _given(value, assignment)


def _given(text: str, assignment: str) -> str:
    if not text.strip():
        raise InvalidOptionError(f"{assignment!r} must have the form NAME=VALUE")
    return text.strip()


def _target(name: str) -> str:
    target = name.strip().removeprefix("eligibility_criteria.")
    if target not in TARGETS:
        raise InvalidOptionError(
            f"{name.strip()!r} is not a field; fields are {', '.join(sorted(TARGETS))}"
        )
    return target


def read_mapping(path: Path) -> ImportOptions:
    """Read a mapping file. Raises UnreadableFile and OSError."""
    with path.open("rb") as file:
        content = file.read(MAX_MAPPING_BYTES + 1)
    if len(content) > MAX_MAPPING_BYTES:
        raise UnreadableFile(f"{path} is longer than a mapping file may be.")
    try:
        return options_of(tomllib.loads(content.decode()))
    except (ValueError, InvalidOptionError) as error:
        raise UnreadableFile(f"{path} is not a mapping file: {error}.") from None


def options_of(content: Mapping[str, Any]) -> ImportOptions:
    """Options from the tables of a mapping file. Raises InvalidOptionError."""
    options = ImportOptions()
    if unknown := content.keys() - {"columns", "defaults", *_PLAIN}:
        raise InvalidOptionError(f"unknown keys: {', '.join(sorted(unknown))}")
    for name in ("columns", "defaults"):
        table = content.get(name, {})
        if not isinstance(table, dict) or not all(isinstance(each, str) for each in table.values()):
            raise InvalidOptionError(f"[{name}] must be a table of texts")
    for header, target in content.get("columns", {}).items():
        options.columns[header] = _target(target)
    for name, value in content.get("defaults", {}).items():
        options.set(f"{name}={value}")
    if "date_order" in content:
        options.date_order = DateOrder(content["date_order"])
    for name in ("delimiter", "encoding", "sheet"):
        value = content.get(name)
        if value is not None and not isinstance(value, str):
            raise InvalidOptionError(f"{name} must be text")
        setattr(options, name, value)
    options.header_line = content.get("header_line")
    if options.header_line is not None and not isinstance(options.header_line, int):
        raise InvalidOptionError("header_line must be a number")
    options.lenient = content.get("lenient", False) is True
    return options


def mapping_text(options: ImportOptions) -> str:
    """The mapping file of options."""
    lines = [
        f"{name} = {_toml(value)}"
        for name in _PLAIN
        if (value := getattr(options, name)) not in (None, False)
    ]
    for name, table in (("columns", options.columns), ("defaults", options.defaults)):
        if table:
            lines += ["", f"[{name}]"]
            lines += [f"{_toml(key)} = {_toml(value)}" for key, value in table.items()]
    return "\n".join(lines).lstrip("\n") + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    # The strings of JSON are strings of TOML, but for DEL.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
