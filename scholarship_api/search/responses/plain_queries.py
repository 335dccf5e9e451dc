"""Searches in a query string that need nothing of FastAPI: read in one step, and answered.

FastAPI looks for the route of each request twice, and reads a model of the query field by field,
asking of the type of each whether it is a list: that was a third of all function calls of a search.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, get_origin
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from scholarship_api.accounts.access import current_account_or_none
from scholarship_api.accounts.authentication import CREDENTIALS_KEY
from scholarship_api.platform.http.request_context import ROUTE_TEMPLATE_KEY

_METHODS: Final = frozenset({"GET", "HEAD"})


class PlainQueriesMiddleware:
    """Above the routes: calls the endpoint itself where nothing is left for FastAPI to do.

    That is a GET by nobody in particular, to an endpoint that takes the request and one model of
    the query, with a query that is valid. What is wrong with another one is for FastAPI to say.
    """

    def __init__(self, app: ASGIApp, *, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._endpoints = {
            route.path: endpoint
            for route in routes
            if isinstance(route, APIRoute) and (endpoint := PlainEndpoint.of(route)) is not None
        }

    @property
    def paths(self) -> set[str]:
        """Those of the endpoints that can be called."""
        return set(self._endpoints)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        endpoint = self._endpoints.get(scope["path"]) if scope["type"] == "http" else None
        if (
            endpoint is None
            or scope["method"] not in _METHODS
            or scope[CREDENTIALS_KEY] is not None
            or (query := endpoint.read(scope["query_string"])) is None
        ):
            return self._app(scope, receive, send)
        scope[ROUTE_TEMPLATE_KEY] = scope["path"]
        return endpoint.answer(query, scope, receive, send)


class PlainEndpoint:
    """The endpoint of a route that takes the request and one model of the query."""

    def __init__(
        self,
        endpoint: Callable[..., Awaitable[Response]],
        *,
        request_name: str,
        query_name: str,
        model: type[BaseModel],
    ) -> None:
        self._endpoint = endpoint
        self._request_name = request_name
        self._query_name = query_name
        self._model = model
        self._lists = {
            name for name, info in model.model_fields.items() if get_origin(info.annotation) is list
        }

    @classmethod
    def of(cls, route: APIRoute) -> "PlainEndpoint | None":
        """None for the endpoint of another route."""
        wanted = route.dependant
        query = wanted.query_params[0] if len(wanted.query_params) == 1 else None
        model = query.field_info.annotation if query is not None else None
        if (
            query is None
            or model is None
            or not isinstance(model, type)
            or not issubclass(model, BaseModel)
            or route.methods != {"GET"}
            or wanted.request_param_name is None
            or wanted.path_params
            or wanted.header_params
            or wanted.cookie_params
            or wanted.body_params
            or any(each.call is not current_account_or_none for each in wanted.dependencies)
        ):
            return None
        return cls(
            route.endpoint,
            request_name=wanted.request_param_name,
            query_name=query.name,
            model=model,
        )

    def read(self, query_string: bytes) -> BaseModel | None:
        """None for a query that is not valid."""
        values: dict[str, Any] = {}
        for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
            if name in self._lists:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value  # of several the last one, as Starlette has it
        try:
            return self._model.model_validate(values)
        except ValidationError:
            return None

    async def answer(self, query: BaseModel, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._endpoint(**{self._request_name: request, self._query_name: query})
        await response(scope, receive, send)
