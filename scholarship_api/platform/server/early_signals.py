"""Signals that come while the process starts: each of them ends it.

The kernel drops a signal to the first process of a container unless that process handles or blocks
it. So SIGTERM is handled from the first line of the program on, blocked while gunicorn takes the
process over, and handled again until gunicorn has its own handlers. Imports only what is needed for
that, as it comes before everything else.
"""

import os
import signal
from typing import Final, NoReturn

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_FIRST_PROCESS: Final = 1
_EXIT_BY_SIGNAL: Final = 128
"""The exit code of a process that a signal has ended is this plus the signal's number."""


def handle_as_first_process() -> None:
    """End at a signal if this is the first process of a container. Other processes do so anyway."""
    if os.getpid() == _FIRST_PROCESS:
        handle()


def handle() -> None:
    """End at a signal, at once: PostgreSQL rolls back what is not finished."""
    for number in _SIGNALS:
        signal.signal(number, _end)


def hold() -> None:
    """Keep signals pending, also for the program that replaces this one."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def release() -> None:
    """Deliver the signals that were kept."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


def _end(number: int, _frame: object) -> NoReturn:
    # Not by an exception: in a callback of a C extension it would be ignored.
    os._exit(_EXIT_BY_SIGNAL + number)
