"""The CPUs that this process may use, by affinity (cpusets) and cgroup quotas (v1 and v2)."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

_ROOT: Final = Path("/")


class _Mount(NamedTuple):
    root: PurePosixPath
    """The cgroup that the mount point shows."""
    point: PurePosixPath


def available_cpus(root: Path = _ROOT) -> int:
    """The number of CPUs that may run at the same time, at least 1; a quota of 1.5 counts as 2.

    `root` is the folder of /proc and of the cgroup mounts.
    """
    # A cpuset, whichever cgroup version sets it, shows in the affinity.
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    return max(1, min([count, *(math.ceil(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """The quotas, in CPUs, of our cgroup and of the ones above it."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
        mounts = (root / "proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return
    for line in groups:
        _, controllers, path = line.split(":", 2)
        unified = not controllers
        if not unified and "cpu" not in controllers.split(","):
            continue
        if (mount := _find_mount(mounts, unified=unified)) is None:
            continue
        for folder in _folders(mount, PurePosixPath(path)):
            read = _quota_v2 if unified else _quota_v1
            quota = read(root / folder.relative_to("/"))
            if quota is not None:
                yield quota


def _find_mount(mounts: list[str], *, unified: bool) -> _Mount | None:
    for line in mounts:
        before, _, after = line.partition(" - ")
        kind, _, super_options = after.split(" ", 2)
        if kind == "cgroup2" if unified else kind == "cgroup" and "cpu" in super_options.split(","):
            _, _, _, mount_root, point, *_ = before.split(" ")
            return _Mount(PurePosixPath(mount_root), PurePosixPath(point))
    return None


def _folders(mount: _Mount, path: PurePosixPath) -> Iterator[PurePosixPath]:
    # In a container the path may be the host's, of which the mount shows a part, or nothing.
    inside = path.relative_to(mount.root) if path.is_relative_to(mount.root) else PurePosixPath()
    folder = mount.point / inside
    yield folder
    while folder != mount.point:
        folder = folder.parent
        yield folder


def _quota_v2(folder: Path) -> float | None:
    try:
        limit, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) / int(period)


def _quota_v1(folder: Path) -> float | None:
    try:
        limit = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return limit / period if limit > 0 and period > 0 else None
