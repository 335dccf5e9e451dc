"""How a tool asks the API: by HTTP, or inside of the process in the name of the client."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import httpx
from pydantic_core import from_json, to_json
from starlette.types import ASGIApp, Message, Scope


class Answer(NamedTuple):
    status: int
    content: Any
    """The JSON."""


class Call(NamedTuple):
    """A request to the API: GET, or POST with a body."""

    path: str
    query: Mapping[str, str] | None = None
    body: Mapping[str, Any] | None = None


Api = Callable[[Call], Awaitable[Answer]]

_KEPT_HEADERS: Final = frozenset(
    {
        b"authorization",
        b"forwarded",
        b"host",
        b"origin",
        b"traceparent",
        b"user-agent",
        b"x-api-key",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-real-ip",
    }
)
"""Headers that say who the client is, from where it calls, and to which host."""
TIMEOUT_SECONDS: Final = 30.0
"""How long an API that is called by HTTP may take, in seconds."""


class InProcess:
    """Calls an application with the client's address and credentials, so that its limits, access
    rules and logs are those of a request of its own."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        """`scope` is the request that brought the tool call."""
        self._app = app
        self._scope = scope

    async def __call__(self, call: Call) -> Answer:
        received = _Received()

        async def respond() -> None:
            await self._app(self._scope_of(call), _body_of(call), received.send)

        # A task of its own: what it notes for logs must not replace what this request has noted.
        await asyncio.create_task(respond())
        return Answer(received.status, from_json(bytes(received.body)))

    def _scope_of(self, call: Call) -> Scope:
        headers = [header for header in self._scope["headers"] if header[0] in _KEPT_HEADERS]
        if call.body is not None:
            length = len(to_json(call.body))
            headers += [
                (b"content-type", b"application/json"),
                (b"content-length", str(length).encode()),
            ]
        return {
            "type": "http",
            "asgi": self._scope["asgi"],
            "http_version": "1.1",
            "method": "GET" if call.body is None else "POST",
            "scheme": self._scope["scheme"],
            "path": call.path,
            "raw_path": quote(call.path).encode(),
            "query_string": urlencode(call.query or {}).encode(),
            "root_path": self._scope.get("root_path", ""),
            "headers": headers,
            "client": self._scope["client"],
            "server": self._scope["server"],
        }


def _body_of(call: Call) -> Callable[[], Awaitable[Message]]:
    messages: list[Message] = [
        {"type": "http.request", "body": b"" if call.body is None else to_json(call.body)}
    ]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


class _Received:
    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body += message.get("body", b"")


class ByHttp:
    """Calls the API at an address."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def __call__(self, call: Call) -> Answer:
        answer = await self._client.request(
            "GET" if call.body is None else "POST",
            quote(call.path),
            params=call.query,
            json=call.body,
        )
        return Answer(answer.status_code, from_json(answer.content))


def http_client(url: str, api_key: str | None) -> httpx.AsyncClient:
    headers = {"X-API-Key": api_key} if api_key else {}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS)
