"""Files, progress and exit codes of the commands that read or write awards.

Exit codes: 2 when a file cannot be used, 69 when the database cannot be reached, 130 after Ctrl-C,
141 when the reader of a pipe has gone.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from scholarship_api.catalogue.bulk.records import UnreadableFile
from scholarship_api.platform.database.connection_settings import connection_arguments
from scholarship_api.settings.settings import SettingError, SettingsError, load_settings

EXIT_USAGE: Final = 2
EXIT_UNAVAILABLE: Final = 69
EXIT_INTERRUPTED: Final = 130
EXIT_BROKEN_PIPE: Final = 141

STANDARD_STREAM: Final = "-"

Advance = Callable[[int, int], None]
"""Shows that so many rows and bytes are done."""


# --- Database ------------------------------------------------------------------------------------


async def connect(database_url: str) -> psycopg.AsyncConnection[Any]:
    return await psycopg.AsyncConnection.connect(
        autocommit=True, **connection_arguments(database_url)
    )


def configured_database() -> str:
    url = load_settings().database_url.get_secret_value()
    if not url:
        raise SettingsError([SettingError("DATABASE_URL", "is needed to reach the catalogue")])
    return url


# --- Files ---------------------------------------------------------------------------------------


def opened(file: str) -> BinaryIO:
    # Unbuffered: a read returns the bytes that are there, without waiting for more.
    if file == STANDARD_STREAM:
        return open(0, "rb", buffering=0, closefd=False)
    return Path(file).open("rb", buffering=0)


def size_of(source: BinaryIO) -> int | None:
    status = os.fstat(source.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


@contextmanager
def replaced(file: str) -> Iterator[BinaryIO]:
    """Write to a temporary file, which replaces `file` when everything has succeeded."""
    if file == STANDARD_STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    if path.exists() and not path.is_file():  # a device or a named pipe
        with path.open("wb") as target:
            yield target
        return
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.resolve().parent)
    try:
        with open(descriptor, "wb") as target:  # noqa: PTH123 - a descriptor
            yield target
        Path(temporary).chmod(_mode(path))
        Path(temporary).replace(path.resolve())
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or those of a new file."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


# --- Terminal ------------------------------------------------------------------------------------


def stderr() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn errors of files, pipes and the database into a message and an exit code."""
    try:
        yield
    except BrokenPipeError:
        # Otherwise Python prints an error when it flushes standard output at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(EXIT_BROKEN_PIPE) from None
    except KeyboardInterrupt:
        raise failed(
            "Stopped. Rows that are written stay; run the command again.", EXIT_INTERRUPTED
        ) from None
    except UnreadableFile as error:
        raise failed(str(error), EXIT_USAGE) from None
    except psycopg.errors.UndefinedTable:
        message = "The database has no catalogue yet: run `scholarship-api migrate` first."
        raise failed(message, EXIT_UNAVAILABLE) from None
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise failed(f"The database cannot be used: {reason}", EXIT_UNAVAILABLE) from None
    except OSError as error:
        raise failed(f"{error.filename or 'File'}: {error.strerror}", EXIT_USAGE) from None


def failed(message: str, code: int) -> typer.Exit:
    stderr().print(message, markup=False)
    return typer.Exit(code)


@contextmanager
def progress(action: str, total: int | None = None) -> Iterator[Advance]:
    """Show a progress bar, by bytes of `total`, if standard error is a terminal."""
    console = stderr()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TextColumn("{task.fields[rate]:,.0f} rows/s"),
        TextColumn("{task.fields[size]}"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        task = progress.add_task(action, total=total, rows=0, rate=0.0, size="")

        def advance(rows: int, size: int) -> None:
            elapsed = progress.tasks[0].elapsed or 0.0
            of_total = f" of {total / 1e6:,.1f}" if total else ""
            progress.update(
                task,
                completed=size,
                rows=rows,
                rate=rows / elapsed if elapsed else 0.0,
                size=f"{size / 1e6:,.1f}{of_total} MB",
            )

        yield advance
