"""Fails when an image archive for `docker load` has unsafe files or another configuration.

archive.py ARCHIVE CONFIGURATION

CONFIGURATION is a JSON file with the required parts of the image's configuration.
"""

import json
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from closure import unwanted

USER: Final = 65532
WRITABLE: Final = frozenset({"tmp"})
"""Folders that USER may write to when the file system is not read-only."""


def main(arguments: list[str]) -> None:
    expected = json.loads(Path(arguments[1]).read_text())
    with tarfile.open(arguments[0]) as archive:
        [manifest] = json.load(_member(archive, "manifest.json"))
        configuration = json.load(_member(archive, manifest["Config"]))
        faults = list(_configuration_faults(configuration, expected))
        paths = []
        for name in manifest["Layers"]:
            with tarfile.open(fileobj=_member(archive, name)) as layer:
                for entry in layer:
                    paths.append(entry.name)
                    faults += _entry_faults(entry)
    faults += [f"{path} is not for an image" for path in unwanted(paths)]
    if len(paths) < len(manifest["Layers"]):
        faults.append("a layer is empty")
    if faults:
        sys.exit("\n".join(faults))


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    member = archive.extractfile(name)
    if member is None:
        sys.exit(f"{name} is no file")
    return member


def _configuration_faults(configuration: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    for name, value in expected.items():
        if configuration["config"].get(name) != value:
            yield f"{name} is {configuration['config'].get(name)}"
    if configuration["config"].get("Volumes"):
        yield "there are volumes"


def _entry_faults(entry: tarfile.TarInfo) -> Iterator[str]:
    path = entry.name.removeprefix("./").strip("/")
    if entry.isfile() and entry.mode & (stat.S_ISUID | stat.S_ISGID):
        yield f"{path} gives privileges"
    mine = entry.uid == USER and entry.mode & stat.S_IWUSR
    ours = entry.gid == USER and entry.mode & stat.S_IWGRP
    if not entry.issym() and (mine or ours or entry.mode & stat.S_IWOTH) and path not in WRITABLE:
        yield f"{path} can be written to"
    if path == "tmp" and entry.mode != stat.S_ISVTX | 0o777:
        yield f"{path} has the mode {entry.mode:o}"


if __name__ == "__main__":
    main(sys.argv[1:])
