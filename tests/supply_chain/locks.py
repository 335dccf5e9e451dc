"""Lock files for tests."""

import json
from pathlib import Path
from typing import Any


def write_lock(file: Path, *packages: dict[str, Any], **project: Any) -> Path:  # noqa: ANN401 - any that TOML has
    """Write the lock file of a project. Each package has a name, a version and a source."""
    own = {"name": "project", "version": "1.0", "source": {"editable": "."}, **project}
    lines = ["version = 1"]
    for package in (own, *packages):
        lines.append("[[package]]")
        lines += [f"{key} = {_toml(value)}" for key, value in package.items()]
    file.write_text("\n".join(lines))
    return file


def locked(name: str, version: str, *, index: str = "https://index.test/simple") -> dict[str, Any]:
    return {"name": name, "version": version, "source": {"registry": index}}


def _toml(value: Any) -> str:  # noqa: ANN401 - any that JSON has too
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)
