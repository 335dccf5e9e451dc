"""The tested deployment, described by the environment.

| Variable | Meaning |
|---|---|
| ACCEPTANCE_BASE_URL | Address, such as https://api.example.org; the only required variable |
| ACCEPTANCE_BEHIND_PROXY | `true`: skip what a proxy answers itself (hosts, sizes, Server) |
| ACCEPTANCE_ALLOWED_ORIGIN | One of CORS_ALLOWED_ORIGINS |
| ACCEPTANCE_DOCS | `closed` (default) or `open` |
| ACCEPTANCE_QUERY | Words that find awards in its catalogue (default: scholarship) |
| ACCEPTANCE_USERNAME, ACCEPTANCE_PASSWORD_FILE | An admin who imports and archives two awards |
| ACCEPTANCE_STOP_DATABASE, ACCEPTANCE_START_DATABASE | Shell commands; likewise _REDIS, _SERVICE |

ACCEPTANCE_STOP_SERVICE must return after the service has ended, with its exit code.
"""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import httpx
import pytest

TIMEOUT_SECONDS: Final = 20.0
HOOK_SECONDS: Final = 120.0
LONGEST_WAIT_SECONDS: Final = 61.0
SETTLED_SECONDS: Final = 1.5
"""Seconds for which each worker repeats the result of a probe."""

Part = Literal["DATABASE", "REDIS", "SERVICE"]

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "X-XSS-Protection": "1; mode=block",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload",
}


def variable(name: str, default: str = "") -> str:
    return os.environ.get(f"ACCEPTANCE_{name}") or default


def required(name: str) -> str:
    """The value of a variable; skips the test without it."""
    value = variable(name)
    if not value:
        pytest.skip(f"ACCEPTANCE_{name} is not set")
    return value


def only_without_proxy() -> None:
    if variable("BEHIND_PROXY") == "true":
        pytest.skip("ACCEPTANCE_BEHIND_PROXY: the proxy answers this itself")


class PatientTransport(httpx.HTTPTransport):
    """Waits when the rate limit asks for it, because the suite may run twice within a minute."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return response
        response.close()
        time.sleep(min(float(response.headers["Retry-After"]), LONGEST_WAIT_SECONDS))
        return super().handle_request(request)


def new_client() -> httpx.Client:
    # Proxies of the environment do not belong to the deployment.
    return httpx.Client(
        base_url=variable("BASE_URL"),
        timeout=TIMEOUT_SECONDS,
        transport=PatientTransport(),
        trust_env=False,
    )


def start_hook(action: Literal["STOP", "START"], part: Part) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(required(f"{action}_{part}"), shell=True)  # noqa: S602 - its purpose


def run_hook(action: Literal["STOP", "START"], part: Part) -> None:
    assert start_hook(action, part).wait(HOOK_SECONDS) == 0, f"{action} {part} has failed"


def until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.2)


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/services").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def is_settled(client: httpx.Client, *, ready: bool) -> bool:
    """Wait until all workers give the same answer."""
    end = time.monotonic() + SETTLED_SECONDS
    while is_ready(client) is ready:
        if time.monotonic() > end:
            return True
        time.sleep(0.05)
    return False


def assert_error(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body of an answer, which must have the error schema."""
    assert response.status_code == status, response.text[:500]
    assert response.headers["Content-Type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert body.keys() - {"details"} == {"trace_id", "code", "message", "status", "timestamp"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["trace_id"] == response.headers["X-Trace-ID"] == response.headers["X-Request-ID"]
    assert abs(body["timestamp"] - time.time()) < 300
    assert_secured(response)
    return body


def assert_secured(response: httpx.Response) -> None:
    sent = {name: response.headers.get(name) for name in SECURITY_HEADERS}
    assert sent == SECURITY_HEADERS


def read_password() -> str:
    return Path(required("PASSWORD_FILE")).read_text().rstrip("\r\n")
