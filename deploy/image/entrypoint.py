#!/opt/venv/bin/python -S
"""The image's command `scholarship-api`: handles signals, then imports the service.

The kernel drops a signal to the first process of a container unless that process handles it. With
`-S` Python starts without its module `site`, which takes most of the time until the first line
runs; `site` follows after the signals. `_signal` and `posix` are built into Python: importing them
reads no file.
"""

import _signal
import posix

SIGNALS = (2, 15)
"""SIGINT and SIGTERM."""

FIRST_PROCESS = 1
EXIT_BY_SIGNAL = 128
"""The exit code of a process that a signal has ended is this plus the signal's number."""


def end(number: int, _frame: object) -> None:
    posix._exit(EXIT_BY_SIGNAL + number)  # noqa: SLF001 - `os._exit`, without importing `os`


def handle_signals() -> None:
    """End at a signal if this is the first process of a container. Other processes do so anyway."""
    if posix.getpid() == FIRST_PROCESS:
        for number in SIGNALS:
            _signal.signal(number, end)


if __name__ == "__main__":
    handle_signals()

    import site

    site.main()  # adds the packages of the virtual environment to the path

    from scholarship_api.__main__ import main

    main()
