"""The fast path of anonymous searches by GET: the one place that bypasses middleware and routing.

It has two parts, and one switch for both, `FastPath.is_on`:

1. CachedResponseMiddleware, outside all other middleware, answers a request that was answered
   before while the catalogue has not changed. The skipped middleware decides about such a request
   (is the host allowed, may the origin read it, which headers are added) by the path, the query,
   the Host and the Origin alone. So the headers of the first response are cached for these four
   and sent again. Every other part is done for each request: the trace id, the rate limits, the
   version of the catalogue, the access log and the metrics. This takes half the CPU of all
   middleware together.
2. DirectCallMiddleware, inside all other middleware, reads the query and calls the endpoint where
   FastAPI has nothing else to do. FastAPI matches the route twice and reads the query model field
   by field: a third of all function calls of a search.

Tests compare the answers with the switch on and off.
"""

import dataclasses
import functools
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, get_origin
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scholarship_api.accounts.access import current_account_or_none
from scholarship_api.accounts.authentication import CREDENTIALS_KEY
from scholarship_api.accounts.credentials import CREDENTIAL_HEADERS
from scholarship_api.platform.http.rate_limiting import RateLimits
from scholarship_api.platform.http.request_context import (
    CLIENT_CLOSED_REQUEST,
    ROUTE_TEMPLATE_KEY,
    RequestContext,
)
from scholarship_api.platform.observability import tracing
from scholarship_api.platform.rate_limiting.limiter import RateLimiterUnavailable
from scholarship_api.search.responses.answers import CACHED_ROUTE_KEY, Answers
from scholarship_api.search.responses.formats import may_ask_for_other
from scholarship_api.search.responses.json_response import Headers
from scholarship_api.search.responses.response_cache import CachedRoute, CacheKey

Header = tuple[bytes, bytes]

_METHODS: Final = frozenset({"GET", "HEAD"})
_DECIDING_HEADERS: Final = CREDENTIAL_HEADERS | {b"content-length", b"transfer-encoding"}
"""Request headers with which some middleware may decide otherwise."""
_SINGLE_RESPONSE_HEADERS: Final = frozenset(
    {
        b"cache-control",
        b"content-length",
        b"content-type",
        b"etag",
        b"x-ratelimit-limit",
        b"x-ratelimit-remaining",
        b"x-ratelimit-reset",
        b"x-request-id",
        b"x-trace-id",
    }
)
"""Response headers that are made anew for each response."""


@dataclasses.dataclass(slots=True)
class FastPath:
    """The switch, at `app.state.fast_path`. Turned off, every request takes the ordinary path."""

    is_on: bool = True


