"""The worker's own HTTP server: /healthz for probes, /metrics for Prometheus."""

import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scholarship_api.health.paths import LIVENESS, METRICS
from scholarship_api.platform.observability import metrics
from scholarship_api.settings.settings import Settings

STOP_SECONDS: Final = 2


class _Server(uvicorn.Server):
    """Leaves the signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server(settings: Settings, *, is_healthy: Callable[[], bool]) -> uvicorn.Server:
    """A server on WORKER_PORT; `serve()` runs it, `should_exit` ends it."""
    token = settings.metrics_token.get_secret_value()

    async def healthz(_: Request) -> Response:
        if is_healthy():
            return PlainTextResponse("ok")
        return PlainTextResponse("no complete turn lately", status_code=503)

    async def show_metrics(request: Request) -> Response:
        sent = request.headers.get("authorization", "")
        if token:
            if not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
                return PlainTextResponse("unauthorized", status_code=401)
        elif settings.environment != "development":
            return PlainTextResponse("not found", status_code=404)
        body = await anyio.to_thread.run_sync(metrics.render)
        return Response(body, media_type=metrics.CONTENT_TYPE)

    app = Starlette(routes=[Route(LIVENESS, healthz), Route(METRICS, show_metrics)])
    config = uvicorn.Config(
        app,
        host=settings.bind_host[0],
        port=settings.worker_port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=20,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return _Server(config)
