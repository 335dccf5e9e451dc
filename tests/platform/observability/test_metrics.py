import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scholarship_api.platform.observability import metrics
from scholarship_api.platform.observability.access_log import AccessRecord
from tests.deploy.gunicorn_server import until

WORKER = """
import os, sys
from scholarship_api.platform.observability import metrics
from scholarship_api.platform.observability.access_log import AccessRecord
for _ in range(int(sys.argv[1])):
    metrics.observe_request(AccessRecord("GET", "/x/{id}", 200, 0.02, 10, "t", None, None, 0.0))
    metrics.count_rate_limit("search", "allowed")
metrics.set_limiter_state("shared")
print("ready", flush=True)
sys.stdin.read()
"""


ARBITER = """
import os, sys
from scholarship_api.platform.observability import metrics
print(metrics.prepare_multiprocess_dir(), flush=True)
if os.fork():
    sys.stdin.read()
    metrics.remove_multiprocess_dir()
else:
    sys.stdin.read()
"""


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(name: str, **labels: str) -> float | None:
    return samples(metrics.render()).get((name, tuple(sorted(labels.items()))))


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    directory = metrics.prepare_multiprocess_dir()
    assert directory is not None
    yield directory
    metrics.remove_multiprocess_dir()
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
    metrics.mark_process_dead(process.pid)


LABELS = {"method": "GET", "route": "/x/{id}", "status": "200"}


def test_the_directory_is_in_memory(directory: Path) -> None:
    assert directory.parent == Path("/dev/shm") or not Path("/dev/shm").is_dir()  # noqa: S108
    assert directory.stat().st_mode & 0o777 == 0o700


def test_workers_are_summed_and_dead_ones_keep_counting(directory: Path) -> None:
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


def test_the_directory_does_not_grow_with_each_worker(directory: Path) -> None:
    sizes = []
    for _ in range(4):
        end(worker(2), signal.SIGTERM)
        sizes.append(sorted(path.name for path in directory.iterdir()))
    assert sizes[0] == sizes[-1]
    assert value("http_requests_total", **LABELS) == 8


def test_a_file_cut_off_in_writing_does_not_break_the_merge(directory: Path) -> None:
    process = worker(2)
    process.kill()
    process.communicate()
    path = directory / f"counter_{process.pid}.db"
    with path.open("r+b") as file:
        file.truncate(200)
    metrics.mark_process_dead(process.pid)
    assert not path.exists()
    end(worker(5))
    assert (value("http_requests_total", **LABELS) or 0) >= 5


def arbiter() -> tuple["subprocess.Popen[str]", Path]:
    """A process with a directory, and a worker that ends when the input does."""
    process = subprocess.Popen(
        [sys.executable, "-c", ARBITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, Path(process.stdout.readline().rstrip())


def make_old(directory: Path) -> None:
    an_hour_ago = time.time() - 3600
    os.utime(directory, (an_hour_ago, an_hour_ago))


def test_an_arbiter_keeps_its_directory_whoever_else_starts() -> None:
    """Whatever its process id is: another container that shares /dev/shm may have its own."""
    first, held = arbiter()
    make_old(held)
    second, other = arbiter()
    assert held.exists()
    first.kill()
    first.wait()
    make_old(held)
    third, _ = arbiter()
    assert held.exists(), "its worker still counts"
    for process in (first, second, third):
        process.communicate()
    assert not other.exists()
    removed(held)


def test_directories_of_killed_arbiters_are_removed_when_they_are_old() -> None:
    killed, left_behind = arbiter()
    killed.kill()
    killed.communicate()
    arbiter()[0].communicate()
    assert left_behind.exists(), "it could be one that is just being made"
    removed(left_behind)


def removed(left_behind: Path) -> None:
    """Nobody holds it: the next arbiter removes it once it is old."""
    # The worker has ended with its input, and nobody waits for it.
    until(lambda: not is_held(left_behind))
    make_old(left_behind)
    arbiter()[0].communicate()
    assert not left_behind.exists()


def is_held(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_nothing_is_merged_without_a_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    metrics.mark_process_dead(1)
    metrics.remove_multiprocess_dir()


def test_labels_come_from_bounded_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    before = value("http_requests_total", method="OTHER", route="/bounded", status="405") or 0
    for method in ("BREW", "SPAM1", "SPAM2"):
        metrics.observe_request(AccessRecord(method, "/bounded", 405, 0.1, 0, "t", None, None, 0.0))
    after = value("http_requests_total", method="OTHER", route="/bounded", status="405")
    assert after == before + 3


def test_searches_are_timed_by_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    before = value("search_duration_seconds_count", source="cache") or 0
    metrics.observe_search(source="cache", seconds=0.001)
    assert value("search_duration_seconds_count", source="cache") == before + 1


def test_the_limiter_is_in_one_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    for state in metrics.LIMITER_STATES:
        metrics.set_limiter_state(state)
        states = {
            known: value("rate_limiter_state", state=known) for known in metrics.LIMITER_STATES
        }
        assert [known for known, count in states.items() if count == 1] == [state]
        assert sum(count or 0 for count in states.values()) == 1
