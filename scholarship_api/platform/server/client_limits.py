"""How much of one worker a single client may use at the same time.

A client is an address, or an IPv6 network of 64 bits. Behind a trusted proxy it is the address that
the proxy reports, which no other peer can choose.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from scholarship_api.errors import RateLimited
from scholarship_api.platform.http.client_address import Network, TrustedProxies, identify

_RETRY_AFTER_SECONDS: Final = 1


class Connection(Protocol):
    """A connection that can be closed in favour of a newer one of the same peer."""

    @property
    def is_idle_or_in_head(self) -> bool:
        """Whether no request of this connection is being answered."""

    def abort(self) -> None:
        """Close the connection at once."""


class ClientLimits:
    """The counts of one worker, by client."""

    def __init__(
        self,
        trusted_proxies: Sequence[Network] = (),
        *,
        connections: int = 256,
        requests: int = 64,
        unfinished_bodies: int = 16,
    ) -> None:
        self._proxies = TrustedProxies(trusted_proxies)
        self._max_connections = connections
        """Most connections of a peer that is not a trusted proxy. A worker can have about a
        thousand open files where the limit is the usual 1024."""
        self._max_requests = requests
        """Most requests in progress: a quarter of those of the worker."""
        self._max_unfinished_bodies = unfinished_bodies
        """Most requests whose body has not arrived; a browser opens six connections."""
        self._connections: dict[str, dict[Connection, None]] = {}
        """The connections of each peer, oldest first."""
        self._requests: dict[str, int] = {}
        self._unfinished_bodies: dict[str, int] = {}

    def peer(self, host: str) -> str | None:
        """The identity of the peer of a connection.

        None for peers that have many clients: trusted proxies, and those without an address, which
        use a socket in the file system.
        """
        peer = self._proxies.peer(host)
        return None if peer is None or peer.is_trusted else identify(peer.text).client

    def client(self, host: str, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """The identity of the client of a request that the peer at `host` has sent."""
        forwarded_for = [value for name, value in headers if name == b"x-forwarded-for"]
        address = self._proxies.resolve(host, forwarded_for)
        return None if address is None else identify(str(address)).client

    # --- Connections ------------------------------------------------------------------------------

    def add_connection(self, peer: str, connection: Connection) -> None:
        """Count a connection; one too many ends the peer's oldest that is not being answered."""
        connections = self._connections.setdefault(peer, {})
        if len(connections) >= self._max_connections:
            replaced = (other for other in connections if other.is_idle_or_in_head)
            oldest = next(replaced, connection)
            connections.pop(oldest, None)
            oldest.abort()
            if oldest is connection:
                return
        connections[connection] = None

    def remove_connection(self, peer: str, connection: Connection) -> None:
        connections = self._connections.get(peer, {})
        connections.pop(connection, None)
        if not connections:
            self._connections.pop(peer, None)

    # --- Requests ---------------------------------------------------------------------------------

    def request_rejection(self, client: str) -> RateLimited | None:
        """The error to answer to one request too many; None if the client may send another."""
        if self._requests.get(client, 0) < self._max_requests:
            return None
        return _too_many("Too many of your requests are in progress; wait until one has ended.")

    def begin_request(self, client: str) -> None:
        self._requests[client] = self._requests.get(client, 0) + 1

    def end_request(self, client: str) -> None:
        _decrement(self._requests, client)

    # --- Bodies -----------------------------------------------------------------------------------

    def body_rejection(self, client: str) -> RateLimited | None:
        """The error to answer to one unfinished body too many; None if there may be another."""
        if self._unfinished_bodies.get(client, 0) < self._max_unfinished_bodies:
            return None
        return _too_many(
            "Too many of your requests lack the rest of their body; send one of them first."
        )

    def begin_body(self, client: str) -> None:
        self._unfinished_bodies[client] = self._unfinished_bodies.get(client, 0) + 1

    def end_body(self, client: str) -> None:
        _decrement(self._unfinished_bodies, client)


def _decrement(counts: dict[str, int], client: str) -> None:
    counts[client] -= 1
    if not counts[client]:
        del counts[client]


def _too_many(message: str) -> RateLimited:
    return RateLimited(
        message,
        details={"retry_after_seconds": _RETRY_AFTER_SECONDS},
        headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
    )
