"""The application with the settings of production, and a few routes for tests."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

HOST = "api.example.org"
ORIGIN = "https://app.example.org"
FOREIGN_ORIGIN = "https://evil.example.net"


class Note(BaseModel):
    text: str


def with_test_routes(app: FastAPI) -> FastAPI:
    @app.get("/notes/{name}")
    async def read_note(name: str) -> dict[str, str]:
        return {"name": name}

    @app.post("/notes/{name}")
    async def write_note(name: str, note: Note) -> dict[str, int]:
        return {name: len(note.text)}

    @app.get("/fault")
    async def fault() -> None:
        raise RuntimeError("the password is Pl4nted in /srv/app/secrets.py")

    return app


def connect(app: Any, *, peer: str = "203.0.113.9", host: str = HOST) -> httpx.AsyncClient:  # noqa: ANN401
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 51234))
    return httpx.AsyncClient(transport=transport, base_url=f"http://{host}")


def assert_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that the response is an error in the schema, with the headers of every response."""
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    body: dict[str, Any] = json.loads(response.content)
    assert set(body) - {"details"} == {"trace_id", "code", "message", "status", "timestamp"}
    assert (body["code"], body["status"]) == (code, status)
    assert body["trace_id"] == response.headers["x-trace-id"] == response.headers["x-request-id"]
    assert_complete(response)
    return body


def assert_complete(response: httpx.Response) -> None:
    """Assert the headers of every response, whichever middleware or route made it."""
    headers = response.headers
    assert headers["x-trace-id"] == headers["x-request-id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-xss-protection"] == "1; mode=block"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    hsts = "max-age=63072000; includeSubDomains; preload"
    assert headers["strict-transport-security"] == hsts
    assert "origin" in headers["vary"].lower()
    assert "server" not in headers
    for name in set(headers):
        assert len(headers.get_list(name)) == 1, f"{name} twice"


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The base URL of `app` on a real server and a real socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
