"""CPU time and memory of processes, read from /proc.

The figures do not depend on how fast the client is.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """User and system time of one process since its start, without its children."""
    user, system, _, _ = _times(pid)
    return (user + system) * _TICK_SECONDS


def tree_cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the processes and all their descendants, ended ones included."""
    return sum(sum(_times(pid)) for root in roots for pid in tree(root)) * _TICK_SECONDS


def tree(root: int) -> list[int]:
    """The process and its living descendants."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with suppress(OSError):  # a child may end at any time
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def _times(pid: int) -> tuple[int, int, int, int]:
    """Ticks of the process in user and system mode, and the same of children that have ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0, 0, 0, 0
    # proc(5): fields 14 to 17. The name, field 2, may contain spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    user, system, children_user, children_system = map(int, fields[11:15])
    return user, system, children_user, children_system


def rss_bytes(pid: int) -> int:
    """Resident memory, shared pages included."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


def pss_bytes(pid: int) -> int:
    """Proportional set size: each page divided by the number of processes that share it."""
    # proc_pid_smaps(5): sums over all mappings, in kB.
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    [kilobytes] = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return kilobytes * 1024
