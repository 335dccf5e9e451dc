import ipaddress

import pytest

from scholarship_api.platform.http.client_address import (
    TrustedProxies,
    forwarded_scheme,
)

PROXIES = TrustedProxies(
    [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "192.168.1.7/32", "fd00::/8")]
)
PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (["203.0.113.9, 192.168.1.7, 10.0.0.2"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),  # the first one is made up
        (["10.9.9.9, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),  # made up: a trusted one
        (["198.51.100.1", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),  # three lines
        (["203.0.113.9:51234"], "203.0.113.9"),
        (["2001:db8::5"], "2001:db8::5"),
        (["[2001:db8::5]:443, fd00::1"], "2001:db8::5"),
        (["[2001:db8::5]"], "2001:db8::5"),
        (["2001:DB8:0:0:0:0:0:5"], "2001:db8::5"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["::ffff:10.0.0.7, ::ffff:10.0.0.2"], "10.0.0.7"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # a client inside the trusted network
        ([""], "10.0.0.1"),
        ([","], "10.0.0.1"),
        (["unknown"], "10.0.0.1"),
        (["203.0.113.9, unknown"], "10.0.0.1"),
        (["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.9, _hidden, 198.51.100.1"], "198.51.100.1"),
        (["203.0.113.9:port"], "10.0.0.1"),
        (["203.0.113.9:"], "10.0.0.1"),
        (["[2001:db8::5"], "10.0.0.1"),
        (["[2001:db8::5]x"], "10.0.0.1"),
        (["[2001:db8::5]443"], "10.0.0.1"),
        (["203.0.113.999"], "10.0.0.1"),
        (["203.0.113.09"], "10.0.0.1"),
        (["'; DROP TABLE x; --"], "10.0.0.1"),
        (["\u00b2\u00b3"], "10.0.0.1"),
        (["1" * 5000], "10.0.0.1"),
        (["203.0.113.9\t , \t10.0.0.2 "], "203.0.113.9"),
    ],
)
def test_the_client_is_the_rightmost_untrusted_address(
    forwarded_for: list[str], client: str
) -> None:
    values = [line.encode("latin-1") for line in forwarded_for]
    assert str(PROXIES.resolve(PEER, values)) == client


@pytest.mark.parametrize(
    ("address", "trusted"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.1.2.3", False), ("fd12::1", True)],
)
def test_addresses_of_the_networks_are_trusted(address: str, trusted: bool) -> None:
    peer = PROXIES.peer(address)
    assert peer is not None
    assert peer.is_trusted is trusted


@pytest.mark.parametrize("address", ["", "unix:", "203.0.113.999", "1" * 5000])
def test_other_text_is_not_an_address(address: str) -> None:
    assert PROXIES.peer(address) is None


@pytest.mark.parametrize(
    ("lines", "scheme"),
    [
        ([], None),
        ([b"https"], "https"),
        ([b"HTTPS"], "https"),
        ([b"http"], "http"),
        ([b"https, http"], "http"),
        ([b"https", b"http"], "http"),
        ([b"gopher"], None),
        ([b""], None),
    ],
)
def test_the_scheme_is_the_one_that_the_nearest_proxy_reports(
    lines: list[bytes], scheme: str | None
) -> None:
    assert forwarded_scheme(lines) == scheme
