"""Hostile clients: slow ones, many at once, oversized and malformed requests."""

import random
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from soak.recording import Recording
from tests.fuzz.exchange import Received, judge
from tests.fuzz.messages import Message, Messages

SLOW_CLIENTS: Final = 100
"""Connections that send one byte every BYTE_SECONDS."""

CROWD: Final = 400
"""Connections of a flood."""

ASKING_ONE_IN: Final = 8
"""One connection in so many of a flood sends a request; more would be refused as overload."""

BYTE_SECONDS: Final = 0.25

ANSWER_SECONDS: Final = 12.0
"""Deadline for an answer or the end of a connection; slow heads are cut off after 10 s."""

HOSTILE_ADDRESS: Final = "127.0.0.66"
"""Another one than that of the ordinary users, as the service limits each client."""
HEAD: Final = b"GET /api/v1/search?limit=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST: Final = (
    b"POST /api/v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
)
TWO_MIB: Final = 2 * 1024 * 1024


class Crowd:
    """Hostile clients of the service on `port`."""

    def __init__(self, port: int, recording: Recording) -> None:
        self._port = port
        self._recording = recording

    def slow_heads(self, seconds: float, rng: random.Random) -> None:
        head = HEAD + b"X-Padding: " + b"a" * 200
        self._trickle(head, rng.randrange(20), seconds)

    def slow_bodies(self, seconds: float, rng: random.Random) -> None:
        head = POST + b"Content-Length: 2000\r\n\r\n"
        self._trickle(head + b" " * 200, len(head) + rng.randrange(10), seconds)

    def half_closed(self, seconds: float, rng: random.Random) -> None:
        """Connections whose sending half is closed before the answer."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            whole = HEAD + b"Connection: close\r\n\r\n"
            self._send([whole[: rng.choice((0, 5, len(HEAD), len(whole)))]], half_close=True)

    def flood(self, seconds: float, rng: random.Random) -> None:
        """Many connections at once, most of which send nothing."""
        end = time.monotonic() + seconds
        with self._connections(CROWD) as connections:
            asking = rng.sample(connections, CROWD // ASKING_ONE_IN)
            for connection in asking:
                connection.sendall(HEAD + b"Connection: close\r\n\r\n")
            for connection in asking:
                self._record(connection, "flood", time.monotonic())
            time.sleep(max(0.0, end - time.monotonic()))

    def huge(self, seconds: float, rng: random.Random) -> None:
        """Bodies, heads and addresses beyond the limits."""
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        requests: list[list[bytes]] = [
            [POST + b"Content-Length: %d\r\n\r\n" % TWO_MIB, bytes(TWO_MIB)],
            [POST + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 32],
            [HEAD + b"X: " + b"a" * 65_536 + b"\r\n\r\n"],
            [HEAD + b"X: a\r\n" * 10_000 + b"\r\n"],
            [b"GET /api/v1/search?q=" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
            [POST + b"Content-Length: 400000\r\n\r\n" + b"[" * 400_000],
        ]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._send(rng.choice(requests))

    def malformed(self, seconds: float, rng: random.Random) -> None:
        end = time.monotonic() + seconds
        messages = Messages(rng.randrange(1_000_000))
        for message in messages:
            if time.monotonic() > end:
                return
            self._exchange(message)

    def _exchange(self, message: Message) -> None:
        began = time.monotonic()
        received, ended = b"", False
        with suppress(OSError), self._connections(1) as (connection,):
            connection.settimeout(1.0)
            connection.sendall(message.raw)
            while data := connection.recv(65_536):
                received += data
            ended = True
        # Reading stops after a second, so the last answer may be incomplete.
        received = received if ended else received[: received.rfind(b"HTTP/1.1 ")]
        answers, faults = judge(
            self._recording.promises, message, Received(received, closed=True, ended=True)
        )
        for fault in faults:
            self._recording.complain(f"malformed: {fault}", repr(message.raw[:500]))
        for answer in answers:
            self._recording.add_hostile(began, answer.status)

    @contextmanager
    def _connections(self, number: int) -> Iterator[list[socket.socket]]:
        with ExitStack() as stack:
            yield [
                stack.enter_context(
                    socket.create_connection(
                        ("127.0.0.1", self._port),
                        timeout=ANSWER_SECONDS,
                        source_address=(HOSTILE_ADDRESS, 0),
                    )
                )
                for _ in range(number)
            ]

    def _trickle(self, request: bytes, at_once: int, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._connections(SLOW_CLIENTS) as connections:
            for connection in connections:
                connection.sendall(request[:at_once])
            for byte in request[at_once:]:
                if time.monotonic() > end:
                    return
                for connection in connections:
                    with suppress(OSError):
                        connection.sendall(bytes([byte]))
                time.sleep(BYTE_SECONDS)

    def _send(self, parts: Sequence[bytes], *, half_close: bool = False) -> None:
        began = time.monotonic()
        with self._connections(1) as (connection,):
            with suppress(OSError):  # the service may refuse before the end
                for part in parts:
                    connection.sendall(part)
                if half_close:
                    connection.shutdown(socket.SHUT_WR)
            self._record(connection, "half closed" if half_close else "huge", began)

    def _record(self, connection: socket.socket, what: str, began: float) -> None:
        """Record the status of the answer, if any, and complain when the connection hangs."""
        received = b""
        try:
            while data := connection.recv(65_536):
                received += data
        except TimeoutError:
            self._recording.complain(f"{what}: no end in {ANSWER_SECONDS:.0f} s", str(received))
        except OSError:
            pass
        if received:
            status = received[9:12]
            self._recording.add_hostile(began, int(status) if status.isdigit() else 0)
