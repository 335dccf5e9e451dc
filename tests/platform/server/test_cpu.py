"""The CPU count on cgroup trees as the kernel shows them."""

import os
from pathlib import Path

import pytest

from scholarship_api.platform.server.cpu import available_cpus

V2_MOUNT = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw"
V1_MOUNT = "32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"


@pytest.fixture(autouse=True)
def eight_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


def tree(root: Path, cgroup: str, mounts: str, files: dict[str, str]) -> Path:
    for name, text in {
        "proc/self/cgroup": cgroup,
        "proc/self/mountinfo": mounts,
        **{f"sys/fs/cgroup/{name}": text for name, text in files.items()},
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("limit", "cpus"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("10000 100000", 1),
        ("1600000 100000", 8),
        ("nonsense", 8),
    ],
)
def test_a_v2_quota_is_rounded_up(tmp_path: Path, limit: str, cpus: int) -> None:
    assert available_cpus(tree(tmp_path, "0::/", V2_MOUNT, {"cpu.max": limit})) == cpus


def test_the_smallest_v2_quota_of_the_parents_counts(tmp_path: Path) -> None:
    files = {
        "cpu.max": "max 100000",
        "system.slice/cpu.max": "300000 100000",
        "system.slice/api.service/cpu.max": "max 100000",
    }
    root = tree(tmp_path, "0::/system.slice/api.service", V2_MOUNT, files)
    assert available_cpus(root) == 3


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 8), ("250000", 3)])
def test_a_v1_quota_is_rounded_up(tmp_path: Path, quota: str, cpus: int) -> None:
    folder = "cpu,cpuacct/docker/abc"
    files = {f"{folder}/cpu.cfs_quota_us": quota, f"{folder}/cpu.cfs_period_us": "100000"}
    groups = "9:name=systemd:/\n1:cpu,cpuacct:/docker/abc\n0::/"
    assert available_cpus(tree(tmp_path, groups, V1_MOUNT.format(root="/"), files)) == cpus


def test_a_v1_path_of_the_host_is_read_in_a_container(tmp_path: Path) -> None:
    files = {"cpu,cpuacct/cpu.cfs_quota_us": "100000", "cpu,cpuacct/cpu.cfs_period_us": "50000"}
    groups = "1:cpu,cpuacct:/docker/abc"
    mounts = V1_MOUNT.format(root="/docker/abc")
    assert available_cpus(tree(tmp_path, groups, mounts, files)) == 2


def test_a_path_outside_the_mount_is_not_followed(tmp_path: Path) -> None:
    files = {"cpu.max": "100000 100000"}
    assert available_cpus(tree(tmp_path, "0::/../elsewhere", V2_MOUNT, files)) == 1


def test_the_cpuset_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert available_cpus(tree(tmp_path, "0::/", V2_MOUNT, {"cpu.max": "400000 100000"})) == 1


def test_without_proc_the_affinity_counts(tmp_path: Path) -> None:
    assert available_cpus(tmp_path) == 8


def test_this_machine_has_at_least_one_cpu() -> None:
    assert available_cpus() >= 1
