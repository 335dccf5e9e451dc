import asyncio
import re
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from scholarship_api.platform.http.client_address import Network
from scholarship_api.platform.http.request_context import (
    ACCOUNT_ID_KEY,
    ROUTE_TEMPLATE_KEY,
    RequestContext,
    RequestContextMiddleware,
)
from scholarship_api.platform.observability.access_log import AccessLog, AccessRecord
from tests.platform.http.production import connect

pytestmark = pytest.mark.anyio

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
GENERATED = r"[0-9a-f]{32}"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what the middleware has found out."""
    request = Request(scope)
    bound = structlog.contextvars.get_contextvars()
    text = f"{request.client.host if request.client else None} {request.url.scheme} {bound}"
    scope[ROUTE_TEMPLATE_KEY] = "/echo"
    scope[ACCOUNT_ID_KEY] = "account-7"
    await PlainTextResponse(text)(scope, receive, send)


async def ask(
    headers: Sequence[tuple[str, str]] = (),
    *,
    peer: str = "203.0.113.9",
    trusted_proxies: Sequence[Network] = PROXIES,
) -> httpx.Response:
    middleware = RequestContextMiddleware(
        echo, context=RequestContext(trusted_proxies=trusted_proxies)
    )
    async with connect(middleware, peer=peer) as client:
        return await client.get("/", headers=list(headers))


@pytest.mark.parametrize(
    ("sent", "pattern"),
    [
        ({}, GENERATED),
        ({"X-Request-ID": "order-7.A_b"}, "order-7.A_b"),
        ({"X-Request-ID": "a" * 128}, "a" * 128),
        ({"X-Request-ID": "a" * 129}, GENERATED),
        ({"X-Request-ID": ""}, GENERATED),
        ({"X-Request-ID": "a b"}, GENERATED),
        ({"X-Request-ID": "a\tb"}, GENERATED),
        ({"X-Request-ID": '{"level":"error"}'}, GENERATED),
        ({"X-Request-ID": "\u00e4"}, GENERATED),
        ({"traceparent": TRACEPARENT}, "4bf92f3577b34da6a3ce929d0e0e4736"),
        ({"traceparent": TRACEPARENT, "X-Request-ID": "mine"}, "mine"),
        ({"traceparent": TRACEPARENT, "X-Request-ID": "not mine"}, TRACEPARENT[3:35]),
        ({"traceparent": TRACEPARENT.upper()}, GENERATED),
        ({"traceparent": "ff" + TRACEPARENT[2:]}, GENERATED),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, GENERATED),
        ({"traceparent": "nonsense"}, GENERATED),
    ],
)
@pytest.mark.parametrize("peer", ["10.0.0.1", "203.0.113.9"])
async def test_only_trusted_proxies_choose_the_trace_id(
    sent: dict[str, str], pattern: str, peer: str
) -> None:
    encoded = [(name, value.encode("latin-1")) for name, value in sent.items()]
    response = await ask(encoded, peer=peer)  # type: ignore[arg-type]
    trace_id, request_id = response.headers["x-trace-id"], response.headers["x-request-id"]
    assert f"'trace_id': '{trace_id}'" in response.text
    assert f"'request_id': '{request_id}'" in response.text
    if pattern == GENERATED:
        assert request_id == trace_id
    else:
        assert request_id == pattern
    if pattern == GENERATED or peer == "203.0.113.9":
        assert re.fullmatch(GENERATED, trace_id)
        assert trace_id not in str(sent)
    else:
        assert trace_id == request_id


async def test_generated_trace_ids_differ() -> None:
    assert len({(await ask()).headers["x-trace-id"] for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("peer", "headers", "seen"),
    [
        ("203.0.113.9", [], "203.0.113.9 http"),
        (
            "203.0.113.9",
            [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https")],
            "203.0.113.9 http",
        ),
        ("10.0.0.1", [], "10.0.0.1 http"),
        ("10.0.0.1", [("X-Forwarded-Proto", "https")], "10.0.0.1 https"),
        (
            "10.0.0.1",
            [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https")],
            "198.51.100.1 https",
        ),
        (
            "10.0.0.1",
            [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "198.51.100.1, 10.0.0.7")],
            "198.51.100.1 http",
        ),
        ("fd00::1", [("X-Forwarded-For", "[2001:db8::5]:443")], "2001:db8::5 http"),
        ("::ffff:10.0.0.1", [("X-Forwarded-For", "198.51.100.1")], "198.51.100.1 http"),
        ("10.0.0.1", [("X-Forwarded-Proto", "javascript")], "10.0.0.1 http"),
    ],
)
async def test_trusted_proxies_report_client_and_scheme(
    peer: str, headers: list[tuple[str, str]], seen: str
) -> None:
    assert (await ask(headers, peer=peer)).text.startswith(f"{seen} ")


async def test_no_proxy_is_trusted_by_default() -> None:
    forwarded = [("X-Forwarded-For", "198.51.100.1")]
    response = await ask(forwarded, peer="10.0.0.1", trusted_proxies=())
    assert response.text.startswith("10.0.0.1 ")


async def test_a_peer_without_an_address_is_accepted() -> None:
    sent: list[Any] = []

    async def receive() -> Any:  # noqa: ANN401
        raise AssertionError

    async def send(message: Any) -> None:  # noqa: ANN401
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"x-forwarded-for", b"198.51.100.1")],
        "client": None,
    }
    await RequestContextMiddleware(echo, context=RequestContext(trusted_proxies=PROXIES))(
        scope, receive, send
    )
    assert scope["client"] is None
    assert sent[0]["status"] == 200


async def test_each_request_is_logged() -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as events:
        response = await ask([("X-Request-ID", "seven")], peer="203.0.113.9")
        await asyncio.sleep(0)
    (event,) = events
    assert event.pop("latency_ms") >= 0
    assert event == {
        "event": "request.finished",
        "log_level": "info",
        "method": "GET",
        "path": "/echo",
        "status": 200,
        "client_ip": "203.0.113.9",
        "user_id": "account-7",
        "bytes": len(response.content),
        "trace_id": response.headers["x-trace-id"],
        "request_id": "seven",
    }
    assert structlog.contextvars.get_contextvars() == {}


async def test_observers_get_each_access_record() -> None:
    heard: list[AccessRecord] = []
    middleware = RequestContextMiddleware(
        echo, context=RequestContext(access_log=AccessLog([heard.append, heard.append]))
    )
    async with connect(middleware) as client:
        response = await client.get("/")
    await asyncio.sleep(0)
    assert heard[0] is heard[1]
    assert (heard[0].method, heard[0].route, heard[0].status) == ("GET", "/echo", 200)
    assert heard[0].response_bytes == len(response.content)
    assert 0 < heard[0].seconds < 5


@pytest.mark.parametrize("fault", [RuntimeError("lost"), asyncio.CancelledError()])
async def test_a_request_without_a_response_is_logged_and_its_exception_raised(
    fault: BaseException,
) -> None:
    async def fails(_: Scope, __: Receive, ___: Send) -> None:
        raise fault

    heard: list[AccessRecord] = []
    middleware = RequestContextMiddleware(
        fails, context=RequestContext(access_log=AccessLog([heard.append]))
    )

    async def unused(*_: object) -> Any:  # noqa: ANN401
        raise AssertionError

    scope: dict[str, Any] = {"type": "http", "method": "GET", "path": "/", "headers": []}

    async def one_request() -> None:
        with pytest.raises(type(fault)):
            await middleware(scope, unused, unused)
        # For the server's own line about it.
        assert structlog.contextvars.get_contextvars()["trace_id"] == scope["trace_id"]

    await asyncio.create_task(one_request())
    await asyncio.sleep(0)
    assert [record.status for record in heard] == [499]
    assert heard[0].route == "unmatched"
