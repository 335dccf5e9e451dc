"""The folder in which gunicorn's workers keep their metrics, so that each can show the sum.

The files of dead workers are merged into one for each kind of metric: counters never fall, and the
folder does not grow with each worker that is replaced.
"""

import fcntl
import os
import shutil
import struct
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead as remove_live_gauges

DIRECTORY_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that prometheus_client reads."""
_DIRECTORY_PREFIX: Final = "scholarship-api-metrics-"
_ABANDONED_SECONDS: Final = 60.0
"""A younger directory may have been made by an arbiter that has not locked it yet."""
_MERGED: Final = "merged"


def prepare_multiprocess_dir() -> Path | None:
    """Make the folder; called by gunicorn's `on_starting`.

    In memory (/dev/shm) where possible. None when no folder is writable: each worker then shows
    its own values only.
    """
    for parent in _parents():
        with suppress(OSError):
            _remove_abandoned(parent)
            directory = Path(tempfile.mkdtemp(prefix=_DIRECTORY_PREFIX, dir=parent))
            _folder_lock.descriptor = _locked(directory)
            os.environ[DIRECTORY_VARIABLE] = str(directory)
            return directory
    return None


def _parents() -> Iterator[Path]:
    yield Path("/dev/shm")  # noqa: S108
    with suppress(OSError):  # gettempdir raises when no folder is writable
        yield Path(tempfile.gettempdir())


def remove_multiprocess_dir() -> None:
    """Remove the folder; called by gunicorn's `on_exit`."""
    if directory := os.environ.pop(DIRECTORY_VARIABLE, None):
        shutil.rmtree(directory, ignore_errors=True)
    if _folder_lock.descriptor is not None:
        os.close(_folder_lock.descriptor)
        _folder_lock.descriptor = None


class _FolderLock:
    descriptor: int | None = None
    """Our folder, locked as long as the arbiter or one of its workers lives."""


_folder_lock: Final = _FolderLock()


def _locked(directory: Path) -> int:
    """A descriptor that locks the folder. Raises BlockingIOError if it is locked already."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders of arbiters that were killed.

    Locks tell which ones those are. Process ids do not: containers that share /dev/shm each count
    their own.
    """
    for directory in parent.glob(f"{_DIRECTORY_PREFIX}*"):
        with suppress(OSError):  # another user's, locked, or being removed
            status = directory.lstat()
            if time.time() - status.st_mtime < _ABANDONED_SECONDS or status.st_uid != os.geteuid():
                continue
            descriptor = _locked(directory)
            shutil.rmtree(directory, ignore_errors=True)
            os.close(descriptor)


def mark_process_dead(pid: int) -> None:
    """Merge a dead worker's files; called by gunicorn's `child_exit`.

    Its counters stay in the sums, its gauges do not.
    """
    location = os.environ.get(DIRECTORY_VARIABLE)
    if not location:
        return
    directory = Path(location)
    with files_locked(directory, fcntl.LOCK_EX):
        remove_live_gauges(pid, location)  # type: ignore[no-untyped-call]
        for kind in ("counter", "histogram"):
            dead = directory / f"{kind}_{pid}.db"
            if dead.exists():
                _merge(dead, directory / f"{kind}_{_MERGED}.db")
                dead.unlink()


def _merge(dead: Path, merged: Path) -> None:
    totals: defaultdict[str, float] = defaultdict(float)
    for path in (merged, dead):
        if path.exists():
            # A worker that was killed while it wrote leaves half an entry at the end.
            with suppress(RuntimeError, ValueError, struct.error):
                for key, value, _, _ in MmapedDict.read_all_values_from_file(path):  # type: ignore[no-untyped-call]
                    totals[key] += value
    fresh = merged.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    values = MmapedDict(str(fresh))  # type: ignore[no-untyped-call]
    for key, value in totals.items():
        values.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    values.close()  # type: ignore[no-untyped-call]
    fresh.replace(merged)


@contextmanager
def files_locked(directory: Path, kind: int) -> Iterator[None]:
    """A lock of `kind` (fcntl.LOCK_SH to read, LOCK_EX to merge).

    Without it a scrape could count a dead worker twice, or leave it out.
    """
    with (directory / "lock").open("a") as file:
        fcntl.flock(file, kind)
        yield
