"""The folder in which gunicorn's workers keep their metrics, so that each can show the sum.

The files of dead workers are merged into one for each kind of metric: counters never fall, and the
folder does not grow with each worker that is replaced.
"""

import fcntl
import os
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead as remove_live_gauges

from scholarship_api.platform.shared_folder import SharedFolder

DIRECTORY_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that prometheus_client reads."""
_DIRECTORY_PREFIX: Final = "scholarship-api-metrics-"
_MERGED: Final = "merged"


def prepare_multiprocess_dir() -> Path | None:
    """Make the folder; called by gunicorn's `on_starting`.

    None when no folder is writable: each worker then shows its own values only.
    """
    folder = SharedFolder.make(_DIRECTORY_PREFIX)
    if folder is None:
        return None
    _arbiter.folder = folder
    os.environ[DIRECTORY_VARIABLE] = str(folder.path)
    return folder.path


def remove_multiprocess_dir() -> None:
    """Remove the folder; called by gunicorn's `on_exit`."""
    os.environ.pop(DIRECTORY_VARIABLE, None)
    if _arbiter.folder is not None:
        _arbiter.folder.remove()
        _arbiter.folder = None


class _Arbiter:
    folder: SharedFolder | None = None


_arbiter: Final = _Arbiter()


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
