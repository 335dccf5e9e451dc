"""Fails when the store paths of an image contain programs that would help an intruder.

closure.py LISTING [REPORT]

LISTING has one store path a line. REPORT gets the paths with their sizes.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Final

# The names that the tests of the other image look for, and those that Nix adds.
PROGRAMS: Final = frozenset(
    (
        "apk apt apt-get ar as ash bash busybox c++ cargo cat cc clang coreutils cp cpp csh curl"
        " dash dpkg env fish g++ gcc gdb git gunzip hg ksh ld ls make nc netcat nix nix-store perl"
        " rpm rustc scp sed sh socat ssh strip su sudo tar tcsh toybox uv uvx wget zsh"
    ).split()
)
PATTERN: Final = re.compile(r"pip[\d.]*|(x86_64|aarch64)-.*linux-gnu-.*|.*\.whl|\.env.*")
PACKAGES: Final = frozenset({"ensurepip", "pip", "setuptools", "uv", "wheel"})
"""Folders of installers in Python's packages."""
PACKAGE_FOLDERS: Final = re.compile(r"site-packages|python3\.\d+")
PROGRAM_FOLDERS: Final = frozenset({"bin", "libexec", "sbin"})


def unwanted(paths: Iterable[str]) -> Iterator[str]:
    """The paths of forbidden files and links."""
    for path in paths:
        parts = PurePosixPath(path).parts
        is_program = PROGRAM_FOLDERS.intersection(parts[:-1]) and (
            parts[-1] in PROGRAMS or PATTERN.fullmatch(parts[-1])
        )
        is_installer = any(
            package in PACKAGES and PACKAGE_FOLDERS.fullmatch(folder)
            for folder, package in pairwise(parts)
        )
        if is_program or is_installer:
            yield path


def files(root: Path) -> Iterator[Path]:
    """All files below a path, or the path itself; links are not followed."""
    if root.is_symlink() or root.is_file():
        yield root
    else:
        yield from (path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())


def main(arguments: list[str]) -> None:
    listing = Path(arguments[0])
    roots = sorted(map(Path, listing.read_text().split()))
    if not roots:
        sys.exit(f"{listing} lists nothing")
    found: list[str] = []
    lines: list[str] = []
    for root in roots:
        contents = list(files(root))
        found += unwanted(map(str, contents))
        size = sum(path.lstat().st_size for path in contents)
        lines.append(f"{size / 1e6:8.2f} MB  {root}\n")
    sys.stderr.writelines(lines)
    if found:
        sys.exit("Not for an image:\n" + "\n".join(found))
    for report in arguments[1:]:
        Path(report).write_text("".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
