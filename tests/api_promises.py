"""Checks answers against the OpenAPI document and the error schema of docs/api.md."""

import re
from collections.abc import Mapping
from typing import Any, Final

import jsonschema_rs

from tests.wire import Answer

ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["trace_id", "code", "message", "status", "timestamp"],
    "additionalProperties": False,
    "properties": {
        "trace_id": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "code": {"type": "string", "pattern": "^[A-Z_]+$"},
        "message": {"type": "string", "minLength": 1},
        "status": {"type": "integer"},
        "timestamp": {"type": "integer"},
        "details": {"type": "object"},
    },
}
OPPORTUNITY_ERROR: Final = ERROR | {
    "required": [*ERROR["required"], "errors"],
    "properties": {**ERROR["properties"], "errors": {"type": "array", "maxItems": 0}},
}
"""CommonGrants demands a further field."""
OPPORTUNITIES: Final = "/common-grants"
CODES: Final = {
    400: {"BAD_REQUEST", "INVALID_HOST"},
    401: {"UNAUTHORIZED"},
    403: {"FORBIDDEN"},
    404: {"NOT_FOUND"},
    405: {"METHOD_NOT_ALLOWED"},
    409: {"CONFLICT"},
    412: {"PRECONDITION_FAILED"},
    413: {"PAYLOAD_TOO_LARGE"},
    414: {"URI_TOO_LONG"},
    415: {"UNSUPPORTED_MEDIA_TYPE"},
    422: {"VALIDATION_ERROR"},
    428: {"PRECONDITION_REQUIRED"},
    429: {"RATE_LIMITED"},
    431: {"HEADERS_TOO_LARGE"},
    500: {"INTERNAL_ERROR"},
    503: {"SERVICE_UNAVAILABLE", "DATABASE_UNAVAILABLE"},
}
NEEDED_HEADERS: Final = {
    401: ("www-authenticate",),
    405: ("allow",),
    429: ("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
    503: ("retry-after",),
}
# Texts that would help an attacker.
TELLTALE: Final = re.compile(
    rb"Traceback|File \"/|site-packages|psycopg|sqlalchemy|pydantic|starlette|fastapi|redis\.|"
    rb"uvicorn|gunicorn|\.py\b|127\.0\.0\.1:\d|/\.s\.PGSQL",
    re.IGNORECASE,
)


class ApiPromises:
    """The OpenAPI document of the service, which its answers have to follow."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._paths: dict[str, dict[str, Any]] = document["paths"]
        self._components = document["components"]
        self._templates = [
            (re.compile(re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(path))), path)
            # A path without parameters comes first, as in the service.
            for path in sorted(self._paths, key=lambda path: path.count("{"))
        ]
        self._error = jsonschema_rs.validator_for(ERROR)
        self._opportunity_error = jsonschema_rs.validator_for(OPPORTUNITY_ERROR)
        self._validators: dict[tuple[str, str, int], Any] = {}

    def template(self, target: str) -> str | None:
        """The documented path of a request target."""
        path = target.partition("?")[0]
        return next((name for pattern, name in self._templates if pattern.fullmatch(path)), None)

    def faults(self, method: str, target: str, answer: Answer) -> list[str]:
        """The differences between an answer and its documentation; empty without any."""
        found = [
            f"no {name}"
            for name in ("x-trace-id", "x-request-id", "x-content-type-options", "x-frame-options")
            if name not in answer.headers
        ]
        if answer.status >= 400:
            return found + self._error_faults(method, target, answer)
        template = self.template(target)
        if template is None:
            return [*found, f"{answer.status} of a path that is not documented"]
        operation = self._paths[template].get("get" if method == "HEAD" else method.lower())
        if operation is None or str(answer.status) not in operation["responses"]:
            return [*found, f"{answer.status} is not documented"]
        if answer.body:
            found += self._body_faults(method.lower(), template, answer)
        return found

    def _error_faults(self, method: str, target: str, answer: Answer) -> list[str]:
        found = [
            f"{answer.status} without {name}"
            for name in NEEDED_HEADERS.get(answer.status, ())
            if name not in answer.headers
        ]
        if method == "HEAD":
            return found
        if answer.headers.get("content-type") != "application/json":
            return [*found, "an error that is not application/json"]
        try:
            body = answer.json()
        except ValueError:
            return [*found, "an error that is no JSON"]
        is_opportunity = target.startswith(OPPORTUNITIES)
        validator = self._opportunity_error if is_opportunity else self._error
        found += [error.message for error in validator.iter_errors(body)]
        if found:
            return found
        if body["status"] != answer.status or body["code"] not in CODES.get(answer.status, ()):
            found.append(f"{answer.status} says {body['status']} {body['code']}")
        # X-Request-ID is another one where the client has sent its own.
        if body["trace_id"] != answer.headers["x-trace-id"]:
            found.append("trace ids differ")
        if told := TELLTALE.search(answer.body):
            found.append(f"tells {told.group()!r}")
        return found

    def _body_faults(self, method: str, template: str, answer: Answer) -> list[str]:
        key = (method, template, answer.status)
        if key not in self._validators:
            content = self._paths[template][method]["responses"][str(answer.status)]["content"]
            schema = content.get("application/json", {}).get("schema")
            self._validators[key] = schema and jsonschema_rs.validator_for(
                {**schema, "components": self._components}
            )
        validator = self._validators[key]
        if validator is None:
            return []
        try:
            body = answer.json()
        except ValueError:
            return ["no JSON"]
        return [error.message[:200] for error in validator.iter_errors(body)]