class CachedResponseMiddleware:
    """Answers from the response cache, outside all other middleware."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        fast_path: FastPath,
        answers: Answers,
        context: RequestContext,
        limits: RateLimits,
    ) -> None:
        self._app = app
        self._fast_path = fast_path
        self._answers = answers
        self._context = context
        self._limits = limits

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if (
            scope["type"] != "http"
            or scope["method"] not in _METHODS
            or not self._fast_path.is_on
            or tracing.is_on()
        ):
            return self._app(scope, receive, send)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        is_repeated = len(headers) != len(scope["headers"])
        if (
            is_repeated
            or not _DECIDING_HEADERS.isdisjoint(headers)
            or may_ask_for_other(headers.get(b"accept"))
        ):
            return self._app(scope, receive, send)
        host, origin = headers.get(b"host"), headers.get(b"origin")
        cache_key = (scope["path"], scope["query_string"], host, origin)
        route = self._answers.cache.get_route(cache_key)
        if route is None:
            return self._app(scope, receive, self._caching_route(cache_key, scope, send))
        return self._answer(route, scope, receive, send)

    async def _answer(self, route: CachedRoute, scope: Scope, receive: Receive, send: Send) -> None:
        started_at = time.perf_counter()
        status = response_bytes = 0
        is_ours = True
        try:
            headers = self._context.read(scope).headers
            limit_headers = await self._count(scope) if self._limits.enabled else ()
            answer = None
            if limit_headers is not None:
                answer = await self._answers.cached_answer(route, scope)
            if limit_headers is None or answer is None:
                is_ours = False
                await self._app(scope, receive, send)
                return
            rendered, seconds = answer
            status, response_bytes = await rendered.send(
                scope,
                send,
                seconds=seconds,
                headers=headers + limit_headers,
                shared=route.headers,
            )
        finally:
            if is_ours:
                self._context.report(
                    scope,
                    route=route.route,
                    status=status or CLIENT_CLOSED_REQUEST,
                    started_at=started_at,
                    response_bytes=response_bytes,
                )

    async def _count(self, scope: Scope) -> Headers | None:
        """Count the request. The headers of its rate limits; None if it is refused or cannot be
        counted, which the rate limiting middleware then answers."""
        try:
            decision = await self._limits.decide(scope)
        except RateLimiterUnavailable:
            return None
        return decision.raw_headers if decision is not None and decision.allowed else None

    def _caching_route(self, cache_key: CacheKey, scope: Scope, send: Send) -> Send:
        def send_and_cache(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start" and CACHED_ROUTE_KEY in scope:
                route: CachedRoute = scope[CACHED_ROUTE_KEY]
                headers = _common_headers(message["headers"])
                self._answers.cache.put_route(
                    cache_key, dataclasses.replace(route, headers=headers)
                )
            return send(message)

        return send_and_cache


def _common_headers(headers: Iterable[Header]) -> Headers:
    return _one_object(
        tuple(header for header in headers if header[0] not in _SINGLE_RESPONSE_HEADERS)
    )


@functools.lru_cache(maxsize=256)
def _one_object(headers: Headers) -> Headers:
    """The same object for equal headers, which saves memory in the cache."""
    return headers


class DirectCallMiddleware:
    """Calls the endpoint itself where FastAPI has nothing else to do, inside all other middleware.

    That is an anonymous GET of an endpoint that takes the request and one model of the query, with
    a valid query, or the request and the last part of the path. FastAPI answers invalid queries.
    """

    def __init__(self, app: ASGIApp, *, fast_path: FastPath, routes: Iterable[BaseRoute]) -> None:
        """`routes` are all routes of the application, in the order in which they are matched."""
        self._app = app
        self._fast_path = fast_path
        readable = [
            route
            for route in routes
            if isinstance(route, APIRoute) and "GET" in (route.methods or ())
        ]
        self._literal_paths = {route.path for route in readable if not route.param_convertors}
        self._endpoints = {
            route.path: endpoint
            for route in readable
            if (endpoint := QueryEndpoint.of(route)) is not None
        }
        self._part_endpoints = {
            part_endpoint.prefix: part_endpoint
            for route in readable
            if (part_endpoint := PathEndpoint.of(route)) is not None
        }
        self._suffixed_paths = [
            route.path_regex for route in readable if "}." in route.path.rpartition("/")[2]
        ]
        """Paths such as /things/{id}.ics, which /things/{id} would match, too."""

    @property
    def paths(self) -> set[str]:
        """The paths of the endpoints that can be called."""
        return {*self._endpoints, *(each.template for each in self._part_endpoints.values())}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if (
            scope["type"] != "http"
            or not self._fast_path.is_on
            or scope["method"] not in _METHODS
            or scope[CREDENTIALS_KEY] is not None
        ):
            return self._app(scope, receive, send)
        path = scope["path"]
        if (endpoint := self._endpoints.get(path)) is not None:
            query = endpoint.read(scope["query_string"])
            if query is not None:
                scope[ROUTE_TEMPLATE_KEY] = path
                return endpoint.answer(query, scope, receive, send)
        elif scope["method"] == "GET" and path not in self._literal_paths:
            prefix, _, last = path.rpartition("/")
            if (
                last
                and (part_endpoint := self._part_endpoints.get(prefix)) is not None
                and not any(suffixed.match(path) for suffixed in self._suffixed_paths)
            ):
                scope[ROUTE_TEMPLATE_KEY] = part_endpoint.template
                return part_endpoint.answer(last, scope, receive, send)
        return self._app(scope, receive, send)


class PathEndpoint:
    """The endpoint of a route that takes the request and the last part of the path."""

    def __init__(self, route: APIRoute, *, request_name: str, part_name: str) -> None:
        self.template = route.path
        self.prefix = route.path.rpartition("/")[0]
        self._endpoint: Callable[..., Awaitable[Response]] = route.endpoint
        self._request_name = request_name
        self._part_name = part_name

    @classmethod
    def of(cls, route: APIRoute) -> "PathEndpoint | None":
        """None for a route that needs more of FastAPI.

        A parameter for If-None-Match only documents the header: responses read it from the scope.
        """
        wanted = route.dependant
        if (
            route.methods != {"GET"}
            or wanted.request_param_name is None
            or len(wanted.path_params) != 1
            or wanted.path_params[0].field_info.annotation is not str
            or not route.path.endswith(f"/{{{wanted.path_params[0].name}}}")
            or "{" in route.path.rpartition("/")[0]
            or wanted.query_params
            or {each.alias for each in wanted.header_params} - {"if-none-match"}
            or wanted.cookie_params
            or wanted.body_params
            or wanted.dependencies
        ):
            return None
        return cls(
            route,
            request_name=wanted.request_param_name,
            part_name=wanted.path_params[0].name,
        )

    async def answer(self, part: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._endpoint(**{self._request_name: request, self._part_name: part})
        await response(scope, receive, send)


class QueryEndpoint:
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
    def of(cls, route: APIRoute) -> "QueryEndpoint | None":
        """None for a route that needs more of FastAPI."""
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
        """The model of the query; None for an invalid query."""
        values: dict[str, Any] = {}
        for name, value in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True):
            if name in self._lists:
                values.setdefault(name, []).append(value)
            else:
                values[name] = value  # of several values the last one, as in Starlette
        try:
            return self._model.model_validate(values)
        except ValidationError:
            return None

    async def answer(self, query: BaseModel, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._endpoint(**{self._request_name: request, self._query_name: query})
        await response(scope, receive, send)
