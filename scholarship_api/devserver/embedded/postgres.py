"""PostgreSQL on a private Unix socket."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg

from scholarship_api.devserver.embedded.data_folder import (
    give,
    locked,
    prepare,
    sibling,
    socket_folder,
)
from scholarship_api.devserver.embedded.identity import Identity, closed_directory, identities
from scholarship_api.devserver.embedded.processes import (
    START_TIMEOUT_SECONDS,
    EmbeddedServerError,
    child_command,
    environment,
    failure,
    program,
    start_child,
    stop_child,
    until_deadline,
)

DATABASE: Final = "scholarships"
ROLE: Final = "scholarships"
BUILTIN_LOCALES_SINCE: Final = 17

_SETTINGS: Final = {
    "listen_addresses": "",  # only a socket, in a folder that no other user can enter
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "200",
    "shared_buffers": "512MB",  # of which a small catalogue uses as much as it has pages
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
}
_NOT_DURABLE: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
}


@contextmanager
def embedded_postgres(data_dir: Path, *, durable: bool = True) -> Iterator[str]:
    """Run PostgreSQL on `data_dir` (created if missing) until the block is left.

    Yields a DATABASE_URL, `postgresql+psycopg://scholarships@/scholarships?host=<socket folder>`.
    Its role is a superuser, and its database exists. With `durable=False` the server is faster, and
    may lose data in a crash. The log is `<data_dir>.log`. The thread that enters the block must
    live at least as long as the block. Raises EmbeddedServerError.
    """
    postgres = program(
        "PostgreSQL server",
        package="embedded_postgres",
        pattern="pginstall/bin/postgres",
        names=["postgres"],
    )
    data_dir = prepare(data_dir)
    log = sibling(data_dir, ".log")
    with ExitStack() as stack:
        lock = stack.enter_context(locked(data_dir))
        identity, major = _identity_and_version(postgres, data_dir)
        if (data_dir / "PG_VERSION").exists():
            _check_version(data_dir, major)
            _clear_stale_pid_file(data_dir)
            give(data_dir, identity)
        else:
            _initialize(postgres, data_dir, identity, major, durable=durable, lock=lock)
        sockets = stack.enter_context(socket_folder(data_dir, identity))
        settings = _SETTINGS | {"unix_socket_directories": str(sockets)}
        if not durable:
            settings |= _NOT_DURABLE
        options = [f"--{name}={value}" for name, value in settings.items()]
        process = start_child(
            child_command(
                [postgres, "-D", data_dir, *options],
                death_signal=signal.SIGINT,  # fast shutdown: nothing has to be recovered
                identity=identity.argument,
            ),
            directory=data_dir,
            log=log,
            lock=lock,
        )
        stack.callback(stop_child, process, signal.SIGINT)
        _wait_until_ready(process, sockets, log)
        yield f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={sockets}"


def _identity_and_version(postgres: Path, data_dir: Path) -> tuple[Identity, int]:
    """The first identity that this machine allows, and the server's major version."""
    refusals: list[str] = []
    for identity in identities():
        closed = [
            f"the user nobody cannot pass through {folder} to {path}"
            for path in (postgres, data_dir)
            if (folder := closed_directory(path, identity))
        ]
        if closed:
            refusals += closed
            continue
        command = child_command(
            [postgres, "--version"], death_signal=signal.SIGKILL, identity=identity.argument
        )
        answer = subprocess.run(  # noqa: S603
            command, env=environment(), capture_output=True, text=True, check=False, cwd="/"
        )
        version = re.search(r"\) (\d+)", answer.stdout)
        if answer.returncode == 0 and version:
            return identity, int(version[1])
        refusals.append(answer.stderr.strip() or f"{postgres} --version failed")
    advice = "Work in another folder or as another user, or set DATABASE_URL to your own server."
    if os.geteuid() != 0:
        raise EmbeddedServerError(f"PostgreSQL does not run here: {'; '.join(refusals)}. {advice}")
    raise EmbeddedServerError(
        "PostgreSQL refuses root, and neither a user namespace nor the user nobody works here"
        f" ({'; '.join(refusals)}). {advice}"
    )


def _check_version(data_dir: Path, major: int) -> None:
    written_by = (data_dir / "PG_VERSION").read_text().strip()
    if written_by != str(major):
        raise EmbeddedServerError(
            f"{data_dir} was written by PostgreSQL {written_by}, and this is PostgreSQL {major},"
            f" which cannot read it. Remove the folder to start again: rm -r {data_dir}"
        )


def _clear_stale_pid_file(data_dir: Path) -> None:
    """Remove a postmaster.pid whose process number belongs to another program by now.

    PostgreSQL removes the file if there is no such process. It refuses to start if the number is in
    use again, which soon happens in a container. This run holds the lock that all processes of
    embedded servers inherit, so only a server that was started otherwise can still use the folder.
    """
    pid_file = data_dir / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if not Path(f"/proc/{pid}").exists():
        return
    # A process that we may not inspect is no server that could use our folder.
    with suppress(OSError):
        if Path(f"/proc/{pid}/cwd").readlink() == data_dir:
            raise EmbeddedServerError(
                f"{data_dir} is in use by a PostgreSQL server (process {pid}). Stop it first."
            )
    pid_file.unlink()


def _initialize(
    postgres: Path, data_dir: Path, identity: Identity, major: int, *, durable: bool, lock: int
) -> None:
    """Create a new cluster beside the folder and rename it, so that the folder never has half of
    one."""
    if data_dir.exists() and any(data_dir.iterdir()):
        raise EmbeddedServerError(f"{data_dir} is not empty, and PostgreSQL has not created it.")
    log = sibling(data_dir, ".log")
    fresh = sibling(data_dir, ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    give(fresh, identity)
    # Not the machine's locale: the same order and case rules on every machine.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = [
        *(postgres.with_name("initdb"), "--pgdata", fresh, "--username", ROLE),
        *("--auth=trust", "--encoding=UTF8", "--no-instructions"),
        *(builtin if major >= BUILTIN_LOCALES_SINCE else ["--locale=C.UTF-8"]),
        *(() if durable else ("--no-sync",)),
    ]
    process = start_child(
        child_command(command, death_signal=signal.SIGTERM, identity=identity.argument),
        directory=fresh,
        log=log,
        lock=lock,
    )
    try:
        failed = process.wait(START_TIMEOUT_SECONDS) != 0
    except subprocess.TimeoutExpired:
        failed = True
    finally:
        stop_child(process, signal.SIGTERM)
    if failed:
        raise failure("PostgreSQL could not be initialised (initdb)", log)
    fresh.replace(data_dir)


def _wait_until_ready(process: subprocess.Popen[bytes], sockets: Path, log: Path) -> None:
    """Wait until a connection works, then create the database if it does not exist."""
    for _ in until_deadline():
        if process.poll() is not None:
            raise failure("PostgreSQL did not start", log)
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(
                host=str(sockets),
                port=5432,
                user=ROLE,
                dbname="postgres",
                autocommit=True,
                connect_timeout=5,
            ) as connection,
        ):
            known = connection.execute(
                "SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]
            ).fetchone()
            if not known:
                connection.execute(f"CREATE DATABASE {DATABASE}")
            return
    raise failure(f"PostgreSQL was not ready after {START_TIMEOUT_SECONDS:.0f} s", log)
