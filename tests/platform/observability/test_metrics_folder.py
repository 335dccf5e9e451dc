import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scholarship_api.platform.observability import metrics_folder
from tests.deploy.gunicorn_server import until
from tests.platform.observability.samples import value

WORKER = """
import os, sys
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.observability.access_log import AccessRecord
for _ in range(int(sys.argv[1])):
    record = AccessRecord("GET", "/x/{id}", 200, 0.02, 10, "t", "r", None, None, 0.0)
    metrics.observe_request(record)
    metrics.count_rate_limit("search", "allowed")
metrics.set_limiter_state("shared")
print("ready", flush=True)
sys.stdin.read()
"""


ARBITER = """
import os, sys
from scholarship_api.platform.observability import metrics_folder
print(metrics_folder.prepare_multiprocess_dir(), flush=True)
if os.fork():
    sys.stdin.read()
    metrics_folder.remove_multiprocess_dir()
else:
    sys.stdin.read()
"""


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    directory = metrics_folder.prepare_multiprocess_dir()
    assert directory is not None
    yield directory
    metrics_folder.remove_multiprocess_dir()
    assert not directory.exists()


def worker(requests: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(requests)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def end(process: "subprocess.Popen[str]", number: signal.Signals = signal.SIGKILL) -> None:
    process.send_signal(number)
    process.communicate()
    metrics_folder.mark_process_dead(process.pid)


LABELS = {"method": "GET", "route": "/x/{id}", "status": "200"}


def test_the_folder_is_in_memory_and_private(directory: Path) -> None:
    assert directory.parent == Path("/dev/shm") or not Path("/dev/shm").is_dir()  # noqa: S108
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
def test_the_counts_of_living_and_dead_workers_are_summed(directory: Path) -> None:
    first, second = worker(3), worker(4)
    try:
        assert value("http_requests_total", **LABELS) == 7
        assert value("http_request_duration_seconds_count", **LABELS) == 7
        assert value("rate_limit_requests_total", group="search", outcome="allowed") == 7
        assert value("rate_limiter_state", state="shared") == 2

        end(first)

        assert value("http_requests_total", **LABELS) == 7
        assert value("http_request_duration_seconds_count", **LABELS) == 7
        assert value("http_request_duration_seconds_bucket", le="0.025", **LABELS) == 7
        assert value("http_request_duration_seconds_bucket", le="0.01", **LABELS) == 0
        assert value("rate_limiter_state", state="shared") == 1
    finally:
        for process in (first, second):
            process.kill()
            process.communicate()


@pytest.mark.slow
def test_the_folder_does_not_grow_with_each_worker(directory: Path) -> None:
    sizes = []
    for _ in range(4):
        end(worker(2), signal.SIGTERM)
        sizes.append(sorted(path.name for path in directory.iterdir()))
    assert sizes[0] == sizes[-1]
    assert value("http_requests_total", **LABELS) == 8


@pytest.mark.slow
def test_a_half_written_file_does_not_break_the_merge(directory: Path) -> None:
    process = worker(2)
    process.kill()
    process.communicate()
    path = directory / f"counter_{process.pid}.db"
    with path.open("r+b") as file:
        file.truncate(200)
    metrics_folder.mark_process_dead(process.pid)
    assert not path.exists()
    end(worker(5))
    assert (value("http_requests_total", **LABELS) or 0) >= 5


@pytest.mark.slow
def test_a_file_that_a_worker_is_just_making_does_not_break_the_metrics(directory: Path) -> None:
    (directory / "counter_99999.db").touch()
    process = worker(3)
    assert value("http_requests_total", **LABELS) == 3
    end(process)


def arbiter() -> tuple["subprocess.Popen[str]", Path]:
    """A process with a metrics folder, and a worker that ends with its input."""
    process = subprocess.Popen(
        [sys.executable, "-c", ARBITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, Path(process.stdout.readline().rstrip())


def make_old(directory: Path) -> None:
    an_hour_ago = time.time() - 3600
    os.utime(directory, (an_hour_ago, an_hour_ago))


@pytest.mark.slow
def test_another_arbiter_does_not_remove_the_folder_of_a_running_one() -> None:
    """Process ids do not matter: containers that share /dev/shm count their own."""
    first, held = arbiter()
    make_old(held)
    second, other = arbiter()
    assert held.exists()
    first.kill()
    first.wait()
    make_old(held)
    third, _ = arbiter()
    assert held.exists(), "its worker still runs"
    for process in (first, second, third):
        process.communicate()
    assert not other.exists()
    assert_next_arbiter_removes(held)


def test_old_folders_of_killed_arbiters_are_removed() -> None:
    killed, left_behind = arbiter()
    killed.kill()
    killed.communicate()
    arbiter()[0].communicate()
    assert left_behind.exists(), "a young folder may not be locked yet"
    assert_next_arbiter_removes(left_behind)


def assert_next_arbiter_removes(left_behind: Path) -> None:
    """The folder is unlocked: the next arbiter removes it once it is old."""
    # The worker ends with its input; nothing else waits for it.
    until(lambda: not is_locked(left_behind))
    make_old(left_behind)
    arbiter()[0].communicate()
    assert not left_behind.exists()


def is_locked(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_without_a_folder_nothing_is_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    metrics_folder.mark_process_dead(1)
    metrics_folder.remove_multiprocess_dir()
