"""State that the processes of one service share: four numbers and a lock in shared memory.

Workers are equally loaded, so all reach max_requests at about the same time. If all were replaced
then, nobody would accept for as long as their connections last. So one at a time is recycled: the
one that holds the recycle slot.
"""

import fcntl
import mmap
import os
import struct
import tempfile
from pathlib import Path
from typing import Final

_NUMBERS: Final = struct.Struct("=4I")
_GENERATION, _READY_GENERATIONS, _BOOT_FAILED, _SHUTTING_DOWN = range(4)
_RECYCLE_SLOT_BYTE, _BOOT_BYTE = range(2)

BOOT_FAILED: Final = 3
"""The exit code at which gunicorn's arbiter gives up: the service could never start."""
REPLACEMENT_FAILED: Final = 1
"""The exit code at which gunicorn's arbiter starts another worker."""


class SharedState:
    """Made by the arbiter before it forks; each worker uses the inherited copy.

    `folder` is where the backing file is made, and unlinked at once: /dev/shm where it exists.
    """

    def __init__(self, folder: str | None = None) -> None:
        self._descriptor, path = tempfile.mkstemp(prefix="scholarship-api-workers-", dir=folder)
        Path(path).unlink()
        os.ftruncate(self._descriptor, mmap.PAGESIZE)
        self._memory = mmap.mmap(self._descriptor, mmap.PAGESIZE)

    @property
    def generation(self) -> int:
        """How often the arbiter has reloaded (SIGHUP)."""
        return self._read()[_GENERATION]

    def begin_generation(self) -> None:
        """The arbiter replaces all workers: those of earlier generations end."""
        self._write(_GENERATION, self.generation + 1)

    @property
    def current_generation_is_ready(self) -> bool:
        """Whether a worker of the current generation serves."""
        numbers = self._read()
        return numbers[_READY_GENERATIONS] > numbers[_GENERATION]

    def mark_ready(self, generation: int) -> None:
        """A worker of `generation` serves."""
        if self._read()[_READY_GENERATIONS] <= generation:
            self._write(_READY_GENERATIONS, generation + 1)

    def begin_shutdown(self) -> None:
        """The arbiter ends. Safe in a signal handler."""
        self._write(_SHUTTING_DOWN, 1)

    @property
    def is_shutting_down(self) -> bool:
        """Whether the arbiter ends, because of a signal or because the service cannot start."""
        numbers = self._read()
        return bool(numbers[_SHUTTING_DOWN] or numbers[_BOOT_FAILED])

    def acquire_recycle_slot(self) -> bool:
        """Whether this process may be recycled now; it keeps the slot until it ends."""
        return self._lock(_RECYCLE_SLOT_BYTE, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release_recycle_slot(self) -> None:
        self._lock(_RECYCLE_SLOT_BYTE, fcntl.LOCK_UN)

    def boot_failure_code(self) -> int:
        """The exit code of a worker that could not start.

        Only the first failure of a service that has never been ready makes the arbiter give up. A
        second one would break the arbiter while it gives up (HaltServer raised in its handler). A
        replacement that fails while a dependency is down must not end the service.
        """
        self._lock(_BOOT_BYTE, fcntl.LOCK_EX)
        try:
            numbers = self._read()
            if numbers[_READY_GENERATIONS] or numbers[_BOOT_FAILED]:
                return REPLACEMENT_FAILED
            self._write(_BOOT_FAILED, 1)
            return BOOT_FAILED
        finally:
            self._lock(_BOOT_BYTE, fcntl.LOCK_UN)

    def close(self) -> None:
        self._memory.close()
        os.close(self._descriptor)

    def _read(self) -> tuple[int, ...]:
        numbers: tuple[int, ...] = _NUMBERS.unpack_from(self._memory)
        return numbers

    def _write(self, index: int, value: int) -> None:
        struct.pack_into("=I", self._memory, index * 4, value)

    def _lock(self, byte: int, operation: int) -> bool:
        # Record locks belong to the process, not to the inherited file, and end with it.
        try:
            fcntl.lockf(self._descriptor, operation, 1, byte)
        except BlockingIOError:
            return False
        return True
