"""A folder for files that the processes of one service share, in memory where possible.

The arbiter makes it before it forks its workers, and removes it when it ends. Nobody else can read
it or write to it. Folders of arbiters that were killed are removed by the next one.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108
_ABANDONED_SECONDS: Final = 60.0
"""A younger folder may have been made by an arbiter that has not locked it yet."""


class SharedFolder:
    """A folder of this user alone, locked as long as the arbiter or one of its workers lives."""

    def __init__(self, path: Path) -> None:
        """Raises BlockingIOError if the folder is locked already."""
        self.path = path
        self._descriptor = _locked(path)

    @classmethod
    def make(cls, prefix: str) -> Self | None:
        """A new folder whose name begins with `prefix`; None when no parent is writable."""
        for parent in _parents():
            with suppress(OSError):
                _remove_abandoned(parent, prefix)
                return cls(Path(tempfile.mkdtemp(prefix=prefix, dir=parent)))
        return None

    def remove(self) -> None:
        """Remove the folder with all its files."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._descriptor)


class _Service:
    folder: SharedFolder | None = None


_service: Final = _Service()


def make_service_folder() -> None:
    """Make the folder for what workers leave to their successors; the arbiter does so, once."""
    _service.folder = SharedFolder.make("scholarship-api-workers-")


def service_folder() -> Path | None:
    """That folder, which workers inherit; None in a process without an arbiter."""
    return None if _service.folder is None else _service.folder.path


def remove_service_folder() -> None:
    if _service.folder is not None:
        _service.folder.remove()
        _service.folder = None


def _parents() -> Iterator[Path]:
    yield SHARED_MEMORY
    with suppress(OSError):  # gettempdir raises when no folder is writable
        yield Path(tempfile.gettempdir())


def _locked(directory: Path) -> int:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove the folders of arbiters that were killed.

    Locks tell which ones those are. Process ids do not: containers that share /dev/shm each count
    their own.
    """
    for directory in parent.glob(f"{prefix}*"):
        with suppress(OSError):  # another user's, locked, or being removed
            status = directory.lstat()
            if time.time() - status.st_mtime < _ABANDONED_SECONDS or status.st_uid != os.geteuid():
                continue
            descriptor = _locked(directory)
            shutil.rmtree(directory, ignore_errors=True)
            os.close(descriptor)
