"""Turns exceptions of the routes and of inner middleware into responses in the error schema."""

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
    """Answers 500, or 503 while the database is unavailable.

    Once a response has started, the exception is raised again instead. Each unexpected exception is
    logged with its traceback and reported once, with the trace id.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        def send_and_note_start(message: Message) -> Awaitable[None]:
            nonlocal started
            started = True
            return send(message)

        try:
            await self._app(scope, receive, send_and_note_start)
        except Exception as error:
            api_error = _api_error_for(error)
            if isinstance(api_error, InternalError) or started:
                _log.error("request.failed", exc_info=error, answer_started=started)
                sentry.report(error)
            if started:
                error.add_note(REPORTED)
                raise
            await send_error(api_error, scope, receive, send)


def _api_error_for(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    # Sessions raise DatabaseUnavailable themselves; this is for driver errors outside of them.
    if reason := outage_reason(error):
        # During an outage every request comes here: no traceback for each.
        _log.warning("database.unavailable", reason=reason)
        return DatabaseUnavailable()
    return InternalError()


async def last_resort_response(request: Request, _: Exception) -> Response:
    """For Starlette's outermost handler, which catches errors of the outer middleware.

    Starlette raises the exception again afterwards, so that the server logs it.
    """
    return to_response(InternalError(), request.scope)
