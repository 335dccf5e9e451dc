"""Probes and metrics, answered before the Host check and the rate limits.

The kubelet and Prometheus send the pod's address as Host, and no limit may refuse them.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.errors import (
    ApiError,
    DatabaseUnavailable,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
    Unauthorized,
    to_response,
)
from scholarship_api.health import paths
from scholarship_api.health.service import HealthService
from scholarship_api.platform.http.request_context import ROUTE_TEMPLATE_KEY
from scholarship_api.platform.observability import metrics

_METHODS: Final = ("GET", "HEAD")
_NO_STORE: Final = {"Cache-Control": "no-store"}

Handler = Callable[[HealthService, Scope], Awaitable[Response]]


async def _liveness(_: HealthService, __: Scope) -> Response:
    return JSONResponse({"status": "ok"}, headers=_NO_STORE)


async def _readiness(health: HealthService, _: Scope) -> Response:
    report = await health.readiness()
    services = {name: result.as_dict() for name, result in report.services.items()}
    if report.not_ready:
        causes = ", ".join(f"{name} ({reason})" for name, reason in report.not_ready.items())
        raise ServiceUnavailable(f"Not ready: {causes}.", details={"services": services})
    status = "degraded" if report.degraded else "ok"
    return JSONResponse({"status": status, "services": services}, headers=_NO_STORE)


async def _database(health: HealthService, _: Scope) -> Response:
    result = await health.database()
    if result.status != "up":
        raise DatabaseUnavailable(
            f"The database does not answer: {result.reason}.",
            details={"services": {"database": result.as_dict()}},
        )
    return JSONResponse(result.as_dict(), headers=_NO_STORE)


async def _metrics(health: HealthService, scope: Scope) -> Response:
    settings = health.settings
    token = settings.metrics_token.get_secret_value()
    if token:
        scheme, _, sent = Headers(scope=scope).get("authorization", "").partition(" ")
        matches = hmac.compare_digest(sent.strip().encode(), token.encode())
        if scheme.lower() != "bearer" or not matches:
            raise Unauthorized
    elif settings.environment != "development":
        raise NotFound
    body = await asyncio.to_thread(metrics.render)
    return Response(body, media_type=metrics.CONTENT_TYPE, headers=_NO_STORE)


_HANDLERS: Final[dict[str, Handler]] = {
    paths.LIVENESS: _liveness,
    paths.LIVENESS_ALIAS: _liveness,
    paths.READINESS: _readiness,
    paths.READINESS_ALIAS: _readiness,
    paths.DATABASE: _database,
    paths.METRICS: _metrics,
}


async def answer_probe(health: HealthService, scope: Scope) -> Response:
    """The answer to a request whose path is one of PROBE_PATHS."""
    scope[ROUTE_TEMPLATE_KEY] = scope["path"]
    try:
        if scope["method"] not in _METHODS:
            raise MethodNotAllowed(headers={"Allow": ", ".join(_METHODS)})
        return await _HANDLERS[scope["path"]](health, scope)
    except ApiError as error:
        return to_response(error, scope)


class ProbeMiddleware:
    def __init__(self, app: ASGIApp, *, health: HealthService) -> None:
        self._app = app
        self._health = health

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["path"] in paths.PROBE_PATHS:
            return self._answer(scope, receive, send)
        return self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await answer_probe(self._health, scope)
        if scope["method"] == "HEAD":
            response.body = b""  # Content-Length stays that of the GET
        await response(scope, receive, send)
