"""One PostgreSQL and one Valkey for each test run, and one database for each worker.

The process that the user started (with pytest-xdist: the controller) owns the servers. It
starts them when the first fixture of any worker asks; both communicate through a folder.
"""

import fcntl
import json
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from scholarship_api.devserver import embedded
from scholarship_api.platform.database import migrations
from scholarship_api.settings.settings import Settings

FOLDER_PREFIX = "scholarship-tests-"
TEMPLATE = "scholarships_template"
START_TIMEOUT_SECONDS = 120.0
ABANDONED_SECONDS = 60.0  # a younger folder may not have been locked yet
POLL_SECONDS = 0.02


# --- The developer's own configuration has no influence ------------------------------------------


def _forget_configuration() -> None:
    names = {name.upper() for name in Settings.model_fields}
    for variable in list(os.environ):
        if variable.removesuffix("_FILE") in names or re.match(r"(PG|OTEL_|SENTRY_)", variable):
            del os.environ[variable]
    Settings.dotenv_file = None


_forget_configuration()

# Where a test has not configured the logs, structlog would render each traceback with the local
# variables of every frame: 9 s of CPU for one.
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback

# A shell that starts us in the background ignores SIGINT. The servers that the tests
# start would inherit that, and would not react to Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def unchanged_signal_mask() -> Iterator[None]:
    """Unblock the signals that a start in this process has blocked: servers would inherit that."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    yield
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Undo what a test has configured: loggers keep the configuration that they first met."""
    yield
    if not structlog.is_configured():
        return
    structlog.reset_defaults()
    for name, module in list(sys.modules.items()):
        if name.startswith("scholarship_api.") and hasattr(module, "_log"):
            vars(module._log).pop("bind", None)
    root = logging.getLogger()
    own = "scholarship_api.platform.observability.logging"
    root.handlers = [handler for handler in root.handlers if type(handler).__module__ != own]
    logging.captureWarnings(capture=False)


# --- The servers ---------------------------------------------------------------------------------


class Servers:
    """Runs both servers in a thread of the controller, once a worker has asked for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stopping = threading.Event()
        # The kernel ends the servers with the thread that started them, so one thread stays alive.
        self._thread = threading.Thread(target=self._run, name="test servers")
        self._thread.start()

    def _run(self) -> None:
        while not (self.folder / "wanted").exists():
            if self._stopping.wait(POLL_SECONDS):
                return
        with ExitStack() as stack:
            try:
                answer = {
                    "postgres": stack.enter_context(
                        embedded.embedded_postgres(self.folder / "postgres", durable=False)
                    ),
                    "redis": stack.enter_context(embedded.embedded_valkey(self.folder / "valkey")),
                }
            except Exception as error:  # noqa: BLE001 - the workers wait for an answer
                answer = {"error": f"{type(error).__name__}: {error}"}
            (self.folder / "answer.new").write_text(json.dumps(answer))
            (self.folder / "answer.new").rename(self.folder / "answer.json")
            self._stopping.wait()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


@contextmanager
def _run_folder() -> Iterator[Path]:
    """A locked folder for this run's servers; those of runs that were killed are removed."""
    for old in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > ABANDONED_SECONDS:
                with _locked_folder(old):
                    shutil.rmtree(old, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    with _locked_folder(folder):
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked_folder(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


SERVERS = pytest.StashKey[Servers]()


@pytest.hookimpl(tryfirst=True)  # before `-m` deselects by marker
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark with `server` each test that reads the address of a server from a fixture."""
    for item in items:
        if isinstance(item, pytest.Function) and "server_urls" in item.fixturenames:
            item.add_marker("server")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        # A cancelled CI job cleans up like Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        stack = ExitStack()
        config.stash[SERVERS] = servers = Servers(stack.enter_context(_run_folder()))
        stack.callback(servers.stop)
        config.add_cleanup(stack.close)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist has no types
    node.workerinput["servers"] = str(node.config.stash[SERVERS].folder)


@pytest.fixture(scope="session")
def server_urls(pytestconfig: pytest.Config) -> dict[str, str]:
    if SERVERS in pytestconfig.stash:
        folder = pytestconfig.stash[SERVERS].folder
    else:
        folder = Path(pytestconfig.workerinput["servers"])  # type: ignore[attr-defined]
    (folder / "wanted").touch()
    end = time.monotonic() + START_TIMEOUT_SECONDS
    while not (folder / "answer.json").exists():
        if time.monotonic() > end:
            pytest.fail("the test servers did not start")
        time.sleep(POLL_SECONDS)
    answer: dict[str, str] = json.loads((folder / "answer.json").read_text())
    if "error" in answer:
        pytest.fail(answer["error"], pytrace=False)
    return answer


@pytest.fixture(scope="session")
def postgres_url(server_urls: dict[str, str]) -> str:
    """The server itself: its `scholarships` database is empty and shared by all workers."""
    return server_urls["postgres"]


@pytest.fixture(scope="session")
def redis_url(server_urls: dict[str, str], worker_id: str) -> str:
    """This worker's database number of the shared Valkey."""
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    return server_urls["redis"].removesuffix("/0") + f"/{number % embedded.VALKEY_DATABASES}"


# --- Databases -----------------------------------------------------------------------------------


def _on_server(postgres_url: str, database: str) -> str:
    return make_url(postgres_url).set(database=database).render_as_string(hide_password=False)


def _administer(postgres_url: str) -> "psycopg.Connection[Any]":
    return psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True)


def _ensure_template(connection: "psycopg.Connection[Any]", postgres_url: str) -> None:
    """Migrate a template once: the first worker does it and the others wait."""
    connection.execute("SELECT pg_advisory_lock(1)")
    done = connection.execute(
        "SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [TEMPLATE]
    ).fetchone()
    if not done:
        template = Identifier(TEMPLATE)
        connection.execute(SQL("DROP DATABASE IF EXISTS {}").format(template))
        connection.execute(SQL("CREATE DATABASE {}").format(template))
        migrations.upgrade(_on_server(postgres_url, TEMPLATE))
        connection.execute(
            SQL("ALTER DATABASE {} IS_TEMPLATE true ALLOW_CONNECTIONS false").format(template)
        )
    connection.execute("SELECT pg_advisory_unlock(1)")


@pytest.fixture(scope="session")
def database_url(postgres_url: str, worker_id: str) -> str:
    """This worker's database, migrated and empty at the start of the run."""
    name = f"scholarships_{worker_id}"
    with _administer(postgres_url) as connection:
        _ensure_template(connection, postgres_url)
        connection.execute(
            SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(TEMPLATE))
        )
    return _on_server(postgres_url, name)


@pytest.fixture
def scratch_database_url(postgres_url: str) -> Iterator[str]:
    """A database without any table, for this test alone."""
    name = Identifier(f"scratch_{uuid.uuid4().hex}")
    with _administer(postgres_url) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(name))
        try:
            yield _on_server(postgres_url, name.as_string().strip('"'))
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop of production."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
def module_database_url(postgres_url: str, database_url: str) -> Iterator[str]:
    """A migrated database for the tests of one module, which share what the module puts there."""
    name = Identifier(f"module_{uuid.uuid4().hex}")
    with _administer(postgres_url) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(name, Identifier(TEMPLATE)))
        try:
            yield _on_server(postgres_url, name.as_string().strip('"'))
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(name))
