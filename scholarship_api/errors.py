"""The one schema of errors, for every refusal and failure in middleware and routes.

Each exception carries status, code and headers, and documents itself in OpenAPI. Messages tell the
client how to go on. No body ever holds exception text, a path of the server or a submitted secret.
"""

import http
import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

import pydantic
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException  # noqa: TID251 - what Starlette itself raises
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

TRACE_ID_KEY: Final = "trace_id"
"""The key of the ASGI scope under which the request context stores the trace id."""

ERROR_FIELDS_KEY: Final = "error_fields"
"""The key of the ASGI scope under which a middleware leaves further fields for bodies of errors."""

MAX_ERROR_FIELDS: Final = 50
"""Entries in `details.fields`. An answer must not grow with the number of mistakes in a request."""

MAX_FIELD_NAME_LENGTH: Final = 200
"""Characters of a field's name in `details.fields`: an unknown key can be as long as the body."""


class ErrorBody(pydantic.BaseModel):
    """The body of every error."""

    trace_id: str = pydantic.Field(description="Also in X-Trace-ID; quote it.")
    code: str
    message: str
    status: int
    timestamp: int = pydantic.Field(description="Unix seconds.")
    details: dict[str, Any] | None = None


class ApiError(Exception):
    """An error that the client receives as `ErrorBody`."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"
    default_message: ClassVar[str] = "The server failed to answer; report the trace id."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.details = details
        self.headers = dict(headers or {})
        super().__init__(self.message)


class BadRequest(ApiError):
    status = 400
    code = "BAD_REQUEST"
    default_message = "The request is malformed."


class InvalidHost(ApiError):
    status = 400
    code = "INVALID_HOST"
    default_message = "The Host header names no host of this service."


class Unauthorized(ApiError):
    status = 401
    code = "UNAUTHORIZED"
    default_message = "Send a valid access token as `Authorization: Bearer <token>`."

    def __init__(self, message: str | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(message, **kwargs)
        self.headers.setdefault("WWW-Authenticate", "Bearer")


class Forbidden(ApiError):
    status = 403
    code = "FORBIDDEN"
    default_message = "This account may not do that."


class NotFound(ApiError):
    status = 404
    code = "NOT_FOUND"
    default_message = "There is nothing at this address."


class MethodNotAllowed(ApiError):
    status = 405
    code = "METHOD_NOT_ALLOWED"
    default_message = "This address does not answer that method; see the Allow header."


class Conflict(ApiError):
    status = 409
    code = "CONFLICT"
    default_message = "The request conflicts with the present state."


class PreconditionFailed(ApiError):
    status = 412
    code = "PRECONDITION_FAILED"
    default_message = "The resource has changed since you read it; read it again."


class PayloadTooLarge(ApiError):
    status = 413
    code = "PAYLOAD_TOO_LARGE"
    default_message = "The request body is too large."


class UriTooLong(ApiError):
    status = 414
    code = "URI_TOO_LONG"
    default_message = "Path and query are too long; send the search as POST."


class UnsupportedMediaType(ApiError):
    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"
    default_message = "Send the body as application/json."


class ValidationFailed(ApiError):
    """422 with `details.fields`: a list of {field, message}, at most MAX_ERROR_FIELDS.

    `details.fields_omitted` is the number of further problems; it is absent when all are listed.
    """

    status = 422
    code = "VALIDATION_ERROR"
    default_message = "Some values are not valid; see details.fields."

    def __init__(self, fields: Sequence[Mapping[str, str]], message: str | None = None) -> None:
        details: dict[str, object] = {"fields": list(fields[:MAX_ERROR_FIELDS])}
        if len(fields) > MAX_ERROR_FIELDS:
            details["fields_omitted"] = len(fields) - MAX_ERROR_FIELDS
        super().__init__(message, details=details)
        self.fields = fields

    @classmethod
    def of(cls, field: str, message: str) -> "ValidationFailed":
        return cls([{"field": field, "message": message}])


class PreconditionRequired(ApiError):
    status = 428
    code = "PRECONDITION_REQUIRED"
    default_message = "Send If-Match with the ETag of the version that you are changing."


class RateLimited(ApiError):
    status = 429
    code = "RATE_LIMITED"
    default_message = "Too many requests; wait for the seconds that Retry-After says."


class HeadersTooLarge(ApiError):
    status = 431
    code = "HEADERS_TOO_LARGE"
    default_message = "The request headers are too large."


class InternalError(ApiError):
    pass


class ServiceUnavailable(ApiError):
    status = 503
    code = "SERVICE_UNAVAILABLE"
    default_message = "The service cannot answer right now; try again shortly."

    def __init__(
        self,
        message: str | None = None,
        *,
        details: Mapping[str, object] | None = None,
        retry_after_seconds: int = 2,
    ) -> None:
        super().__init__(
            message, details=details, headers={"Retry-After": str(retry_after_seconds)}
        )


class DatabaseUnavailable(ServiceUnavailable):
    code = "DATABASE_UNAVAILABLE"
    default_message = "The catalogue's database cannot be reached; try again shortly."


_BY_STATUS: Final[dict[int, type[ApiError]]] = {
    kind.status: kind
    for kind in (
        BadRequest,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        Conflict,
        PreconditionFailed,
        PayloadTooLarge,
        UriTooLong,
        UnsupportedMediaType,
        PreconditionRequired,
        RateLimited,
        HeadersTooLarge,
        ServiceUnavailable,
    )
}


def trace_id_of(scope: Scope) -> str:
    """The trace id of the request. One is made when no request context has been set."""
    trace_id = scope.get(TRACE_ID_KEY)
    if isinstance(trace_id, str):
        return trace_id
    scope[TRACE_ID_KEY] = new = uuid.uuid4().hex
    return new


def render(error: ApiError, *, trace_id: str, fields: Mapping[str, object] | None = None) -> bytes:
    """The error's body as JSON bytes; `fields` are further ones."""
    body: dict[str, object] = {
        "trace_id": trace_id,
        "code": error.code,
        "message": error.message,
        "status": error.status,
        "timestamp": int(time.time()),
    }
    if error.details is not None:
        body["details"] = error.details
    body |= fields or {}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def to_response(error: ApiError, scope: Scope) -> Response:
    trace_id = trace_id_of(scope)
    return Response(
        render(error, trace_id=trace_id, fields=scope.get(ERROR_FIELDS_KEY)),
        status_code=error.status,
        headers=error.headers,
        media_type="application/json",
    )


