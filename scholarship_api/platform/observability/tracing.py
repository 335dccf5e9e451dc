"""OpenTelemetry, when OTEL_EXPORTER_OTLP_ENDPOINT is set and the extra `otel` is installed.

A span for each request, for each use of the database and for each call of the rate limiter. With
nothing configured every function here does nothing, and the exporter is not imported.
"""

from collections.abc import Awaitable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.settings.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from scholarship_api.platform.observability.opentelemetry import OpenTelemetry

_NOTHING: Final = nullcontext()


class _Configured:
    tracer: "OpenTelemetry | None" = None


def configure(settings: Settings, *, exporter: "SpanExporter | None" = None) -> None:
    """Start tracing if an endpoint is set; call it before the database and the limiter are made.

    `exporter` takes the place of OTLP over HTTP, in tests.
    """
    if _Configured.tracer is not None or not (settings.otel_exporter_otlp_endpoint or exporter):
        return
    # Imported here, as the packages are optional and take memory in each worker. The settings
    # refuse an endpoint without them.
    from scholarship_api.platform.observability.opentelemetry import OpenTelemetry  # noqa: PLC0415

    _Configured.tracer = OpenTelemetry(settings, exporter=exporter)


def is_on() -> bool:
    return _Configured.tracer is not None


def shutdown() -> None:
    """Export the remaining spans and stop tracing; blocks for up to 2 s."""
    if _Configured.tracer is not None:
        _Configured.tracer.shutdown()
        _Configured.tracer = None


def span(name: str, **attributes: str | int) -> AbstractContextManager[object]:
    """A span around the block, inside the current one."""
    if _Configured.tracer is None:
        return _NOTHING
    return _Configured.tracer.span(name, attributes)


def watch_engine(engine: Engine) -> None:
    """Give each statement of the engine a span, with its text but never its parameters."""
    if _Configured.tracer is not None:
        _Configured.tracer.watch_engine(engine)


class TracingMiddleware:
    """Makes a server span for each request, with the trace id of the request context."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if _Configured.tracer is None or scope["type"] != "http":
            return self._app(scope, receive, send)
        return _Configured.tracer.serve(self._app, scope, receive, send)
