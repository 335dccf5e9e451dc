"""Gives the errors of the CommonGrants routes the field that the standard demands."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.errors import ERROR_FIELDS_KEY

PREFIX: Final = "/common-grants"
_FIELDS: Final[dict[str, list[str]]] = {"errors": []}


class CommonGrantsErrorsMiddleware:
    """Every error below /common-grants has `errors: []` beside the fields of the service's own
    errors. Clients of the standard fail without it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            scope[ERROR_FIELDS_KEY] = _FIELDS
        await self._app(scope, receive, send)
