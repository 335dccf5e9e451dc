"""Runs `scholarship-api dev`: its own servers, the schema, the catalogue, the API."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.markup import escape

from scholarship_api.devserver import server
from scholarship_api.devserver.embedded import (
    EmbeddedServerError,
    embedded_postgres,
    embedded_valkey,
)
from scholarship_api.devserver.embedded.forked import ForkedChild
from scholarship_api.devserver.embedded.processes import Child, child_command, stop_child
from scholarship_api.settings.settings import load_settings

PACKAGE: Final = Path(__file__).parents[1]
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
APPLICATION: Final = "scholarship_api.app:create_app"
STOP_TIMEOUT_SECONDS: Final = 10.0
WATCH_SECONDS: Final = 0.3

console = Console(highlight=False, soft_wrap=True)
errors = Console(highlight=False, soft_wrap=True, stderr=True)


class _StopRequested(BaseException):
    """SIGINT, SIGTERM or SIGHUP arrived."""


@contextmanager
def _stop_signals() -> Iterator[None]:
    """Leave the block, through every clean-up, when one of the signals arrives.

    Only the first signal counts. Each clean-up takes a bounded time, and must not be interrupted.
    """
    asked = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise _StopRequested

    before = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bind(host: str, port: int) -> socket.socket:
    """The API's socket, bound before anything is started. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


