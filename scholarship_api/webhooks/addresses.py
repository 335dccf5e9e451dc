"""Which addresses a webhook may be delivered to: those of the public internet.

A receiver's host name is resolved once for each delivery. Its addresses are checked, and the
connection is made to a checked address, so that a second answer of the name server changes nothing.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import Final

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host name, for a port."""

_REFUSED_NETWORKS: Final = [
    ipaddress.ip_network(network)
    for network in (
        # IPv4, from the IANA registry of special-purpose addresses
        "0.0.0.0/8",  # this host: Linux connects to itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier NAT; Alibaba's metadata service is 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's platform services
        "169.254.0.0/16",  # link-local; the metadata service of most clouds
        "172.16.0.0/12",
        "192.0.0.0/24",  # Oracle's metadata service is 192.0.0.192
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        # IPv6; only 2000::/3 is assigned to the internet
        "2001::/23",  # IETF protocols, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4 holds an IPv4 address
        "3fff::/20",
    )
]
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")


class RefusedAddressError(Exception):
    """The receiver's address is not one of the public internet."""


class UnresolvedHostError(Exception):
    """The host name has no address."""


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the public internet.

    IPv6 addresses that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are all refused: a
    receiver that has a public IPv4 address can be reached by that.
    """
    if isinstance(address, ipaddress.IPv6Address) and (
        address.scope_id is not None or address not in _GLOBAL_UNICAST
    ):
        return False
    return not any(
        address in network for network in _REFUSED_NETWORKS if network.version == address.version
    )


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host name, by the system's resolver."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def checked_address(
    host: str, port: int, *, allow_private: bool, resolver: Resolve = resolve
) -> IPAddress:
    """The address to connect to.

    One refused address among several refuses the host, because the name server decides which one is
    first. Raises RefusedAddressError and UnresolvedHostError.
    """
    try:
        addresses = [ipaddress.ip_address(each) for each in await resolver(host, port)]
    except (OSError, ValueError, UnicodeError):
        raise UnresolvedHostError from None
    if not addresses:
        raise UnresolvedHostError
    if not allow_private and not all(is_public(address) for address in addresses):
        raise RefusedAddressError
    return addresses[0]
