"""`systemctl stop` while a request is in flight. Nothing must be left afterwards."""

from collections import Counter
from typing import Any, Final

from . import acceptance
from .deployment import ORIGIN
from .machine import API, Machine, await_ready, control, read_log, unit_property

CLOSED: Final = (
    "background_tasks.closed",
    "rate_limiter.closed",
    "database.closed",
    "Application shutdown complete.",
    "worker.finished",
)
LAST: Final = "Shutting down: Master"
CLEAN: Final = {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}


def check(server: Machine, client: Machine, suite: str) -> None:
    """Run the steps on one machine, which may run its own servers."""
    control(server, "start", API)
    await_ready(server)
    run_suite(server, client, suite)
    control(server, "stop", API)
    assert {name: unit_property(server, API, name) for name in CLEAN} == CLEAN
    for run in runs(read_log(server))[-2:]:  # the suite has also stopped it
        assert_closed(run)


def run_suite(server: Machine, client: Machine, suite: str) -> None:
    """A request in flight completes. There is no proxy, because it would hold the request back.

    Tests that a proxy would answer itself run here too.
    """
    acceptance.run(
        client,
        suite,
        only="test_shutdown or test_protection",
        variables={"BASE_URL": "http://server:8000", "ALLOWED_ORIGIN": ORIGIN},
        hooks=acceptance.hooks_of("SERVICE", server, start=API, stop=API),
    )


def runs(log: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The log lines of each run, up to the last line of a run."""
    ends = [number for number, line in enumerate(log, start=1) if line["event"] == LAST]
    assert ends, "no run has ended"
    assert ends[-1] == len(log), f"after the end: {log[ends[-1] :]}"
    return [log[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def assert_closed(log: list[dict[str, Any]]) -> None:
    """Every started worker has closed everything, and no request was cut off."""
    events = Counter(line["event"] for line in log)
    workers = events["Application startup complete."]
    assert workers > 1, events
    assert {event: events[event] for event in CLOSED} == dict.fromkeys(CLOSED, workers)
    assert not [line for line in log if line["level"] in {"error", "critical"}]
