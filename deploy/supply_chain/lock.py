"""Reads uv.lock: every locked package, and the packages that are delivered with the service."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.markers import Marker
from packaging.version import Version

FILE: Final = Path(__file__).parents[2] / "uv.lock"


@dataclass(frozen=True, slots=True, order=True)
class LockedPackage:
    name: str
    version: str
    registry: str | None
    """Address of its index; None for a package from a folder, a repository or a file."""


class Lock:
    """A lock file; it covers all groups, extras, platforms and versions of Python."""

    def __init__(self, file: Path) -> None:
        """Read the file. Raises OSError, TOMLDecodeError, or ValueError if it has no project."""
        entries: list[dict[str, Any]] = tomllib.loads(file.read_text()).get("package", [])
        projects = [entry for entry in entries if entry["source"].keys() & {"editable", "virtual"}]
        if len(projects) != 1:
            raise ValueError(f"{file} is expected to have one project, not {len(projects)}")
        [self._project] = projects
        self._entries = [entry for entry in entries if entry is not self._project]

    def packages(self) -> list[LockedPackage]:
        """All packages except the project itself, sorted; a package may have several versions."""
        return sorted(map(_package, self._entries))

    def runtime(self) -> list[LockedPackage]:
        """The dependencies of the project with all extras, on Linux and this Python version."""
        linux = {"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux"}
        extras = tuple(self._project.get("optional-dependencies", ()))
        wanted = [(self._project, ("", *extras))]
        found: set[LockedPackage] = set()
        seen: set[tuple[str, str, str]] = set()
        while wanted:
            entry, parts = wanted.pop()
            for part in parts:
                if (key := (entry["name"], entry["version"], part)) in seen:
                    continue
                seen.add(key)
                for dependency in _dependencies(entry, part):
                    marker = dependency.get("marker")
                    if marker and not Marker(marker).evaluate({**linux}):
                        continue
                    needed = self._entry(dependency)
                    found.add(_package(needed))
                    wanted.append((needed, ("", *dependency.get("extra", ()))))
        return sorted(found)

    def _entry(self, dependency: dict[str, Any]) -> dict[str, Any]:
        """The locked package; the dependency names a version when the lock has several."""
        return max(
            (
                entry
                for entry in self._entries
                if entry["name"] == dependency["name"]
                and entry["version"] == dependency.get("version", entry["version"])
            ),
            key=lambda entry: Version(entry["version"]),
        )


def _dependencies(entry: dict[str, Any], extra: str) -> Iterator[dict[str, Any]]:
    if extra:
        yield from entry.get("optional-dependencies", {}).get(extra, ())
    else:
        yield from entry.get("dependencies", ())


def _package(entry: dict[str, Any]) -> LockedPackage:
    return LockedPackage(entry["name"], entry["version"], entry["source"].get("registry"))
