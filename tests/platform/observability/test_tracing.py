import subprocess
import sys
from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pytest
from httpx import ASGITransport, AsyncClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from scholarship_api.app import rate_limit_groups
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.http.rate_limiting import RateLimitMiddleware, RateLimits
from scholarship_api.platform.http.request_context import RequestContext, RequestContextMiddleware
from scholarship_api.platform.observability import tracing
from scholarship_api.platform.observability.opentelemetry import w3c_trace_id
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio

PROXY = "2001:db8::1"
"""A peer whose traceparent counts."""
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"


class KeepingExporter(InMemorySpanExporter):
    """Keeps the spans after the shutdown that exports the last ones."""

    def shutdown(self) -> None:
        pass


@pytest.fixture
def finish() -> Iterator[Callable[[], list[ReadableSpan]]]:
    exporter = KeepingExporter()
    tracing.configure(Settings(environment="test"), exporter=exporter)

    def finish() -> list[ReadableSpan]:
        tracing.shutdown()
        return list(exporter.get_finished_spans())

    yield finish
    tracing.shutdown()


async def ask(database: Database, limiter: RateLimiter, headers: dict[str, str]) -> str:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async with database.read_session() as session:
            await session.execute(text("SELECT :secret"), {"secret": "planted"})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    limits = RateLimits(rate_limit_groups(Settings(environment="test")), limiter)
    limited = RateLimitMiddleware(answer, limits=limits)
    context = RequestContext(trusted_proxies=[ip_network(PROXY)])
    app = RequestContextMiddleware(tracing.TracingMiddleware(limited), context=context)
    transport = ASGITransport(app, client=(PROXY, 1))
    async with AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.get("/api/v1/search", headers=headers)
    return response.headers["X-Trace-ID"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"},
        {"X-Request-ID": "order-7.retry"},
        {"X-Request-ID": "order-7", "traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01"},
    ],
)
async def test_request_database_and_redis_have_spans_with_the_trace_id_of_the_request(
    headers: dict[str, str],
    finish: Callable[[], list[ReadableSpan]],
    database_url: str,
    redis_url: str,
) -> None:
    settings = Settings(
        environment="test", database_url=database_url, rate_limit_backend_url=redis_url
    )
    database, limiter = Database(settings), RateLimiter(settings)
    trace_id = await ask(database, limiter, headers)
    await database.close()
    await limiter.close()

    spans = finish()

    assert {span.context.trace_id for span in spans if span.context} == {w3c_trace_id(trace_id)}
    if len(trace_id) == 32:
        assert f"{w3c_trace_id(trace_id):032x}" == trace_id
    server = next(span for span in spans if span.name.startswith("GET"))
    assert server.attributes
    assert server.attributes["scholarship.trace_id"] == trace_id
    assert server.attributes["http.response.status_code"] == 200
    if trace_id == TRACE_ID:
        assert server.parent
        assert f"{server.parent.span_id:016x}" == PARENT_ID
    else:
        assert server.parent is None
    children = [span for span in spans if span is not server]
    assert all(span.parent and server.context for span in children)
    systems = {(span.attributes or {}).get("db.system.name") for span in children}
    assert systems == {"postgresql", "redis"}
    statements = [(span.attributes or {}).get("db.query.text") for span in children]
    assert "planted" not in str(statements)
    assert any("SELECT" in str(statement) for statement in statements)


async def test_a_failed_statement_ends_its_span_as_an_error(
    finish: Callable[[], list[ReadableSpan]], database_url: str
) -> None:
    database = Database(Settings(environment="test", database_url=database_url))
    with pytest.raises(Exception, match="no_such_table"):
        async with database.read_session() as session:
            await session.execute(text("SELECT * FROM no_such_table"))
    await database.close()
    failed = [span for span in finish() if not span.status.is_ok and span.status.status_code.value]
    assert len(failed) == 1


async def test_without_an_endpoint_nothing_happens() -> None:
    tracing.configure(Settings(environment="test"))
    with tracing.span("anything", size=1) as span:
        assert span is None
    tracing.shutdown()


@pytest.mark.slow
def test_without_an_endpoint_the_exporter_is_not_imported() -> None:
    code = (
        "import sys; from scholarship_api.platform.database import engine;"
        "from scholarship_api.platform.observability import tracing;"
        "from scholarship_api.platform.rate_limiting import limiter;"
        "sys.exit(any(name.startswith('opentelemetry.exporter') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
