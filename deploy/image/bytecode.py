"""Compiles the Python files of a folder for their final place, and gives all one time stamp.

bytecode.py [--standard-library] FOLDER

With --standard-library it puts the bytecode of the running Python's library into the folder.
"""

import compileall
import os
import py_compile
import re
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import Final

MTIME: Final = 0
"""The time stamp of all files: not that of the commit, so that an unchanged layer stays equal."""

# Modules for developers, installers, graphical programs, other protocols and old encodings, and
# Python versions of modules in C. They stay usable without bytecode.
UNUSED_MODULES: Final = re.compile(
    r"/(ensurepip|idlelib|lib2to3|msilib|pydoc_data|test|tkinter|turtledemo|unittest|venv|wsgiref"
    r"|xml|xmlrpc|_osx_support|_pydatetime|_pydecimal|_pyio|_pyrepl|bdb|cProfile|cmd|code|compileall"
    r"|doctest|fileinput|filecmp|ftplib|imaplib|mailbox|modulefinder|optparse|pdb|pickletools"
    r"|plistlib|poplib|profile|pstats|pyclbr|pydoc|smtplib|statistics|symtable|tarfile|trace"
    r"|tracemalloc|turtle|wave|webbrowser"
    r"|encodings/(big5|cp|euc_|gb|hp_|hz|iso|johab|koi8|kz|mac_|palmos|ptcp|rot|shift|tis)\w*"
    r")(\.py$|/)"
)


def main(arguments: list[str]) -> None:
    folder = Path(arguments[-1])
    folder.mkdir(exist_ok=True)
    if arguments[0] == "--standard-library":
        library = Path(sysconfig.get_path("stdlib"))
        _compile(library, skip=UNUSED_MODULES)
        for compiled in sorted(library.rglob("__pycache__/*.pyc")):
            target = folder / compiled.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(compiled, target)
    else:
        _compile(folder, strip=folder)
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (MTIME, MTIME), follow_symlinks=False)


def _compile(
    folder: Path, *, skip: "re.Pattern[str] | None" = None, strip: Path | None = None
) -> None:
    succeeded = compileall.compile_dir(
        folder,
        maxlevels=50,
        force=True,
        quiet=1,
        rx=skip,
        stripdir=strip,
        prependdir="/" if strip else None,
        # The bytecode is never compared with the sources: no time stamps, and no stat on import.
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not succeeded:
        sys.exit(f"{folder} holds a module that cannot be compiled")


if __name__ == "__main__":
    main(sys.argv[1:])
