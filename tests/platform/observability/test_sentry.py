import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
import structlog
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from scholarship_api import __version__
from scholarship_api.platform.observability import sentry
from scholarship_api.settings.settings import Settings

DSN = "https://public@sentry.example/1"


class CapturingTransport(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)

    @property
    def events(self) -> list[dict[str, Any]]:
        found = (envelope.get_event() for envelope in self.envelopes)
        return [dict(event) for event in found if event is not None]


@pytest.fixture
def transport() -> Iterator[CapturingTransport]:
    transport = CapturingTransport()
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def configure(transport: Transport, dsn: str = DSN) -> None:
    sentry.configure(Settings(environment="staging", sentry_dsn=dsn), transport=transport)


def break_something(password: str) -> None:
    secret_local = f"hidden {password}"
    raise ValueError(secret_local)


def report_fault() -> None:
    try:
        break_something("hunter2-planted")
    except ValueError as error:
        sentry.report(error)


def test_an_exception_is_reported_with_release_environment_and_trace_id(
    transport: CapturingTransport,
) -> None:
    configure(transport)
    with structlog.contextvars.bound_contextvars(trace_id="abc-123"):
        report_fault()
    [event] = transport.events
    assert event["environment"] == "staging"
    assert event["release"] == f"scholarship-api@{__version__}"
    assert event["tags"]["trace_id"] == "abc-123"
    assert event["exception"]["values"][0]["type"] == "ValueError"
    functions = [f["function"] for f in event["exception"]["values"][0]["stacktrace"]["frames"]]
    assert functions == ["report_fault", "break_something"]


def test_a_report_has_no_local_variables_request_or_user(transport: CapturingTransport) -> None:
    configure(transport)
    sentry_sdk.set_user({"id": "student-7", "email": "s@planted.example"})
    sentry_sdk.add_breadcrumb(message="planted breadcrumb")
    sentry_sdk.set_extra("form", "planted extra")
    report_fault()
    [event] = transport.events
    text = json.dumps(event, default=str)
    assert "planted" not in text
    assert "secret_local" not in text
    assert not {"request", "user", "breadcrumbs", "extra"} & event.keys()
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert not any({"vars", "context_line"} & frame.keys() for frame in frames)


def test_without_a_dsn_nothing_happens(transport: CapturingTransport) -> None:
    configure(transport, dsn="")
    report_fault()
    sentry.shutdown()
    assert transport.envelopes == []
    assert not sentry_sdk.is_initialized()
