"""Who is asking, when trusted proxies stand in between."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST_ENTRY: Final = 64
"""`[v6]:port` with a scope has 60 characters at most; longer ones are not parsed, nor cached."""
_CACHED_ADDRESSES: Final = 4096


class TrustedProxies:
    """The networks whose X-Forwarded-For and X-Forwarded-Proto are believed."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._trusts = lru_cache(maxsize=_CACHED_ADDRESSES)(self._belongs_to_a_network)
        self._parsed = lru_cache(maxsize=_CACHED_ADDRESSES)(parse_address)

    def parse(self, host: str) -> Address | None:
        return self._parsed(host) if len(host) <= _LONGEST_ENTRY else None

    def trusts(self, address: Address) -> bool:
        return self._trusts(address)

    def client(self, peer: Address, forwarded_for: Sequence[bytes]) -> Address:
        """The rightmost address that is no trusted proxy.

        `forwarded_for` holds the values of all X-Forwarded-For lines in order; `peer` is trusted.
        Each proxy appends whom it saw, so the walk starts at the right. It ends at the first
        entry that is no address: what stands left of it was written by somebody unknown. When
        every entry is a trusted proxy, the leftmost one is itself the client.
        """
        client = peer
        for entry in reversed(b",".join(forwarded_for).decode("latin-1").split(",")):
            address = self.parse(entry.strip())
            if address is None:
                break
            client = address
            if not self._trusts(address):
                break
        return client

    def _belongs_to_a_network(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def parse_address(entry: str) -> Address | None:
    """`v4`, `v4:port`, `v6`, `[v6]` or `[v6]:port` as an address; None for anything else.

    An IPv4 address that is mapped into IPv6, as dual-stack sockets report it, becomes plain IPv4.
    """
    if entry.startswith("["):
        host, bracket, port = entry[1:].partition("]")
        if not bracket or (port and not (port[0] == ":" and _is_port(port[1:]))):
            return None
    elif entry.count(":") == 1:
        host, _, port = entry.partition(":")
        if not _is_port(port):
            return None
    else:
        host = entry
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def forwarded_scheme(forwarded_proto: Sequence[bytes]) -> str | None:
    """What the nearest proxy says about its own client's connection: http, https or None."""
    if not forwarded_proto:
        return None
    nearest = forwarded_proto[-1].rpartition(b",")[2].strip().lower()
    return nearest.decode() if nearest in {b"http", b"https"} else None
