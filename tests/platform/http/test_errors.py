import asyncio
from typing import Any

import httpx
import psycopg
import pytest
import sqlalchemy.exc
import structlog
from fastapi import FastAPI
from starlette.responses import StreamingResponse

from scholarship_api.errors import Conflict
from scholarship_api.platform.http.errors import ErrorsMiddleware
from scholarship_api.platform.observability.logging import REPORTED
from tests.platform.http.production import assert_error, connect

pytestmark = pytest.mark.anyio

PLANTED = "Pl4nted"


def fails_with(fault: BaseException) -> Any:  # noqa: ANN401
    async def app(*_: object) -> None:
        raise fault

    return app


async def answer(fault: BaseException) -> tuple[httpx.Response, list[Any]]:
    with structlog.testing.capture_logs() as events:
        async with connect(ErrorsMiddleware(fails_with(fault))) as client:
            return await client.get("/"), events


async def test_an_unhandled_exception_is_answered_500(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as events:
        response = await client.get("/fault")
        await asyncio.sleep(0)  # the end of the turn, when the request is logged
    assert_error(response, 500, "INTERNAL_ERROR")
    assert PLANTED not in response.text
    assert "/srv" not in response.text
    faults = [event for event in events if event["event"] == "request.failed"]
    assert [type(event["exc_info"]) for event in faults] == [RuntimeError]
    assert [event["status"] for event in events if event["event"] == "request.finished"] == [500]


@pytest.mark.parametrize(
    "fault",
    [
        sqlalchemy.exc.OperationalError("SELECT", {}, psycopg.OperationalError(PLANTED)),
        sqlalchemy.exc.TimeoutError(f"pool of {PLANTED}"),
        psycopg.OperationalError(f"connection to {PLANTED} refused"),
        psycopg.errors.QueryCanceled(PLANTED),
        psycopg.errors.TooManyConnections(PLANTED),
    ],
)
async def test_an_unreachable_database_is_answered_503(fault: Exception) -> None:
    response, events = await answer(fault)
    assert (response.status_code, response.json()["code"]) == (503, "DATABASE_UNAVAILABLE")
    assert int(response.headers["retry-after"]) > 0
    assert PLANTED not in response.text
    assert [event["event"] for event in events] == ["database.unavailable"]
    assert PLANTED not in str(events)


@pytest.mark.parametrize(
    "fault",
    [
        sqlalchemy.exc.ProgrammingError("SELECT", {}, psycopg.errors.UndefinedTable(PLANTED)),
        psycopg.errors.UndefinedTable(PLANTED),
        TimeoutError(PLANTED),
        RecursionError(PLANTED),
        ExceptionGroup(PLANTED, [ValueError(PLANTED)]),
    ],
)
async def test_other_driver_errors_are_answered_500(fault: Exception) -> None:
    response, events = await answer(fault)
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL_ERROR")
    assert PLANTED not in response.text
    assert [event["exc_info"] for event in events] == [fault]


async def test_errors_of_inner_middleware_keep_their_status() -> None:
    response, events = await answer(Conflict("taken", headers={"X-Why": "order"}))
    assert (response.status_code, response.headers["x-why"]) == (409, "order")
    assert events == []


async def test_a_cancellation_is_not_caught() -> None:
    middleware = ErrorsMiddleware(fails_with(asyncio.CancelledError()))

    async def unused(*_: object) -> Any:  # noqa: ANN401
        raise AssertionError

    with pytest.raises(asyncio.CancelledError):
        await middleware({"type": "http"}, unused, unused)


async def test_after_the_response_started_the_exception_is_raised_and_logged_once() -> None:
    fault = RuntimeError("in the middle")

    async def half() -> Any:  # noqa: ANN401
        yield b"half"
        raise fault

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        await StreamingResponse(half())(scope, receive, send)

    with structlog.testing.capture_logs() as events:
        transport = httpx.ASGITransport(ErrorsMiddleware(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            with pytest.raises(RuntimeError, match="in the middle") as caught:
                await client.get("/")
    assert caught.value is fault
    assert REPORTED in fault.__notes__
    assert [(event["event"], event["answer_started"]) for event in events] == [
        ("request.failed", True)
    ]


async def test_exceptions_of_outer_middleware_are_answered_in_the_schema(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "scholarship_api.platform.http.cors.CorsMiddleware.__call__",
        fails_with(RuntimeError(PLANTED)),
    )
    async with connect(app) as client:
        response = await client.get("/notes/a")
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL_ERROR")
    assert response.headers["content-type"] == "application/json"
    assert PLANTED not in response.text
