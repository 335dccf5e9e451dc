"""Clients that take a server's connections and give nothing back, and one that asks beside them."""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Final

ATTACKER: Final = "127.0.0.66"
VICTIM: Final = "127.0.0.77"
TRICKLE_SECONDS: Final = 0.5
CONNECT_SECONDS: Final = 5
RECEIVE_BUFFER_BYTES: Final = 4096
"""Small, so that the server's buffers fill up when the client does not read."""


class Connection:
    """One connection of an attack."""

    def __init__(self, port: int, address: str) -> None:
        self.is_new = True
        """Whether the pattern is applied for the first time."""
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.settimeout(CONNECT_SECONDS)
        self._socket.bind((address, 0))
        self._socket.connect(("127.0.0.1", port))

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self, size: int) -> None:
        """Read up to `size` bytes of what has arrived."""
        with suppress(BlockingIOError):
            self._socket.recv(size, socket.MSG_DONTWAIT)

    def close(self) -> None:
        self._socket.close()


Feed = Callable[[Connection], None]
"""A pattern: what is done on a connection at first, and then every TRICKLE_SECONDS."""


@dataclass(frozen=True)
class Patterns:
    """The patterns of attack on a service with these paths."""

    body_path: bytes
    """Reads a JSON body."""
    large_path: bytes
    """Has a large response."""
    slow_path: bytes
    """Takes long."""
    answered_path: bytes
    """Is answered without reading the body."""

    def by_name(self) -> dict[str, Feed]:
        feeds = (
            *(self.slow_head, self.no_request, self.slow_body, self.stalled_body),
            *(self.slow_chunks, self.unread_response, self.slow_reader, self.pipelining),
            *(self.body_after_response, self.expect_continue),
        )
        return {feed.__name__: feed for feed in feeds}

    def mixed(self, rng: random.Random, count: int) -> list[Feed]:
        """`count` connections with up to four patterns."""
        patterns = rng.sample(list(self.by_name().values()), rng.randint(1, 4))
        return [rng.choice(patterns) for _ in range(count)]

    def slow_head(self, connection: Connection) -> None:
        connection.send(self._get(b"/") + b"X-Padding: " if connection.is_new else b"a")

    def no_request(self, _: Connection) -> None:
        """The connection is opened, and no byte is sent."""

    def slow_body(self, connection: Connection) -> None:
        """Each 10 s bring more than 1 KiB, so that the body is not rejected as stalled."""
        head = self._post(self.body_path, b"Content-Length: 60000")
        connection.send(head if connection.is_new else b" " * 100)

    def stalled_body(self, connection: Connection) -> None:
        if connection.is_new:
            connection.send(self._post(self.body_path, b"Content-Length: 60000") + b"{")

    def slow_chunks(self, connection: Connection) -> None:
        head = self._post(self.body_path, b"Transfer-Encoding: chunked")
        connection.send(head if connection.is_new else b"64\r\n" + b" " * 100 + b"\r\n")

    def unread_response(self, connection: Connection) -> None:
        if connection.is_new:
            connection.send(self._get(self.large_path) + b"\r\n")

    def slow_reader(self, connection: Connection) -> None:
        self.unread_response(connection)
        connection.receive(100)

    def pipelining(self, connection: Connection) -> None:
        if connection.is_new:
            connection.send((self._get(self.slow_path) + b"\r\n") * 50)

    def body_after_response(self, connection: Connection) -> None:
        """The request is answered at once; its body goes on."""
        head = self._post(self.answered_path, b"Content-Length: 60000")
        connection.send(head if connection.is_new else b" " * 100)

    def expect_continue(self, connection: Connection) -> None:
        if connection.is_new:
            headers = b"Expect: 100-continue\r\nContent-Length: 60000"
            connection.send(self._post(self.body_path, headers))

    @staticmethod
    def _get(path: bytes) -> bytes:
        return b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n" % path

    @staticmethod
    def _post(path: bytes, headers: bytes) -> bytes:
        return (
            b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n%b\r\n\r\n"
            % (path, headers)
        )


class _Attack:
    """Connections of one address. One that the server closes is opened again."""

    def __init__(self, port: int, address: str) -> None:
        self._port = port
        self._address = address
        self._connections: list[tuple[Connection, Feed]] = []
        self._stopped = threading.Event()

    def open(self, feed: Feed) -> None:
        with suppress(OSError):
            connection = Connection(self._port, self._address)
            self._connections.append((connection, feed))
            feed(connection)
            connection.is_new = False

    def run(self) -> None:
        """Feed all connections until `stop` is called."""
        while not self._stopped.wait(TRICKLE_SECONDS):
            for connection, feed in list(self._connections):
                try:
                    feed(connection)
                except OSError:  # closed by the server
                    self._connections.remove((connection, feed))
                    connection.close()
                    self.open(feed)

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        for connection, _ in self._connections:
            connection.close()


@contextmanager
def attack(port: int, feeds: Sequence[Feed], *, address: str = ATTACKER) -> Iterator[None]:
    """One connection for each of `feeds`; all have been opened when the block begins."""
    attacker = _Attack(port, address)
    thread = threading.Thread(target=attacker.run)
    try:
        for feed in feeds:
            attacker.open(feed)
        thread.start()
        yield
    finally:
        attacker.stop()
        if thread.is_alive():
            thread.join()
        attacker.close()


def ask(
    port: int, path: str, *, times: int, address: str = VICTIM, forwarded_for: str | None = None
) -> list[int]:
    """The statuses of requests from `address`, each on a connection of its own."""
    headers = {} if forwarded_for is None else {"X-Forwarded-For": forwarded_for}
    statuses = []
    for _ in range(times):
        connection = HTTPConnection("127.0.0.1", port, timeout=10, source_address=(address, 0))
        try:
            connection.request("GET", path, headers=headers)
            statuses.append(connection.getresponse().status)
        finally:
            connection.close()
        time.sleep(0.1)
    return statuses
