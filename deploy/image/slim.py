"""Removes files from a virtual environment that the service does not need at run time.

slim.py [--keep-script NAME]... VENV
"""

import argparse
import base64
import csv
import hashlib
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

UNUSED_SUFFIXES: Final = frozenset(
    {".c", ".cc", ".cpp", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx", ".rs"}
)
UNUSED_FOLDERS: Final = frozenset({"__pycache__", "test", "tests"})
# Parts of packages that the service never imports, as globs: other databases, frameworks, event
# loops and worker types, test kits, plugins of type checkers, C parsers for building, and a second
# build of rapidfuzz for newer processors. mako/ext would load hundreds of modules at each start.
UNREACHABLE: Final = (
    "alembic/testing",
    "anyio/_backends/_trio.py",
    "anyio/pytest_plugin.py",
    "cffi",
    "click/testing.py",
    "fastapi/testclient.py",
    "gunicorn/asgi",
    "gunicorn/http2/[!_]*",
    "gunicorn/workers/[!_bsw]*",
    "gunicorn/workers/base_async.py",
    "mako/ext",
    "procrastinate/contrib",
    "pycparser",
    "pydantic/mypy.py",
    "pydantic/v1",
    "pygments/formatters/[!_]*",
    "pygments/lexers/[!_]*",
    "pygments/lexers/_*_builtins.py",
    "pygments/styles/[!_]*",
    "rapidfuzz/**/*_avx2*",
    "redis/asyncio/multidb",
    "redis/multidb",
    "sentry_sdk/integrations/[!_]*",
    "sqlalchemy/dialects/[!_]*",
    "sqlalchemy/ext/mypy",
    "sqlalchemy/testing",
    "starlette/testclient.py",
    "typer/testing.py",
)
REACHED: Final = frozenset(
    {
        "pygments/lexers/python.py",
        "pygments/styles/default.py",
        "sentry_sdk/integrations/atexit.py",
        "sentry_sdk/integrations/dedupe.py",
        "sentry_sdk/integrations/excepthook.py",
        "sentry_sdk/integrations/logging.py",
        "sqlalchemy/dialects/postgresql",
    }
)
# Records of the installer with times and paths of the build machine.
NOTES: Final = frozenset({"direct_url.json", "uv_build.json", "uv_cache.json", "REQUESTED"})
# Files that tools and people use in a virtual environment, and Python does not.
CONVENIENCES: Final = (".gitignore", ".lock", "CACHEDIR.TAG", "include")
STARTUP_HOOKS: Final = ("_virtualenv.pth", "_virtualenv.py")
INTERPRETERS: Final = frozenset({"python", "python3", "python3.13"})


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep-script", action="append", default=[])
    parser.add_argument("venv", type=Path)
    options = parser.parse_args(arguments)
    slim(options.venv, scripts=frozenset(options.keep_script))


def slim(venv: Path, *, scripts: frozenset[str]) -> None:
    [packages] = venv.glob("lib/python3*/site-packages")
    unwanted = [venv / name for name in CONVENIENCES]
    unwanted += [packages / name for name in STARTUP_HOOKS]
    unwanted += [
        script for script in (venv / "bin").iterdir() if script.name not in scripts | INTERPRETERS
    ]
    unwanted += _unwanted_in(packages)
    for path in unwanted:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # its folder may have been removed already
    for file in _files(packages):
        if ".so" in file.suffixes and not _is_vendored(file):
            subprocess.run(["/usr/bin/strip", "--strip-unneeded", file], check=True)  # noqa: S603
    for record in packages.glob("*.dist-info/RECORD"):
        _rewrite(record)


def _unwanted_in(packages: Path) -> Iterator[Path]:
    for glob in UNREACHABLE:
        for path in packages.glob(glob):
            if str(path.relative_to(packages)) not in REACHED:
                yield path
    for path in packages.rglob("*"):
        if path.is_dir():
            if path.name in UNUSED_FOLDERS:
                yield path
        elif path.suffix in UNUSED_SUFFIXES or path.name in NOTES:
            yield path


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _is_vendored(file: Path) -> bool:
    """Whether auditwheel has added the file. It patches such files, and strip would break them."""
    return any(part.endswith(".libs") for part in file.parts)


def _rewrite(record: Path) -> None:
    """Update RECORD to the files that are left, for scanners and bills of materials."""
    packages = record.parents[1]
    lines = []
    for name, digest, size in csv.reader(io.StringIO(record.read_text())):
        file = packages / name
        if not file.is_file():
            continue
        if digest:
            content = file.read_bytes()
            hashed = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
            lines.append((name, f"sha256={hashed.rstrip('=')}", str(len(content))))
        else:
            lines.append((name, digest, size))
    output = io.StringIO()
    csv.writer(output, lineterminator="\n").writerows(sorted(lines))
    record.write_text(output.getvalue())


if __name__ == "__main__":
    main(sys.argv[1:])
