"""The peers of a port in this network namespace, read from Linux's /proc/net."""

import ipaddress
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_PROC_NET: Final = Path("/proc/net")
_LISTENING: Final = "0A"
_DOCKER_MARK: Final = Path("/.dockerenv")


def peers_of(port: int, *, folder: Path = _PROC_NET) -> set[Address]:
    """The addresses at the other end of the connections to `port`, closing ones included.

    Empty where there is no /proc/net. Loopback addresses are left out, because health checks come
    from there.
    """
    return {
        address
        for name in ("tcp", "tcp6")
        for address in _remote_addresses(folder / name, port)
        if not address.is_loopback
    }


def _remote_addresses(table: Path, port: int) -> Iterator[Address]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return
    for line in lines:
        _, local, remote, state, *_ = line.split()
        if state != _LISTENING and int(local.rpartition(":")[2], 16) == port:
            yield _address(remote.rpartition(":")[0])


def _address(digits: str) -> Address:
    """The address of a number that Linux writes as 32-bit words in the machine's byte order."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    address = ipaddress.ip_address(packed)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def bridge_gateway(*, folder: Path = _PROC_NET, mark: Path = _DOCKER_MARK) -> Address | None:
    """The gateway of a Docker container's network; None elsewhere.

    A proxy on the host that connects to a published port arrives from this address.
    """
    if not mark.exists():
        return None
    try:
        lines = (folder / "route").read_text().splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        _, destination, gateway, *_ = line.split()
        if int(destination, 16) == 0:
            packed = struct.pack("=I", int(gateway, 16))
            return ipaddress.ip_address(socket.inet_ntoa(packed))
    return None
