"""Peers and gateways, from this machine's /proc/net and from the text of a container's."""

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest

from scholarship_api.preflight import configuration
from scholarship_api.preflight.peers import bridge_gateway, peers_of
from scholarship_api.settings.settings import Settings

# As in a container behind a bridge: two peers of port 8000 (1F40), one listener, one other port.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 020012AC:1F40 010012AC:C350 01 00000000:00000000 00:00000000 00000000     0        0 2
   2: 0100007F:1F40 0100007F:C351 06 00000000:00000000 00:00000000 00000000     0        0 0
   3: 020012AC:A001 030012AC:1538 01 00000000:00000000 00:00000000 00000000     0        0 3
"""
TCP6 = """\
  sl  local_address                         remote_address                        st
   0: 0000000000000000FFFF0000020012AC:1F40 0000000000000000FFFF0000070012AC:C352 06 0
   1: B80D0120000000000000000001000000:1F40 B80D0120000000000000000002000000:C353 01 0
"""
ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010012AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


@pytest.fixture
def proc_net(tmp_path: Path) -> Path:
    (tmp_path / "tcp").write_text(TCP)
    (tmp_path / "tcp6").write_text(TCP6)
    (tmp_path / "route").write_text(ROUTE)
    return tmp_path


def test_peers_of_a_port_are_those_of_its_connections(proc_net: Path) -> None:
    assert peers_of(8000, folder=proc_net) == {
        ip_address("172.18.0.1"),
        ip_address("172.18.0.7"),
        ip_address("2001:db8::2"),
    }
    assert peers_of(9000, folder=proc_net) == set()


def test_without_a_table_there_are_no_peers(tmp_path: Path) -> None:
    assert peers_of(8000, folder=tmp_path) == set()


def test_loopback_is_no_peer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        with socket.create_connection(address), listener.accept()[0]:
            assert peers_of(address[1]) == set()


def test_the_gateway_is_that_of_a_container(proc_net: Path) -> None:
    (proc_net / "mark").touch()
    assert bridge_gateway(folder=proc_net, mark=proc_net / "mark") == ip_address("172.18.0.1")
    assert bridge_gateway(folder=proc_net, mark=proc_net / "missing") is None


class Seen(NamedTuple):
    networks: str
    peers: tuple[str, ...]
    gateway: str | None


@pytest.mark.parametrize(
    ("seen", "outcome", "shown"),
    [
        (Seen("", (), None), "warning", "is empty"),
        (Seen("0.0.0.0/1", (), None), "failed", "larger than any private one"),
        (Seen("10.0.0.0/8", (), None), "passed", "no peer of PORT"),
        (Seen("10.0.0.0/8", ("10.1.2.3", "192.0.2.1"), None), "passed", "1 of 2 peers"),
        (Seen("127.0.0.1", ("172.18.0.1",), None), "warning", "such as 172.18.0.1"),
        (Seen("127.0.0.1", (), "172.18.0.1"), "warning", "arrives from 172.18.0.1"),
        (Seen("172.18.0.1", (), "172.18.0.1"), "passed", "trusted networks: 1"),
    ],
)
def test_the_trusted_networks_are_compared_with_the_peers(
    monkeypatch: pytest.MonkeyPatch, seen: Seen, outcome: str, shown: str
) -> None:
    peers = {ip_address(peer) for peer in seen.peers}
    monkeypatch.setattr(configuration, "peers_of", lambda _: peers)
    gateway = ip_address(seen.gateway) if seen.gateway else None
    monkeypatch.setattr(configuration, "bridge_gateway", lambda: gateway)
    monkeypatch.setenv("TRUSTED_PROXY_IPS", seen.networks)
    rows = configuration.rows_of(Settings(environment="test"), ())
    [row] = [row for row in rows if row.name == "proxies"]
    assert row.outcome == outcome
    assert shown in row.detail
