"""One address with slow heads, bodies or reads does not keep others from being answered."""

import random
from collections.abc import Iterator

import pytest

from tests.deploy.gunicorn_server import SLOW_SERVICE, RunningServer, running_server
from tests.deploy.slow_clients import Connection, Feed, Patterns, ask, attack

pytestmark = [pytest.mark.server, pytest.mark.slow]

PROXY = "127.0.0.55"
PATTERNS = Patterns(
    body_path=b"/echo",
    large_path=b"/large",
    slow_path=b"/slow?seconds=30",
    answered_path=b"/pid",
)
CONNECTIONS = 400
"""More than the 256 requests that one worker has in progress at most."""


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    settings = {"WEB_CONCURRENCY": "1", "MAX_REQUESTS": "0"}
    with running_server(settings, application=SLOW_SERVICE) as server:
        yield server
        assert server.log.at_least("error") == []


@pytest.mark.parametrize("pattern", PATTERNS.by_name())
def test_others_are_answered_beside_a_slow_client(server: RunningServer, pattern: str) -> None:
    with attack(server.port, [PATTERNS.by_name()[pattern]] * CONNECTIONS):
        assert ask(server.port, "/pid", times=20) == [200] * 20


def test_others_are_answered_beside_a_mix_of_slow_patterns(server: RunningServer) -> None:
    rng = random.Random(1)  # noqa: S311
    with attack(server.port, PATTERNS.mixed(rng, CONNECTIONS)):
        assert ask(server.port, "/pid", times=20) == [200] * 20


@pytest.fixture(scope="module")
def proxied_server() -> Iterator[RunningServer]:
    """A server that trusts `PROXY`."""
    settings = {"WEB_CONCURRENCY": "1", "MAX_REQUESTS": "0", "TRUSTED_PROXY_IPS": PROXY}
    with running_server(settings, application=SLOW_SERVICE) as server:
        yield server


def stalled_body_of(*, client: str) -> Feed:
    """A body that stalls, in a request with X-Forwarded-For."""

    def feed(connection: Connection) -> None:
        if connection.is_new:
            head = "POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000"
            connection.send(f"{head}\r\nX-Forwarded-For: {client}\r\n\r\n".encode())

    return feed


def test_clients_of_a_proxy_are_told_apart(proxied_server: RunningServer) -> None:
    """The proxy does not buffer bodies; the victim comes through it as well."""
    port = proxied_server.port
    with attack(port, [stalled_body_of(client="203.0.113.1")] * CONNECTIONS, address=PROXY):
        statuses = ask(port, "/pid", times=20, address=PROXY, forwarded_for="203.0.113.2")
    assert statuses == [200] * 20


def test_an_untrusted_peer_is_one_client_whatever_it_forwards(
    proxied_server: RunningServer,
) -> None:
    feeds = [stalled_body_of(client=f"203.0.113.{number % 250}") for number in range(CONNECTIONS)]
    with attack(proxied_server.port, feeds):
        assert ask(proxied_server.port, "/pid", times=20) == [200] * 20
