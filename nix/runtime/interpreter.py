"""Copies nixpkgs' Python to a folder of the store, without a shell and without builders' files.

interpreter.py ORIGINAL COPY LIBRARY STORE

ORIGINAL and COPY are store paths of equal length. LIBRARY is the folder of the standard library
below `lib`, such as `python3.13`. STORE is the folder of all store paths.

nixpkgs puts the path of bash into subprocess.py, into python3-config, and into the first line of
each script. Any of them would bring bash into the image. This program deletes the scripts, gives
subprocess.py the shell that CPython names, and fails when a file still names a shell in the store.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Final

from shells import is_shell_script, shell_pattern, shells_in

FOLDERS: Final = ("config-*", "ensurepip", "idlelib", "site-packages", "test", "tkinter")
"""Parts of the standard library for builders of extensions, for screens and for installers."""
FILES: Final = ("turtledemo", "lib-dynload/_test*", "__pycache__", "*/__pycache__")
EXTENSIONS: Final = ("_curses", "_curses_panel", "_dbm", "_gdbm", "_sqlite3", "readline")
"""Extension modules that need libraries which the service does not use."""


def main(arguments: list[str]) -> None:
    original, copy, library, store = arguments
    if len(original) != len(copy):
        sys.exit(f"{copy} must be as long as {original}: programs hold the path in fixed places")
    copy_files(Path(original), Path(copy), library)
    standard_library = Path(copy, "lib", library)
    delete_unused(standard_library)
    delete_scripts(Path(copy), store)
    restore_shell(standard_library, store)
    move_references(Path(copy), original)
    if found := list(shells_in(Path(copy), store)):
        sys.exit("\n".join(f"{path} names the shell {shell}" for path, shell in found))


def copy_files(original: Path, copy: Path, library: str) -> None:
    """Copy the interpreter and its libraries; everything becomes writable for the next steps."""
    programs = copy / "bin"
    programs.mkdir(parents=True)
    shutil.copy(original / "bin" / library, programs)
    (programs / "python3").symlink_to(library)
    shutil.copytree(original / "lib", copy / "lib", symlinks=True)
    shutil.rmtree(copy / "lib" / "pkgconfig", ignore_errors=True)
    for path in [copy, *copy.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def delete_unused(standard_library: Path) -> None:
    extensions = [f"lib-dynload/{name}.*" for name in EXTENSIONS]
    for pattern in [*FOLDERS, *FILES, *extensions, "**/__pycache__"]:
        for path in list(standard_library.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def delete_scripts(copy: Path, store: str) -> None:
    """Delete the scripts that a shell runs, such as ctypes/macholib/fetch_macholib."""
    for path in list(copy.rglob("*")):
        if path.is_file() and not path.is_symlink() and is_shell_script(path, store):
            path.unlink()


def restore_shell(standard_library: Path, store: str) -> None:
    """Give modules the path `/bin/sh`, as CPython has it, instead of a shell in the store."""
    for path in standard_library.rglob("*.py"):
        source = path.read_bytes()
        restored = shell_pattern(store).sub(b"/bin/sh", source)
        if restored != source:
            path.write_bytes(restored)
    if b"'/bin/sh'" not in (standard_library / "subprocess.py").read_bytes():
        sys.exit("subprocess.py does not name '/bin/sh': see how nixpkgs patches it now")


def move_references(copy: Path, original: str) -> None:
    """Replace the original's path by the copy's, in files and in links."""
    old, new = os.fsencode(original), os.fsencode(copy)
    for path in list(copy.rglob("*")):
        if path.is_symlink():
            target = path.readlink()
            if target.is_relative_to(original):
                path.unlink()
                path.symlink_to(copy / target.relative_to(original))
        elif path.is_file():
            content = path.read_bytes()
            if old in content:
                path.write_bytes(content.replace(old, new))


if __name__ == "__main__":
    main(sys.argv[1:])
