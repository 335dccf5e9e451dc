"""The table of NSPA codes, read from `codes.toml`."""

import importlib.resources
import tomllib
from collections.abc import Mapping
from typing import Final, NamedTuple


class Code(NamedTuple):
    list: str
    """The element of EligibilityCriteria that holds the code."""
    name: str
    """As NSPA spells it."""
    field: str
    """The criterion."""
    value: str = ""
    """Its value; empty where the record gives a number."""


def _load() -> tuple[Code, ...]:
    file = importlib.resources.files(__package__) / "codes.toml"
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return tuple(Code(**entry) for entry in content["code"])


def fold(name: object) -> str:
    """Without letter case and repeated spaces."""
    return " ".join(str(name).split()).casefold()


CODES: Final = _load()
BY_NAME: Final[Mapping[tuple[str, str], Code]] = {
    (code.list, fold(code.name)): code for code in CODES
}
BY_VALUE: Final[Mapping[tuple[str, str], Code]] = {(code.field, code.value): code for code in CODES}
