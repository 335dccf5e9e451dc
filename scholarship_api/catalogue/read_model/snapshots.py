"""Snapshots of the read model in shared memory, for the next worker of the same service.

A worker that starts reads the snapshot, 0.1 us for each award instead of 15 us, and then applies
what was written since. The workers of a service that starts load the model once: the first one from
PostgreSQL, the others from its snapshot.

Each attribute of the model is pickled by itself, whatever it holds. The rows of the table of
criteria are code, so the pickles name their place in the table instead. A snapshot is read only
when its folder and file belong to this user alone and when it was written by the same code. Reading
creates no objects of other classes than those of the model.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import io
import os
import pickle
import stat
import struct
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import pyroaring
import structlog

from scholarship_api.catalogue.read_model.criteria import Criterion
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.position import Position
from scholarship_api.catalogue.read_model.records import RECORD

FILE_NAME: Final = "read-model"

MAX_BYTES: Final = 512 * 1024 * 1024
"""A snapshot of 1 000 000 awards takes 90 MB."""

SHARE_OF_FREE_BYTES: Final = 0.5
"""The share of the free memory of the folder that a snapshot may take. The metrics of the workers
are in the same memory, and a worker that finds none left for them is killed."""

REFRESH_AFTER_CHANGES: Final = 2_000
"""Changed awards after which a new snapshot is written. To apply so many takes 40 ms."""

REFRESH_SECONDS: Final = 10.0
"""The shortest time between two snapshots of one worker."""

REFRESH_COST: Final = 100
"""How many times longer than the writing itself the pause after it is, at least."""

POLL_SECONDS: Final = 0.02
"""How often a worker looks whether another one has finished loading the model."""

MAX_WAIT_SECONDS: Final = 120.0
"""How long a worker waits for another one that loads the model; then it loads it itself."""

_LENGTH: Final = struct.Struct("=Q")
_CODE_PACKAGES: Final = (
    "scholarship_api.catalogue.read_model.",
    "scholarship_api.vocabularies.",
    "scholarship_api.vocabulary",
)
"""The modules whose code decides what is in a model."""

_CLASSES: Final = frozenset(
    {
        ("array", "_array_reconstructor"),
        ("array", "array"),
        ("collections", "deque"),
        ("datetime", "date"),
        ("decimal", "Decimal"),
        ("pyroaring", "BitMap"),
    }
)
"""The classes from elsewhere whose objects a model holds."""

_UNREADABLE: Final = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ImportError,
    struct.error,
    pickle.PickleError,
)
"""The errors of a snapshot that is damaged, or not one of ours."""

_log = structlog.stdlib.get_logger(__name__)

Snapshot = tuple[ReadModel, Position]


class Snapshots:
    """One per process, on the folder that the workers share."""

    def __init__(
        self, folder: Path, *, make_model: Callable[[], ReadModel] = ReadModel, code: bytes = b""
    ) -> None:
        """`make_model` makes an empty model. `code` identifies the code, by default this one."""
        self._path = folder / FILE_NAME
        self._lock_path = folder / f"{FILE_NAME}.lock"
        self._make_model = make_model
        self._code = code or code_digest()
        self._changes = 0
        self._counted_since = 0.0
        """The modification time of the file when the count of changes began."""
        self._next_write_at = 0.0

    async def read(self) -> Snapshot | None:
        """The model as it was written, at the position that it had. None if there is none, or it
        cannot be used."""
        try:
            with self._opened() as file:
                model = self._make_model()
                position = Position(*_unpickled(model, _next_part(file)))
                parts: dict[str, Any] = {}
                while name := _next_part(file):
                    parts[name.decode()] = _unpickled(model, _next_part(file))
                    await asyncio.sleep(0)
                model.restore(parts)
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            _log.warning("read_model.snapshot_refused", error=type(error).__name__)
            return None
        return model, position

    def _opened(self) -> BinaryIO:
        """The file after its head. Raises OSError, ValueError and EOFError."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        file = os.fdopen(descriptor, "rb")
        try:
            _require_private(os.fstat(descriptor))
            _require_private(self._path.parent.lstat())
            _require_equal(_next_part(file), self._code)
        except BaseException:
            file.close()
            raise
        return file

    async def write(self, model: ReadModel, position: Position) -> None:
        """Write a snapshot; without room, or while another worker writes one, leave it.

        The model must not change meanwhile.
        """
        with self._locked() as is_ours:
            if not is_ours:
                return
            began = time.monotonic()
            try:
                await self._write(model, position)
            except (OSError, pickle.PickleError, TypeError, AttributeError) as error:
                _log.warning("read_model.snapshot_not_written", error=type(error).__name__)
                self._path.unlink(missing_ok=True)
            seconds = time.monotonic() - began
            self._next_write_at = time.monotonic() + max(REFRESH_SECONDS, REFRESH_COST * seconds)
            self._count_anew()

    async def _write(self, model: ReadModel, position: Position) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)  # of a worker that was killed
        room = self._room()
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _write_part(file, self._code)
                _write_part(file, _pickled(model, tuple(position)))
                for name, part in model.parts().items():
                    pickled = _pickled(model, part)
                    room = _less(room, len(pickled))
                    _write_part(file, name.encode())
                    _write_part(file, pickled)
                    await asyncio.sleep(0)
                _write_part(file, b"")
            fresh.replace(self._path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise

    def _room(self) -> int:
        system = os.statvfs(self._path.parent)
        return min(MAX_BYTES, int(SHARE_OF_FREE_BYTES * system.f_bavail * system.f_frsize))

    def count(self, changes: int) -> None:
        """Take note of changed awards, which the snapshot does not have."""
        self._changes += changes

    @property
    def is_outdated(self) -> bool:
        """Whether enough has changed for a new snapshot, and none was written lately."""
        if self._changes < REFRESH_AFTER_CHANGES or time.monotonic() < self._next_write_at:
            return False
        if self._written_at() > self._counted_since:  # by another worker
            self._count_anew()
            return False
        return True

    def _count_anew(self) -> None:
        self._changes = 0
        self._counted_since = self._written_at()

    def _written_at(self) -> float:
        try:
            return self._path.stat().st_mtime
        except OSError:
            return 0.0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until no other worker loads the model, and let none do so meanwhile."""
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        with contextlib.ExitStack() as stack:
            while not stack.enter_context(self._locked(name=".loading")):
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(POLL_SECONDS)
            yield

    @contextlib.contextmanager
    def _locked(self, *, name: str = "") -> Iterator[bool]:
        """Whether the lock is ours; it ends with the process."""
        path = self._lock_path.with_name(self._lock_path.name + name)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            yield True
            return
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)


def code_digest() -> bytes:
    """Identifies the code that decides what is in a model, and what can read it."""
    digest = hashlib.sha256(f"{sys.version} {pyroaring.__version__} {RECORD}".encode())
    for name, module in sorted(sys.modules.items()):
        if name.startswith(_CODE_PACKAGES) and (file := getattr(module, "__file__", None)):
            digest.update(name.encode() + Path(file).read_bytes())
    return digest.hexdigest().encode()


def _require_private(status: os.stat_result) -> None:
    """Raises PermissionError for a file or folder that others may have written to."""
    is_known = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    if not is_known or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise PermissionError("others can change the snapshot")


def _require_equal(code: bytes, expected: bytes) -> None:
    if code != expected:
        raise ValueError("other code has written the snapshot")


def _less(room: int, needed: int) -> int:
    """The bytes that are left. Raises OSError when they do not suffice."""
    if needed > room:
        raise OSError("no room for the snapshot")
    return room - needed


def _next_part(file: BinaryIO) -> bytes:
    (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
    part = file.read(length)
    if len(part) != length:
        raise EOFError
    return part


def _write_part(file: BinaryIO, part: bytes) -> None:
    file.write(_LENGTH.pack(len(part)))
    file.write(part)


def _rows(criteria: Sequence[Criterion]) -> Mapping[tuple[int, ...], object]:
    """The objects of a table of criteria that a model refers to, by their place."""
    rows: dict[tuple[int, ...], object] = {}
    for number, criterion in enumerate(criteria):
        rows[(number,)] = criterion
        for position, alternative in enumerate(criterion.alternatives):
            rows[(number, position)] = alternative
            rows[(number, position, 0)] = alternative.relation
    return rows


def _pickled(model: ReadModel, part: object) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, _rows(model.criteria)).dump(part)
    return buffer.getvalue()


def _unpickled(model: ReadModel, part: bytes) -> Any:  # noqa: ANN401
    return _Unpickler(part, _rows(model.criteria)).load()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, rows: Mapping[tuple[int, ...], object]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._places = {id(row): place for place, row in rows.items()}

    def persistent_id(self, obj: object) -> tuple[int, ...] | None:
        return self._places.get(id(obj))


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, rows: Mapping[tuple[int, ...], object]) -> None:
        super().__init__(io.BytesIO(data))
        self._rows = rows

    def persistent_load(self, pid: tuple[int, ...]) -> object:
        return self._rows[pid]

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) in _CLASSES or module.startswith(_CODE_PACKAGES):
            return super().find_class(module, name)
        raise pickle.UnpicklingError("the class is not one of a model")
