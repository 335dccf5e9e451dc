"""The part of `tracing` that needs the packages of the extra `otel`."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import Connection, Engine, event
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api import __version__
from scholarship_api.errors import trace_id_of
from scholarship_api.platform.http.request_context import route_template
from scholarship_api.settings.settings import Settings

_W3C_TRACE_ID: Final = re.compile(r"(?!0{32})[0-9a-f]{32}")
_SERVER_ERROR: Final = 500
_SHUTDOWN_MILLISECONDS: Final = 2000

_request_trace_id: ContextVar[int | None] = ContextVar("request_trace_id", default=None)


def w3c_trace_id(trace_id: str) -> int:
    """The request's trace id as OpenTelemetry's number; an id of another form is hashed."""
    if _W3C_TRACE_ID.fullmatch(trace_id):
        return int(trace_id, 16)
    return int.from_bytes(hashlib.sha256(trace_id.encode()).digest()[:16])


class _RequestIds(RandomIdGenerator):
    """Gives a new trace the id of its request."""

    def generate_trace_id(self) -> int:
        return _request_trace_id.get() or super().generate_trace_id()


class OpenTelemetry:
    def __init__(self, settings: Settings, *, exporter: SpanExporter | None = None) -> None:
        self._provider = TracerProvider(
            resource=Resource.create(
                {
                    "service.name": "scholarship-api",
                    "service.version": __version__,
                    "deployment.environment.name": settings.environment,
                }
            ),
            id_generator=_RequestIds(),
            shutdown_on_exit=False,
        )
        if exporter is None:
            endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/")
            exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("scholarship_api", __version__)

    def shutdown(self) -> None:
        self._provider.force_flush(_SHUTDOWN_MILLISECONDS)
        self._provider.shutdown()

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, str | int]) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False
        ) as span:
            yield span

    def watch_engine(self, engine: Engine) -> None:
        def before(connection: Connection, _: Any, statement: str, *__: Any) -> None:  # noqa: ANN401
            span = self._tracer.start_span(
                statement.split(maxsplit=1)[0].upper() if statement.strip() else "SQL",
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql", "db.query.text": statement},
            )
            connection.info.setdefault("spans", []).append(span)

        def after(connection: Connection, *_: Any) -> None:  # noqa: ANN401
            connection.info["spans"].pop().end()

        def failed(context: Any) -> None:  # noqa: ANN401
            spans = context.connection.info.get("spans") if context.connection else None
            if spans:
                span = spans.pop()
                span.set_status(Status(StatusCode.ERROR))
                span.end()

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        event.listen(engine, "handle_error", failed)

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        trace_id = trace_id_of(scope)
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        _request_trace_id.set(w3c_trace_id(trace_id))
        with self._tracer.start_as_current_span(
            scope["method"],
            context=_parent(scope, trace_id),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": scope["method"],
                "scholarship.trace_id": trace_id,
            },
            record_exception=False,
        ) as span:
            await app(scope, receive, watch)
            route = route_template(scope)
            span.update_name(f"{scope['method']} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= _SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))


def _parent(scope: Scope, trace_id: str) -> Context:
    """The caller's span, if the request goes by the trace id of its `traceparent`."""
    carrier = {"traceparent": Headers(scope=scope).get("traceparent", "")}
    context = TraceContextTextMapPropagator().extract(carrier, context=Context())
    parent = trace.get_current_span(context).get_span_context()
    return context if parent.trace_id == w3c_trace_id(trace_id) else Context()
