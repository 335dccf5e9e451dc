"""The service is stopped while a request is in flight. Needs the hooks of the service."""

import http.client
import json
import time
from urllib.parse import urlsplit

import httpx

from tests.acceptance.deployment import (
    HOOK_SECONDS,
    is_ready,
    required,
    start_hook,
    until,
    variable,
)

BODY = json.dumps({"q": "scholarship", "limit": 1}).encode()


def begin_request() -> http.client.HTTPConnection:
    """Send a search up to the middle of its body."""
    address = urlsplit(variable("BASE_URL"))
    assert address.hostname
    secure = address.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(address.hostname, address.port, timeout=30)
    connection.putrequest("POST", "/api/v1/search")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(BODY)))
    connection.endheaders(BODY[:10])
    return connection


def test_a_request_in_flight_completes(client: httpx.Client) -> None:
    required("START_SERVICE")
    required("STOP_SERVICE")
    assert is_ready(client)
    connection = begin_request()
    time.sleep(1)  # it has arrived
    stopping = start_hook("STOP", "SERVICE")
    try:
        until(lambda: not is_ready(client), seconds=10, what="the service stops accepting")
        assert stopping.poll() is None, "it has not waited for the request"
        connection.send(BODY[10:])
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content
        assert json.loads(content)["page_size"] == 1
        assert stopping.wait(HOOK_SECONDS) == 0
    finally:
        connection.close()
        stopping.wait(HOOK_SECONDS)
        starting = start_hook("START", "SERVICE")
        assert starting.wait(HOOK_SECONDS) == 0
        until(lambda: is_ready(client), seconds=60, what="the service is ready again")
