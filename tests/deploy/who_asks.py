"""An ASGI application that answers with the client that it sees, behind the outer middleware."""

import json

from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.app import rate_limit_groups
from scholarship_api.platform.http.rate_limiting import (
    RateLimitMiddleware,
    RateLimits,
    client_identity,
)
from scholarship_api.platform.http.request_context import RequestContext, RequestContextMiddleware
from scholarship_api.platform.observability import logging
from scholarship_api.platform.rate_limiting.limiter import RateLimiter
from scholarship_api.settings.settings import load_settings


def create() -> ASGIApp:
    settings = load_settings()
    logging.configure(settings)
    limiter = RateLimiter(settings)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        facts = {
            "client": scope["client"][0],
            "identity": client_identity(scope),
            "scheme": scope["scheme"],
        }
        body = json.dumps(facts).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    limited = RateLimitMiddleware(answer, limits=RateLimits(rate_limit_groups(settings), limiter))
    middleware = RequestContextMiddleware(
        limited, context=RequestContext(trusted_proxies=settings.trusted_proxy_ips)
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await middleware(scope, receive, send)
            return
        await receive()
        await limiter.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await limiter.close()
        await send({"type": "lifespan.shutdown.complete"})

    return app
