"""`systemctl stop` while a request is on its way, and what is left afterwards: nothing."""

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
    """On one machine, whose servers may be its own."""
    control(server, "start", API)
    await_ready(server)
    run_suite(server, client, suite)
    control(server, "stop", API)
    assert {name: unit_property(server, API, name) for name in CLEAN} == CLEAN
    for run in runs(read_log(server))[-2:]:  # the suite has stopped it, too
        assert_closed(run)


def run_suite(server: Machine, client: Machine, suite: str) -> None:
    """A request in flight completes; without a proxy, which would hold the request back.

    What a proxy answers itself is tested on the way.
    """
    acceptance.run(
        client,
        suite,
        only="test_shutdown or test_protection",
        variables={"BASE_URL": "http://server:8000", "ALLOWED_ORIGIN": ORIGIN},
        hooks=acceptance.hooks_of("SERVICE", server, start=API, stop=API),
    )


def runs(log: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The lines of each run, up to the last line that a run may have."""
    ends = [number for number, line in enumerate(log, start=1) if line["event"] == LAST]
    assert ends, "no run has ended"
    assert ends[-1] == len(log), f"after the end: {log[ends[-1] :]}"
    return [log[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def assert_closed(log: list[dict[str, Any]]) -> None:
    """Every worker that has started has closed all that it had, and nothing was cut off."""
    events = Counter(line["event"] for line in log)
    workers = events["Application startup complete."]
    assert workers > 1, events
    assert {event: events[event] for event in CLOSED} == dict.fromkeys(CLOSED, workers)
    assert not [line for line in log if line["level"] in {"error", "critical"}]