def _signing_key(file: Path) -> Path:
    """A key of this checkout, so that tokens stay valid after a restart."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32))
    return file.absolute()


def _start_servers(stack: ExitStack, state_dir: Path) -> None:
    """Start the servers that no setting names, and export their URLs as environment variables."""
    given = load_settings().model_fields_set  # from the environment, secret files or .env
    if "database_url" in given:
        console.print("  PostgreSQL   yours, from DATABASE_URL")
    else:
        url = stack.enter_context(embedded_postgres(state_dir / "postgres"))
        # Migrations need it too: they must change the database that serves.
        os.environ["DATABASE_URL"] = os.environ["DATABASE_MIGRATION_URL"] = url
        os.environ.pop("DATABASE_MIGRATION_URL_FILE", None)
        console.print(f"  PostgreSQL   embedded, data in {escape(str(state_dir / 'postgres'))}")
        console.print(f"               for commands beside it: DATABASE_URL='{escape(url)}'")
    if "jwt_secret_key" not in given:
        os.environ["JWT_SECRET_KEY_FILE"] = str(_signing_key(state_dir / "jwt_secret_key"))
    if "rate_limit_backend_url" in given:
        console.print("  Valkey       yours, from RATE_LIMIT_BACKEND_URL")
    else:
        url = stack.enter_context(embedded_valkey(state_dir / "valkey"))
        os.environ["RATE_LIMIT_BACKEND_URL"] = url
        console.print("  Valkey       embedded, in memory")


def _address(listener: socket.socket, host: str) -> str:
    port: int = listener.getsockname()[1]
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 - not a binding, what to put in a browser
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(
    *,
    port: int,
    host: str = "127.0.0.1",
    state_dir: Path,
    reload: bool,
    migrate: Callable[[], object],
    load_bundled_catalogue: Callable[[], int | None],
    app: str = APPLICATION,
) -> int:
    """Serve the API with everything it needs until SIGINT, SIGTERM or SIGHUP; then stop it all.

    Starts PostgreSQL and Valkey with their state in `state_dir`, unless DATABASE_URL and
    RATE_LIMIT_BACKEND_URL are set, and exports both variables. Then calls `migrate` and
    `load_bundled_catalogue`, which may return the number of scholarships, and serves the factory
    `app` in a child process. With `reload` the child is restarted when a source file changes.
    Port 0 takes a free port.

    Returns the exit code: 0 after a signal, 1 if it could not start or the application ended.
    """
    started = time.monotonic()
    try:
        listener = _bind(host, port)
    except OSError as error:
        errors.print(
            f"[red]Port {port} of {escape(host)} is not available[/red]: {error.strerror}."
            f" Stop the program that uses it, or take another port: PORT={port + 1} make run"
        )
        return 1
    with listener, _stop_signals():
        try:
            with ExitStack() as servers:
                console.print("[bold]Scholarship API[/bold], development")
                _start_servers(servers, state_dir)
                migrate()
                console.print("  Schema       up to date")
                count = load_bundled_catalogue()
                console.print(
                    "  Catalogue    "
                    + ("loaded" if count is None else f"{count} scholarships loaded")
                )
                return _supervise(
                    listener, app=app, reload=reload, url=_address(listener, host), started=started
                )
        except _StopRequested:
            console.print("Stopped. The data stays for the next start.")
            return 0
        except EmbeddedServerError as error:
            errors.print(f"[red]Not started.[/red] {escape(str(error))}")
            return 1


# --- The application's process -------------------------------------------------------------------


def _start_application(listener: socket.socket, *, app: str, url: str, started: float) -> Child:
    """Start the first process by a fork, with all modules that the command has imported.

    That halves the time of the start. The child uses the listener, and ends with this process.
    """
    serve = partial(
        server.serve,
        descriptor=listener.fileno(),
        app=app,
        url=url,
        started=started,
    )
    return ForkedChild(serve, death_signal=signal.SIGTERM)


def _restart_application(listener: socket.socket, *, app: str, url: str) -> Child:
    """Start a further process, which imports the changed sources."""
    options = {"descriptor": listener.fileno(), "app": app, "url": url, "started": None}
    command = child_command(
        [sys.executable, "-m", server.__name__, json.dumps(options)],
        death_signal=signal.SIGTERM,
    )
    return subprocess.Popen(command, pass_fds=(listener.fileno(),))  # noqa: S603


def _start_worker() -> Child:
    """Start the worker with the current sources; its port is not needed here."""
    command = child_command(
        [sys.executable, "-m", PACKAGE.name, "worker"], death_signal=signal.SIGTERM
    )
    environment = {**os.environ, "WORKER_PORT": "0"}
    return subprocess.Popen(command, env=environment)  # noqa: S603


@contextmanager
def _signals_held() -> Iterator[None]:
    """Block the signals while a child starts. It inherits this, and unblocks SIGTERM only.

    Ctrl-C reaches all processes of the terminal, but only the supervisor may act on it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _supervise(listener: socket.socket, *, app: str, reload: bool, url: str, started: float) -> int:
    """Keep the application and a worker running; restart both when a source file changes."""
    start = partial(_start_application, listener, app=app, url=url, started=started)
    while True:
        before = _snapshot()
        with ExitStack() as stack:
            with _signals_held():
                child = start()
                stack.callback(stop_child, child, signal.SIGTERM, timeout=STOP_TIMEOUT_SECONDS)
                worker = _start_worker()
                stack.callback(stop_child, worker, signal.SIGTERM, timeout=STOP_TIMEOUT_SECONDS)
            code = _wait(child, before if reload else None)
            if code is not None:
                errors.print(f"[red]The application ended[/red] with exit code {code}.")
                if not reload:
                    return 1
                errors.print("It starts again when a source file changes.")
                _wait(None, before)
        start = partial(_restart_application, listener, app=app, url=url)


def _wait(child: Child | None, before: dict[str, int] | None) -> int | None:
    """Wait until the child has ended (its exit code) or a source file has changed since `before`
    (None)."""
    while True:
        if child is None:
            time.sleep(WATCH_SECONDS)
        else:
            try:
                return child.wait(WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                pass
        if before is not None and _snapshot() != before:
            return None


def _snapshot() -> dict[str, int]:
    """Modification times (ns) of the sources."""
    times = {}
    for folder, _, names in os.walk(PACKAGE):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)  # noqa: PTH118 - four times a second
                try:
                    times[path] = os.stat(path).st_mtime_ns  # noqa: PTH116
                except FileNotFoundError:
                    continue
    return times
