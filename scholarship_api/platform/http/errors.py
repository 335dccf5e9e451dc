"""Whatever goes wrong below becomes an answer in the error schema."""

from collections.abc import Awaitable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.errors import (
    ApiError,
    DatabaseUnavailable,
    InternalError,
    send_error,
    to_response,
)
from scholarship_api.platform.database.errors import outage_reason
from scholarship_api.platform.observability import sentry
from scholarship_api.platform.observability.logging import REPORTED

_log = structlog.stdlib.get_logger(__name__)


class ErrorsMiddleware:
    """Answers 500, or 503 when the database is away; raises on once an answer has started.

    Each fault is logged with its traceback and reported once, under its trace id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        def send_and_note(message: Message) -> Awaitable[None]:
            nonlocal started
            started = True
            return send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            answer = _answer_for(error)
            if isinstance(answer, InternalError) or started:
                _log.error("request.failed", exc_info=error, answer_started=started)
                sentry.report(error)
            if started:
                error.add_note(REPORTED)
                raise
            await send_error(answer, scope, receive, send)


def _answer_for(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    # The database's own blocks raise DatabaseUnavailable; this is for what escapes them.
    if reason := outage_reason(error):
        # During an outage every request comes here: a traceback each would be a flood.
        _log.warning("database.unavailable", reason=reason)
        return DatabaseUnavailable()
    return InternalError()


async def answer_last_resort(request: Request, _: Exception) -> Response:
    """Starlette's outermost handler: a fault of a middleware outside this one has the schema too.

    Starlette raises on after this answer, so that the server logs the fault.
    """
    return to_response(InternalError(), request.scope)
