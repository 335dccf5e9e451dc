"""How glibc's allocator gives memory back to the system.

Verifying a password takes 19 MiB for a moment. At first glibc maps such a block, and unmaps it
afterwards. Then it raises its threshold, takes the next ones from the heap of the thread, and keeps
them there: a worker held 57 MiB for the three threads that had verified passwords. A threshold that
is set is not raised.
"""

import ctypes
import os
from typing import Final

MAP_FROM_BYTES: Final = 1_048_576
"""Blocks of this size and larger are mapped, each for itself. Mapping costs a page fault for every
4 KiB; requests need smaller blocks."""

TRIM_FROM_BYTES: Final = 2 * MAP_FROM_BYTES
"""Free memory at the end of a heap that is given back; twice the other, as in glibc's own rule."""

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
"""Names of parameters in glibc's malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD."""

_OPERATORS: Final = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
"""Variables with which an operator sets the same; these win."""


def give_back_large_blocks() -> None:
    """Set the thresholds of this process and of those that it forks. Only glibc has them."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name in os.environ for name in _OPERATORS):
        return
    mallopt(_MMAP_THRESHOLD, MAP_FROM_BYTES)
    mallopt(_TRIM_THRESHOLD, TRIM_FROM_BYTES)
