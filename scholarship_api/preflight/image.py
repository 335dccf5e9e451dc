"""Checks a container image without running it, for `scholarship-api check --image`."""

import json
import re
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, Literal

Finding = tuple[str, Literal["passed", "failed"], str]

PROGRAMS: Final = frozenset(
    (
        "apk apt apt-get ash bash busybox csh curl dash dpkg fish ksh nc netcat nix perl pip pip3"
        " rpm sh su sudo tcsh toybox uv wget zsh"
    ).split()
)
"""Names of shells, and of programs that download or install software."""

_PROGRAM_FOLDERS: Final = frozenset({"bin", "libexec", "sbin"})
_SCRATCH_FOLDERS: Final = frozenset({"home/nonroot", "run/lock", "tmp", "var/lock", "var/tmp"})
_SECRET: Final = re.compile(r"(KEY|PASSWORD|SECRET|TOKEN|_DSN|DATABASE_URL|BACKEND_URL)")
_SHOWN: Final = 3


class ImageError(Exception):
    """The image cannot be read; the message says why."""


@dataclass(slots=True)
class _Image:
    configuration: dict[str, Any]
    programs: list[str] = field(default_factory=list)
    privileged: list[str] = field(default_factory=list)
    writable: list[str] = field(default_factory=list)
    """The files that the image's own user can change."""


def run(image: str) -> Iterator[Finding]:
    """Check an image without running it: an archive, or an image of the container engine.

    Yields name, outcome and detail.
    """
    try:
        contents = _read(image)
    except ImageError as error:
        yield "contents", "failed", str(error)
        return
    for name, (looked_at, find_problem) in _CHECKS.items():
        problem = find_problem(contents)
        yield name, "failed" if problem else "passed", problem or looked_at


def _read(image: str) -> _Image:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(image)
        if not archive.is_file():
            archive = Path(folder) / "image.tar"
            _save(image, archive)
        try:
            with tarfile.open(archive) as files:
                return _contents(files)
        except (tarfile.TarError, KeyError, ValueError, OSError):
            raise ImageError("this is no image as `docker save` writes it") from None


def _save(image: str, archive: Path) -> None:
    command = ["docker", "image", "save", "--output", str(archive), "--", image]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except FileNotFoundError:
        raise ImageError(
            "there is no file of this name, and no docker to look for the image"
        ) from None
    except subprocess.CalledProcessError:
        raise ImageError("there is no file of this name, and docker has no such image") from None


def _contents(files: tarfile.TarFile) -> _Image:
    [manifest] = json.load(_member(files, "manifest.json"))
    image = _Image(json.load(_member(files, manifest["Config"]))["config"])
    user = _number(image.configuration.get("User", ""))
    for name in manifest["Layers"]:
        with tarfile.open(fileobj=_member(files, name)) as layer:
            for entry in layer:
                _look_at(image, entry, user)
    return image


def _member(files: tarfile.TarFile, name: str) -> IO[bytes]:
    member = files.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member


def _number(user: str) -> int:
    """The user's number in `number` or `number:number`; 0, which is root, for a name or an empty
    text."""
    number = user.partition(":")[0]
    return int(number) if number.isdecimal() else 0


def _look_at(image: _Image, entry: tarfile.TarInfo, user: int) -> None:
    path = PurePosixPath("/", entry.name)
    if path.name in PROGRAMS and _PROGRAM_FOLDERS.intersection(path.parts):
        image.programs.append(str(path))
    if entry.isfile() and entry.mode & (stat.S_ISUID | stat.S_ISGID):
        image.privileged.append(str(path))
    is_writable = entry.mode & stat.S_IWOTH or (
        (entry.uid == user and entry.mode & stat.S_IWUSR)
        or (entry.gid == user and entry.mode & stat.S_IWGRP)
    )
    is_scratch = entry.isdir() and str(path.relative_to("/")) in _SCRATCH_FOLDERS
    if is_writable and not entry.issym() and not is_scratch:
        image.writable.append(str(path))


# --- Each answers with the problem, or None ------------------------------------------------------


def _user(image: _Image) -> str | None:
    if _number(image.configuration.get("User", "")) == 0:
        return "it runs as root; User has to be a number, for Kubernetes' runAsNonRoot"
    return None


def _entry_point(image: _Image) -> str | None:
    entry_point = image.configuration.get("Entrypoint") or [""]
    if PurePosixPath(entry_point[0]).name != "scholarship-api":
        return "the entry point is not scholarship-api"
    return None


def _stop_signal(image: _Image) -> str | None:
    signal = image.configuration.get("StopSignal", "SIGTERM")
    return None if signal == "SIGTERM" else f"{signal} does not let requests finish"


def _health_check(image: _Image) -> str | None:
    test = image.configuration.get("Healthcheck", {}).get("Test", ["NONE"])
    return None if test[0] == "CMD" else "there is none in exec form, and no shell for another"


def _environment(image: _Image) -> str | None:
    variables = dict(pair.split("=", 1) for pair in image.configuration.get("Env") or [])
    if secrets := sorted(name for name in variables if _SECRET.search(name)):
        return f"{', '.join(secrets)} is in every copy of the image"
    if variables.get("ENVIRONMENT") != "production":
        return "ENVIRONMENT is not production"
    return None


def _no_programs(image: _Image) -> str | None:
    return _listed(image.programs)


def _no_privileges(image: _Image) -> str | None:
    return _listed(image.privileged)


def _not_writable(image: _Image) -> str | None:
    return _listed(image.writable)


def _listed(paths: list[str]) -> str | None:
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"{', '.join(paths[:_SHOWN])}{more}" if paths else None


_CHECKS: Final[dict[str, tuple[str, Callable[[_Image], str | None]]]] = {
    "user": ("User is a number other than 0", _user),
    "entry point": ("the entry point is scholarship-api", _entry_point),
    "stop signal": ("SIGTERM", _stop_signal),
    "health check": ("in exec form", _health_check),
    "environment": ("ENVIRONMENT is production, and no variable holds a secret", _environment),
    "no shell, no installer": (f"none of {len(PROGRAMS)} programs is there", _no_programs),
    "no setuid files": ("no file is setuid or setgid", _no_privileges),
    "nothing to write to": ("the user can write to scratch folders only", _not_writable),
}
"""For each name, the text of a passed row and the function that finds the problem."""

NAMES: Final = ("contents", *_CHECKS)
