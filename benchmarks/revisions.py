"""Earlier revisions of this project, each with an environment of its own.

A revision is exported from git into .cache/benchmarks/revisions/<commit>, and its locked packages
are installed beside it. Both are reused by later runs.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from benchmarks.catalogues import CACHE
from benchmarks.goals import NotMeasuredError
from benchmarks.progress import STDERR

DEFAULT: Final = "fe9c6e4"
"""The release that goals called "before" compare with; BENCHMARK_BEFORE names another one."""

_REPOSITORY: Final = Path(__file__).parents[1]
_COMPLETE: Final = "complete"
"""The file that marks a revision as completely installed."""


def checkout(revision: str | None = None) -> Path:
    """The folder of the revision. Raises NotMeasuredError without git history, uv, or an index."""
    name = revision or os.environ.get("BENCHMARK_BEFORE") or DEFAULT
    commit = _commit(name)
    folder = CACHE / "revisions" / commit
    if not (folder / _COMPLETE).exists():
        STDERR.print(f"Installing revision {name}; later runs reuse it.")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _export(commit, folder)
        _install(folder)
        (folder / _COMPLETE).touch()
    return folder


def _commit(revision: str) -> str:
    command = ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    try:
        done = subprocess.run(command, cwd=_REPOSITORY, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise NotMeasuredError(f"git does not have the revision {revision}") from None
    return done.stdout.strip()


def _export(commit: str, folder: Path) -> None:
    with subprocess.Popen(
        ["git", "archive", commit], cwd=_REPOSITORY, stdout=subprocess.PIPE
    ) as archive:
        subprocess.run(["tar", "-x", "-C", folder], stdin=archive.stdout, check=True)
    if archive.returncode:
        raise NotMeasuredError(f"git cannot export the revision {commit}")


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or _REPOSITORY / ".uv" / "bin" / "uv"
    command = [uv, "sync", "--frozen", "--no-dev", "--compile-bytecode", "--quiet"]
    variables = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(folder / ".venv")}
    variables.pop("VIRTUAL_ENV", None)
    try:
        subprocess.run(command, cwd=folder, env=variables, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise NotMeasuredError("the packages of the earlier revision cannot be installed") from None
