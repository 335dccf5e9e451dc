"""The counts of one worker, by client."""

from ipaddress import ip_network

import pytest

from scholarship_api.platform.server.client_limits import ClientLimits

PROXIES = [ip_network("10.0.0.0/8")]


class FakeConnection:
    """A connection that notes whether it was aborted."""

    def __init__(self, *, is_idle_or_in_head: bool = True) -> None:
        self.is_idle_or_in_head = is_idle_or_in_head
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


def forwarded(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode()) for value in values]


@pytest.mark.parametrize(
    ("host", "headers", "client"),
    [
        ("203.0.113.9", [], "address:203.0.113.9"),
        ("203.0.113.9", forwarded("198.51.100.1"), "address:203.0.113.9"),
        ("10.0.0.1", forwarded("198.51.100.1"), "address:198.51.100.1"),
        ("10.0.0.1", forwarded("1.2.3.4, 198.51.100.1"), "address:198.51.100.1"),
        ("10.0.0.1", [], "address:10.0.0.1"),
        ("2001:db8::1", [], "address:2001:db8::/64"),
        ("2001:db8::2", [], "address:2001:db8::/64"),
        ("", [], None),
    ],
)
def test_the_client_is_the_address_that_a_trusted_proxy_reports(
    host: str, headers: list[tuple[bytes, bytes]], client: str | None
) -> None:
    assert ClientLimits(PROXIES).client(host, headers) == client


def test_a_trusted_proxy_is_no_client_of_its_own() -> None:
    limits = ClientLimits(PROXIES)
    assert limits.peer("10.0.0.1") is None
    assert limits.peer("") is None
    assert limits.peer("203.0.113.9") == "address:203.0.113.9"


def test_requests_of_a_client_are_limited_until_one_ends() -> None:
    limits = ClientLimits(requests=2)
    for _ in range(2):
        assert limits.request_rejection("a") is None
        limits.begin_request("a")
    rejection = limits.request_rejection("a")
    assert rejection is not None
    assert (rejection.status, rejection.headers["Retry-After"]) == (429, "1")
    assert rejection.details == {"retry_after_seconds": 1}
    assert limits.request_rejection("b") is None
    limits.end_request("a")
    assert limits.request_rejection("a") is None


def test_unfinished_bodies_of_a_client_are_limited_until_one_ends() -> None:
    limits = ClientLimits(unfinished_bodies=1)
    limits.begin_body("a")
    rejection = limits.body_rejection("a")
    assert rejection is not None
    assert rejection.status == 429
    assert limits.body_rejection("b") is None
    limits.end_body("a")
    assert limits.body_rejection("a") is None


def test_one_connection_too_many_ends_the_oldest_idle_one() -> None:
    limits = ClientLimits(connections=3)
    busy, idle, newer, newest = (
        FakeConnection(is_idle_or_in_head=False),
        FakeConnection(),
        FakeConnection(),
        FakeConnection(),
    )
    for connection in (busy, idle, newer, newest):
        limits.add_connection("a", connection)
    assert [one.aborted for one in (busy, idle, newer, newest)] == [False, True, False, False]
    limits.add_connection("b", other := FakeConnection())
    assert not other.aborted


def test_a_new_connection_is_ended_when_all_others_are_busy() -> None:
    limits = ClientLimits(connections=1)
    busy, new = FakeConnection(is_idle_or_in_head=False), FakeConnection()
    limits.add_connection("a", busy)
    limits.add_connection("a", new)
    assert (busy.aborted, new.aborted) == (False, True)
    limits.remove_connection("a", new)
    limits.remove_connection("a", busy)
    limits.add_connection("a", again := FakeConnection())
    assert not again.aborted


def test_nothing_is_kept_of_clients_that_have_gone() -> None:
    limits = ClientLimits()
    connection = FakeConnection()
    limits.add_connection("a", connection)
    limits.begin_request("a")
    limits.begin_body("a")
    limits.end_body("a")
    limits.end_request("a")
    limits.remove_connection("a", connection)
    kept = [value for value in vars(limits).values() if isinstance(value, dict)]
    assert kept == [{}, {}, {}]
