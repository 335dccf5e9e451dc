"""The log of a whole run: one JSON object a line, with trace ids and without secrets."""

import http.client
import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from sqlalchemy import make_url

from tests.deploy.gunicorn_server import PRODUCTION, RunningServer, running_server, until

pytestmark = pytest.mark.server

PLANTED = {
    "token": "planted-token-7f3a",
    "password": "planted-password-7f3a",
    "metrics": "planted-metrics-7f3a",
    "dsn": "plantedkey7f3a",
    "profile": "planted.student@example.edu",
}


@pytest.fixture(scope="module")
def log(database_url: str, redis_url: str) -> Iterator[RunningServer]:
    """A server that has answered good and bad requests and has ended."""
    settings = {
        "DATABASE_URL": make_url(database_url)
        .set(password=PLANTED["password"])
        .render_as_string(hide_password=False),
        "RATE_LIMIT_BACKEND_URL": redis_url,
        "METRICS_TOKEN": PLANTED["metrics"],
        "SENTRY_DSN": f"http://{PLANTED['dsn']}@127.0.0.1:1/1",
        "MAX_REQUESTS": "40",
        "MAX_REQUESTS_JITTER": "0",
        "LOG_LEVEL": "DEBUG",
    }
    with running_server(settings) as server:
        exercise(server)
        server.signal(signal.SIGHUP)
        until(lambda: server.log.named("Hang up: Master") or server.log.starting("Handling signal"))
        # An earlier SIGTERM would end the reload before it makes more workers.
        until(lambda: len(server.log.named("rate_limiter.connected")) >= 4)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        yield server


def exercise(server: RunningServer) -> None:
    secret = {"Authorization": f"Bearer {PLANTED['token']}", "Cookie": f"s={PLANTED['token']}"}
    with httpx.Client(base_url=server.url, timeout=20) as client:
        client.get("/api/v1/search", params={"q": PLANTED["profile"]})
    with httpx.Client(base_url=server.url, headers=secret, timeout=20) as client:
        for number in range(12):
            client.get("/api/v1/search", params={"q": f"{PLANTED['profile']} {number}"})
        client.post("/api/v1/search", json={"q": PLANTED["profile"]})
        client.post("/api/v1/search", content=b"{" + PLANTED["profile"].encode())
        client.post("/eligibility/check", json={"email": PLANTED["profile"]})
        client.post(
            "/api/v1/auth/login-simple",
            json={"username": PLANTED["profile"], "password": PLANTED["password"]},
        )
        client.get(f"/no/{PLANTED['token']}?token={PLANTED['token']}")
        client.get("/metrics")
        client.get("/metrics", headers={"Authorization": f"Bearer {PLANTED['metrics']}"})
        client.get("/", headers={"Host": PLANTED["token"]})
        client.get("/", headers={"X-Request-ID": '"}\\n{"event":"forged'})
        client.get("/", headers={"User-Agent": '\x1b[31m"}{"event":"forged"}'})
        client.get("/status", headers={"X-Request-ID": "kept-id.1"})
        for _ in range(40):
            client.get("/readyz")
    httpx.get(f"{server.url}/api/v1/search", params={"q": PLANTED["profile"]}, timeout=20)
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=10)) as raw:
        raw.sendall(b"GARBAGE " + PLANTED["token"].encode() + b"\r\n\r\n")
        raw.recv(4096)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/", headers={"X-Large": PLANTED["token"] * 4000})
    connection.getresponse().read()
    connection.close()


def test_every_line_is_one_json_object(log: RunningServer) -> None:
    text = log.log.text()
    assert text.endswith("\n")
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) > 50
    for line in lines:
        assert {"timestamp", "level", "event", "logger"} <= line.keys(), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", line["timestamp"])
    assert log.stdout() == ""


def test_lines_of_a_request_have_its_trace_id(log: RunningServer) -> None:
    requests = log.log.named("request.finished")
    assert len(requests) > 50
    for line in requests:
        assert line["trace_id"]
        assert line["request_id"] in {line["trace_id"], "kept-id.1"}
        assert {"method", "path", "status", "latency_ms", "client_ip", "bytes"} <= line.keys()
    [kept] = [line for line in requests if line["request_id"] == "kept-id.1"]
    assert kept["trace_id"] != "kept-id.1"
    templates = {line["path"] for line in requests}
    assert {"/api/v1/search", "/readyz", "/metrics", "unmatched"} <= templates


def test_the_log_contains_no_secret(log: RunningServer) -> None:
    text = log.log.text()
    for secret in (*PLANTED.values(), PRODUCTION["JWT_SECRET_KEY"]):
        assert secret not in text


def test_no_line_can_be_forged(log: RunningServer) -> None:
    assert not log.log.named("forged")
    assert "\x1b" not in log.log.text()


def test_each_worker_logs_its_start_and_its_end_once(
    log: RunningServer,
) -> None:
    started = log.log.named("rate_limiter.connected")
    assert len(started) >= 4, "two workers, recycled or replaced at least once each"
    assert len(log.log.named("rate_limiter.closed")) == len(started)
    assert len(log.log.named("database.closed")) == len(started)
