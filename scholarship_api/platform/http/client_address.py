"""The client's address when trusted proxies stand in between."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

IPV6_CLIENT_PREFIX: Final = 64
"""Bits of an IPv6 address that name one client, which can choose the remaining bits freely."""

IPV6_SITE_PREFIX: Final = 48
"""Bits that name one site: its owner can choose among 65 536 networks of IPV6_CLIENT_PREFIX."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_ENTRY_LENGTH: Final = 64
"""Longest text, in characters, that is parsed: `[v6]:port` with a zone has at most 60."""
_CACHED_ADDRESSES: Final = 4096
"""Addresses whose parsing and trust are cached; an entry takes about 300 bytes."""


class Peer(NamedTuple):
    """The other end of a connection."""

    address: Address
    text: str
    is_trusted: bool


class TrustedProxies:
    """The networks of the proxies whose X-Forwarded-For and X-Forwarded-Proto count."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._cached_peer = lru_cache(maxsize=_CACHED_ADDRESSES)(self._peer)

    def peer(self, host: str) -> Peer | None:
        """The peer at `host`; None for a text that is no address, as that of a Unix socket."""
        return self._cached_peer(host) if len(host) <= _MAX_ENTRY_LENGTH else None

    def _peer(self, host: str) -> Peer | None:
        address = parse_address(host)
        if address is None:
            return None
        is_trusted = any(address in network for network in self._networks)
        return Peer(address, str(address), is_trusted)

    def resolve(self, host: str, forwarded_for: Sequence[bytes]) -> Address | None:
        """The client's address, of a request that came from `host`; None without an address."""
        peer = self.peer(host)
        if peer is None:
            return None
        return self.client(peer, forwarded_for) if peer.is_trusted else peer.address

    def client(self, peer: Peer, forwarded_for: Sequence[bytes]) -> Address:
        """The rightmost address that is not a trusted proxy's.

        `forwarded_for` holds the values of all X-Forwarded-For lines in order; `peer` is trusted.
        Each proxy appends the address that it saw, so the walk starts at the right. It ends at an
        entry that is not an address: nobody that we trust wrote what stands left of it. If every
        entry is a trusted proxy, the leftmost one is the client.
        """
        client = peer
        for entry in reversed(b",".join(forwarded_for).decode("latin-1").split(",")):
            sender = self.peer(entry.strip())
            if sender is None:
                break
            client = sender
            if not sender.is_trusted:
                break
        return client.address


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
    """The scheme that the nearest proxy reports for its own client: http, https or None."""
    if not forwarded_proto:
        return None
    nearest = forwarded_proto[-1].rpartition(b",")[2].strip().lower()
    return nearest.decode() if nearest in {b"http", b"https"} else None


class ClientIdentity(NamedTuple):
    """Names under which the requests of one address are counted together."""

    client: str
    """The address; for IPv6 its network of IPV6_CLIENT_PREFIX bits."""
    site: str | None
    """The IPv6 network of IPV6_SITE_PREFIX bits; None for other addresses."""

    @property
    def tag(self) -> str:
        """The widest of the names, which all buckets of a request have in common."""
        return self.site or self.client


@lru_cache(maxsize=_CACHED_ADDRESSES)
def identify(host: str) -> ClientIdentity:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket in the file system has no address
        return ClientIdentity("address:unknown", None)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return ClientIdentity(f"address:{address.ipv4_mapped}", None)
        client, site = (
            ipaddress.ip_network((int(address), bits), strict=False)
            for bits in (IPV6_CLIENT_PREFIX, IPV6_SITE_PREFIX)
        )
        return ClientIdentity(f"address:{client}", f"site:{site}")
    return ClientIdentity(f"address:{address}", None)
