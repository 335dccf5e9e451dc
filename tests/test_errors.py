"""One error schema, from whatever path an error comes."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import SecretStr
from starlette.exceptions import HTTPException  # noqa: TID251 - what Starlette itself raises

from scholarship_api import errors
from scholarship_api.app import create_app
from scholarship_api.settings.settings import Settings

pytestmark = pytest.mark.anyio

SECRET = "hunter2-and-more"
UNREACHABLE = "postgresql+psycopg://someone:hunter2-and-more@127.0.0.1:9/none"


@pytest.fixture(scope="module")
def app(module_database_url: str) -> FastAPI:
    app = create_app(
        Settings(
            environment="test",
            database_url=SecretStr(module_database_url),
            rate_limit_enabled=False,
        )
    )

    async def fail() -> None:
        raise RuntimeError(f"{SECRET} in {__file__}")

    app.add_api_route("/fault", fail)
    return app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as client,
    ):
        yield client


def check(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Every rule of the schema; answers the body."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert set(body) - {"details"} == {"trace_id", "code", "message", "status", "timestamp"}
    errors.ErrorBody.model_validate(body, strict=True)
    assert answer.headers["content-type"] == "application/json"
    assert body["trace_id"] == answer.headers["x-trace-id"] == answer.headers["x-request-id"]
    assert abs(body["timestamp"] - time.time()) < 60
    for leak in (SECRET, "Traceback", ".py", "psycopg", "pydantic", "sqlalchemy", "Error("):
        assert leak not in answer.text
    return body


JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "code"),
    [
        ("GET", "/nothing", {}, 404, "NOT_FOUND"),
        ("GET", "/api/v1/scholarships/nothing", {}, 404, "NOT_FOUND"),
        ("GET", "/api/v1/search/", {}, 404, "NOT_FOUND"),
        ("DELETE", "/api/v1/search", {}, 405, "METHOD_NOT_ALLOWED"),
        ("BREW", "/api/v1/search", {}, 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v1/search?limit=0", {}, 422, "VALIDATION_ERROR"),
        ("GET", "/api/v1/search?min_amount=NaN", {}, 422, "VALIDATION_ERROR"),
        ("GET", "/api/v1/search?states=XX", {}, 422, "VALIDATION_ERROR"),
        ("GET", "/api/v1/search?unknown=1", {}, 422, "VALIDATION_ERROR"),
        ("POST", "/api/v1/search", {"content": "{", "headers": JSON}, 422, "VALIDATION_ERROR"),
        ("POST", "/api/v1/search", {"content": "", "headers": JSON}, 422, "VALIDATION_ERROR"),
        ("POST", "/api/v1/search", {"content": "[]", "headers": JSON}, 422, "VALIDATION_ERROR"),
        (
            "POST",
            "/api/v1/search",
            {"content": '{"min_gpa": NaN}', "headers": JSON},
            422,
            "VALIDATION_ERROR",
        ),
        (
            "POST",
            "/api/v1/search",
            {"content": b'{"q": "\xff"}', "headers": JSON},
            400,
            "BAD_REQUEST",
        ),
        ("POST", "/api/v1/search", {"content": "q=law"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("GET", f"/api/v1/search?q={'x' * 2048}", {}, 414, "URI_TOO_LONG"),
        (
            "POST",
            "/api/v1/search",
            {"content": b" " * 1_048_577, "headers": JSON},
            413,
            "PAYLOAD_TOO_LARGE",
        ),
        ("GET", "/fault", {}, 500, "INTERNAL_ERROR"),
    ],
)
async def test_every_refusal_has_the_one_schema(
    client: httpx.AsyncClient, *, method: str, path: str, options: object, status: int, code: str
) -> None:
    assert isinstance(options, dict)
    check(await client.request(method, path, **options), status, code)


async def test_a_database_out_of_reach_is_a_503_in_the_schema() -> None:
    app = create_app(
        Settings(environment="test", database_url=SecretStr(UNREACHABLE), rate_limit_enabled=False)
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for path in ("/api/v1/search", "/api/v1/scholarships/any"):
            answer = await client.get(path)
            check(answer, 503, "DATABASE_UNAVAILABLE")
            assert int(answer.headers["retry-after"]) >= 1
    await app.state.database.close()


async def test_a_refused_method_names_the_allowed_ones(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/api/v1/search")
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


async def test_every_wrong_field_is_listed_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/search?limit=0&states=CA,XX&min_gpa=5&nonsense=1")
    fields = check(answer, 422, "VALIDATION_ERROR")["details"]["fields"]
    assert {field["field"] for field in fields} == {"limit", "states.1", "min_gpa", "nonsense"}
    assert all(set(field) == {"field", "message"} for field in fields)


async def test_values_that_were_sent_are_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/search", params={"citizenship": SECRET, "limit": SECRET})
    check(answer, 422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (418, errors.BadRequest),
        (500, errors.InternalError),
        (503, errors.ServiceUnavailable),
    ],
)
def test_the_frameworks_exceptions_are_translated(status: int, kind: type[errors.ApiError]) -> None:
    translated = errors._from_http_exception(HTTPException(status, detail=SECRET))
    assert type(translated) is kind
    assert SECRET not in translated.message


def test_a_refused_token_says_how_to_authenticate() -> None:
    assert errors.Unauthorized().headers["WWW-Authenticate"] == "Bearer"


def test_every_documented_code_exists_once() -> None:
    def family(kind: type[errors.ApiError]) -> list[type[errors.ApiError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in family(child))]

    codes = {kind.code: kind.status for kind in family(errors.ApiError)}
    assert codes == {
        "BAD_REQUEST": 400,
        "INVALID_HOST": 400,
        "UNAUTHORIZED": 401,
        "FORBIDDEN": 403,
        "NOT_FOUND": 404,
        "METHOD_NOT_ALLOWED": 405,
        "CONFLICT": 409,
        "PRECONDITION_FAILED": 412,
        "PAYLOAD_TOO_LARGE": 413,
        "URI_TOO_LONG": 414,
        "UNSUPPORTED_MEDIA_TYPE": 415,
        "VALIDATION_ERROR": 422,
        "PRECONDITION_REQUIRED": 428,
        "RATE_LIMITED": 429,
        "HEADERS_TOO_LARGE": 431,
        "INTERNAL_ERROR": 500,
        "SERVICE_UNAVAILABLE": 503,
        "DATABASE_UNAVAILABLE": 503,
    }


def test_a_validation_problem_names_the_field_without_its_place() -> None:
    problems = RequestValidationError(
        [{"type": "value_error", "loc": ("query", "states", 0), "msg": "Value error, no"}]
    ).errors()
    assert errors.validation_fields(problems) == [{"field": "states.0", "message": "no"}]


def test_at_most_fifty_fields_are_listed_and_the_rest_is_counted() -> None:
    fields = [{"field": f"states.{number}", "message": "no"} for number in range(120)]
    refusal = errors.ValidationFailed(fields)
    assert refusal.details == {"fields": fields[:50], "fields_omitted": 70}
    assert errors.ValidationFailed(fields[:50]).details == {"fields": fields[:50]}


async def test_allowed_values_are_listed_once_for_each_list(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/search?states=XX,CA,YY&fields_of_study=XX,YY")
    fields = check(answer, 422, "VALIDATION_ERROR")["details"]["fields"]
    messages = {field["field"]: field["message"] for field in fields}
    assert messages["states.0"].startswith("unknown state; allowed: AK, AL, ")
    assert messages["states.2"] == "unknown state; see states.0 for the allowed values"
    assert messages["fields_of_study.0"].startswith("unknown field of study; allowed: ")
    assert messages["fields_of_study.1"].endswith("; see fields_of_study.0 for the allowed values")


async def test_the_name_of_an_unknown_key_is_cut(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/search", json={"x" * 50_000: 1})
    fields = check(answer, 422, "VALIDATION_ERROR")["details"]["fields"]
    assert [len(field["field"]) for field in fields] == [errors.MAX_FIELD_NAME_LENGTH]
