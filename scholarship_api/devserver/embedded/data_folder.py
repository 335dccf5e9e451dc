"""The folder that a server works in: used by one run at a time, owned by the server's user."""

import fcntl
import hashlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from scholarship_api.devserver.embedded.identity import Identity, closed_directory
from scholarship_api.devserver.embedded.processes import POLL_SECONDS, EmbeddedServerError

BUSY_SECONDS: Final = 1.0
ORPHANED_SECONDS: Final = 20.0  # a server whose parent was killed is still shutting down
# sun_path has 107 bytes on Linux and 103 on macOS; nothing that a URL would have to quote.
SOCKET_BASE: Final = re.compile(r"[A-Za-z0-9/._-]{1,40}")


def prepare(data_dir: Path) -> Path:
    """The absolute path, whose parent folders are created."""
    data_dir = data_dir.absolute()
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    return data_dir.parent.resolve() / data_dir.name


def sibling(data_dir: Path, suffix: str) -> Path:
    """The log file beside the folder: `postgres.log` for `postgres`."""
    return data_dir.with_name(data_dir.name + suffix)


@contextmanager
def locked(data_dir: Path) -> Iterator[int]:
    """Hold the folder's lock; yields a file descriptor for the server to inherit.

    The server's own children inherit it too, so the lock is free only when all of them have ended.
    Raises EmbeddedServerError if another run holds it.
    """
    descriptor = os.open(sibling(data_dir, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        started = time.monotonic()
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                patience = BUSY_SECONDS if _is_alive(holder) else ORPHANED_SECONDS
                if time.monotonic() > started + patience:
                    raise EmbeddedServerError(
                        f"{data_dir} is in use by another run (process {holder or 'unknown'})."
                        " Stop that one first."
                    ) from None
                time.sleep(POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except PermissionError:
        return True
    except (ValueError, ProcessLookupError):
        return False
    return True


def give(path: Path, identity: Identity) -> None:
    """Give a folder to the server's user, which may have changed since the last run (root only)."""
    if os.geteuid() != 0 or path.stat().st_uid == identity.owner:
        return
    for folder, _, files in os.walk(path):
        for entry in (folder, *(str(Path(folder, name)) for name in files)):
            os.chown(entry, identity.owner, identity.group, follow_symlinks=False)


@contextmanager
def socket_folder(data_dir: Path, identity: Identity) -> Iterator[Path]:
    """A private folder with a short path, the same one at each start with the same data folder.

    It is in the folder for temporary files, because a shared or synchronised folder may not allow
    sockets.
    """
    base = Path(tempfile.gettempdir()).resolve()
    if data_dir.is_relative_to(base) and SOCKET_BASE.fullmatch(str(data_dir.parent)):
        base = data_dir.parent
    if not SOCKET_BASE.fullmatch(str(base)) or closed_directory(base / "any", identity):
        base = Path("/tmp")  # noqa: S108
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    path = base / f"scholarship-{os.geteuid()}-{digest}"
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    if os.geteuid() == 0 and path.lstat().st_uid in {0, identity.owner}:
        os.chown(path, identity.owner, identity.group, follow_symlinks=False)
    status = path.lstat()
    if (
        not stat.S_ISDIR(status.st_mode)
        or status.st_uid != identity.owner
        or stat.S_IMODE(status.st_mode) != stat.S_IRWXU
    ):
        # Another user has created it. Never share a folder with another user.
        path = Path(tempfile.mkdtemp(prefix="scholarship-", dir=base))
        if os.geteuid() == 0:
            os.chown(path, identity.owner, identity.group)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
