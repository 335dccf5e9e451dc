"""Requests that a real gunicorn rejects before the application."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.gunicorn_server import SLOW_SERVICE, RunningServer, running_server, until

pytestmark = [pytest.mark.server, pytest.mark.slow]

HEAD = b"GET /pid HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server(application=SLOW_SERVICE) as running:
        yield running
    assert running.wait() == 0


def send(server: RunningServer, *parts: bytes) -> bytes:
    """Send `parts`; everything that the server sends until it closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while data := connection.recv(65_536):
            received += data
        return received


def assert_rejected(answer: bytes, status: int, code: str) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *headers = head.lower().split(b"\r\n")
    error = json.loads(body)
    assert line.startswith(b"http/1.1 %d " % status)
    assert (error["status"], error["code"]) == (status, code)
    assert set(error) == {"trace_id", "code", "message", "status", "timestamp"}
    trace_id = error["trace_id"].encode()
    for header in (
        b"connection: close",
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        b"x-trace-id: " + trace_id,
        b"x-content-type-options: nosniff",
        b"x-frame-options: deny",
        b"strict-transport-security: max-age=63072000; includesubdomains; preload",
        b"content-security-policy: default-src 'none'; frame-ancestors 'none'",
    ):
        assert header in headers
    assert not any(header.startswith(b"server:") for header in headers)


def test_64_kib_of_headers_are_rejected(server: RunningServer) -> None:
    answer = send(server, HEAD + b"X: " + b"a" * 65_536 + b"\r\n\r\n")
    assert_rejected(answer, 431, "HEADERS_TOO_LARGE")


def test_8_mb_of_headers_are_not_read(server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(HEAD + b"X: ")
        sent = 0
        try:
            while sent < 64_000_000:
                connection.sendall(b"a" * 65_536)
                sent += 65_536
        except OSError:
            pass  # the server has closed
    assert sent < 16_000_000  # what the kernel buffers take


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GARBAGE\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_malformed_requests_are_rejected(server: RunningServer, request_bytes: bytes) -> None:
    assert_rejected(send(server, request_bytes), 400, "BAD_REQUEST")


def test_a_slow_head_is_rejected(server: RunningServer) -> None:
    """After 10 s. The protocol's own tests show that further bytes do not extend them."""
    assert_rejected(send(server, b"GET / HTTP/1.1\r\n"), 400, "BAD_REQUEST")


def test_the_host_of_an_absolute_url_has_to_be_allowed(production: dict[str, str]) -> None:
    with running_server(production) as application:
        for target, host, status in (
            (b"http://api.example.org/status", b"evil.example", 200),
            (b"http://evil.example/status", b"api.example.org", 400),
            (b"http://user@api.example.org/status", b"api.example.org", 400),
            (b"/status", b"evil.example", 400),
            (b"http://evil.example/healthz", b"api.example.org", 200),  # a probe, under any host
        ):
            head = b"GET %b HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % (target, host)
            response = send(application, head)
            assert response.startswith(b"HTTP/1.1 %d " % status), target
            assert (b'"INVALID_HOST"' in response) is (status == 400)


def test_rejections_are_logged(server: RunningServer) -> None:
    head = HEAD + b"X-Request-ID: to-be-found\r\nHost: other\r\n\r\n"
    assert_rejected(send(server, head), 400, "INVALID_HOST")

    def lines() -> list[dict[str, Any]]:
        return [line for line in server.log.lines() if line.get("request_id") == "to-be-found"]

    until(lines, reason=server.log.text)
    assert [(line["method"], line["status"], line["client_ip"]) for line in lines()] == [
        ("GET", 400, "127.0.0.1")
    ]
