"""Fails when a file below a folder names a shell in the Nix store.

shells.py FOLDER STORE

STORE is the folder of all store paths. A path whose hash nixpkgs has erased refers to nothing and
does not count.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SHELLS: Final = b"(?:a|ba|da|k|z)?sh"
ERASED_HASH: Final = b"e" * 32
"""The hash that nixpkgs' `nuke-refs` writes over a reference."""


def shell_pattern(store: str) -> re.Pattern[bytes]:
    return re.compile(
        re.escape(os.fsencode(store)) + rb"/([0-9a-z]{32})-[\w+.?=-]+/bin/" + SHELLS + rb"\b"
    )


def is_shell_script(path: Path, store: str) -> bool:
    """Whether a shell runs the file, by its first line."""
    with path.open("rb") as file:
        first = file.readline(1024)
    if not first.startswith(b"#!"):
        return False
    in_store = shell_pattern(store).search(first)
    return bool(in_store or re.match(rb"#!\s*/(?:usr/)?bin/(?:env +)?" + SHELLS + rb"\b", first))


def shells_in(folder: Path, store: str) -> Iterator[tuple[Path, str]]:
    """Each file that names a shell in the store, with the shell."""
    pattern = shell_pattern(store)
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        else:
            continue
        for match in pattern.finditer(content):
            if match[1] != ERASED_HASH:
                yield path, os.fsdecode(match[0])
                break


def main(arguments: list[str]) -> None:
    folder, store = arguments
    if found := list(shells_in(Path(folder), store)):
        sys.exit("\n".join(f"{path} names the shell {shell}" for path, shell in found))


if __name__ == "__main__":
    main(sys.argv[1:])