async def send_error(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with `error` from a pure ASGI middleware."""
    await to_response(error, scope)(scope, receive, send)


MIDDLEWARE_ERRORS: Final = (
    BadRequest,
    InvalidHost,
    PayloadTooLarge,
    UriTooLong,
    HeadersTooLarge,
    InternalError,
    Unauthorized,
)
"""The errors that any request can be answered with, before it reaches a route or when one fails."""


def document(
    *errors: type[ApiError], body: type[ErrorBody] = ErrorBody
) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that can answer these errors."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        text = f"{error.code}: {error.default_message}"
        entry = by_status.setdefault(error.status, {"model": body, "description": text})
        if entry["description"] != text:
            entry["description"] += f" Or {text}"
    return by_status


def validation_fields(problems: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Pydantic's problems as entries of `details.fields`, without the values that were sent.

    The allowed values of a list's items are given with its first wrong item only.
    """
    fields: list[dict[str, str]] = []
    explained: dict[tuple[str, ...], str] = {}
    for problem in problems:
        location = [str(part) for part in problem["loc"]]
        if len(location) > 1 and location[0] in ("query", "path", "body", "header", "cookie"):
            location = location[1:]
        message = str(problem["msg"]).removeprefix("Value error, ")
        if problem["type"] == "json_invalid":
            location, message = ["body"], "the body is not valid JSON"
        field = ".".join(location)[:MAX_FIELD_NAME_LENGTH]
        summary = _without_allowed_values(problem["type"], message)
        if summary is not None:
            path = (message, *(part for part in location if not part.isdecimal()))
            first = explained.setdefault(path, field)
            if first != field:
                message = f"{summary}; see {first} for the allowed values"
        fields.append({"field": field, "message": message})
    return fields


def _without_allowed_values(kind: str, message: str) -> str | None:
    """The message without the list of allowed values; None when it holds no such list."""
    if kind in ("enum", "literal_error"):
        return "unknown value"
    summary, allowed, _ = message.partition("; allowed: ")
    return summary if allowed else None


def install_handlers(app: FastAPI) -> None:
    """Translate the framework's own errors into the schema."""

    async def on_api_error(request: Request, error: Exception) -> Response:
        return to_response(cast("ApiError", error), request.scope)

    async def on_validation_error(request: Request, error: Exception) -> Response:
        problems = cast("RequestValidationError", error).errors()
        return to_response(ValidationFailed(validation_fields(problems)), request.scope)

    async def on_http_exception(request: Request, error: Exception) -> Response:
        raised = cast("HTTPException", error)
        return to_response(_from_http_exception(raised), request.scope)

    app.add_exception_handler(ApiError, on_api_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_exception)


def _from_http_exception(raised: HTTPException) -> ApiError:
    if raised.status_code == Unauthorized.status:
        return Unauthorized(headers=raised.headers)
    kind = _BY_STATUS.get(raised.status_code)
    if kind is ServiceUnavailable:
        return ServiceUnavailable()
    if kind is not None:
        return kind(headers=raised.headers)
    if http.HTTPStatus.BAD_REQUEST <= raised.status_code < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return BadRequest()
    return InternalError()
