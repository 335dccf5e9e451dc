"""Becomes another program that cannot outlive its parent; run by its path, with no imports.

    python -I -S launcher.py PARENT_PID DEATH_SIGNAL IDENTITY PROGRAM [ARGUMENT...]

IDENTITY is `self`, `namespace:UID:GID` (a user namespace in which the present user and group appear
as UID and GID) or `user:UID:GID` (change to them, root only). The program replaces this process,
so its pid is the one that the parent started. Exit codes: 77 when the identity is refused, 126
when the program cannot be run, 0 when the parent has ended before.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

IDENTITY_REFUSED: Final = 77
NOT_EXECUTABLE: Final = 126

CLONE_NEWUSER: Final = 0x10000000  # <linux/sched.h>
PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>


def die_with_parent(parent_pid: int, death_signal: int) -> None:
    """Have the kernel send `death_signal` when the parent ends, however it ends (Linux only).

    The parent is the thread that started this process. It must live as long as the child.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:  # the parent ended before the line above
        raise SystemExit(0)


def _enter_namespace(uid: int, gid: int) -> None:
    own_uid, own_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {own_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {own_gid} 1")


def _assume(identity: str) -> None:
    if identity == "self":
        return
    kind, uid, gid = identity.split(":")
    if kind == "namespace":
        _enter_namespace(int(uid), int(gid))
    else:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))


def main(arguments: list[str]) -> int:
    parent_pid, death_signal, identity, *program = arguments
    try:
        _assume(identity)
    except OSError as error:
        sys.stderr.write(f"{identity}: {error}\n")
        return IDENTITY_REFUSED
    die_with_parent(int(parent_pid), int(death_signal))  # a change of user would have reset it
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # ignored by Python, which exec would pass on
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(program[0], program)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error}\n")
        return NOT_EXECUTABLE


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
