"""The limits of a connection, and the state that the connections of a worker share."""

import dataclasses
from collections.abc import Iterable

from starlette.types import ASGIApp
from uvicorn.server import ServerState

from scholarship_api.platform.server.client_limits import ClientLimits


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much of a worker one connection may use."""

    head_bytes: int = 16 * 1024
    """Largest head of a request: request line and headers."""
    url_bytes: int = 2048
    """Longest request target; a head that is too large because of it is answered 414, not 431."""
    head_seconds: float = 10.0
    """Longest time from the first byte of a request (or from the connection) to the end of its
    head."""
    body_seconds: float = 10.0
    """The interval in which a body has to make progress."""
    body_bytes: int = 1024
    """Least progress of a body in each interval of `body_seconds`."""
    whole_body_seconds: float = 20.0
    """Longest time for a whole body, to which each of its bytes adds. Time in which the application
    does not read is not counted."""
    whole_body_bytes_per_second: int = 64 * 1024
    """A body of this size gets one second more."""
    write_seconds: float = 30.0
    """Longest time that a client may leave a response unread once the system's buffers are full."""
    linger_bytes: int = 16 * 1024 * 1024
    """Most bytes of a body that are discarded after an early response. A proxy that has the whole
    body sends it whole: nginx answers 502 if the server closes before."""
    head_linger_bytes: int = 1024 * 1024
    """The same after the rejection of a head; no proxy sends a head of that size."""
    linger_seconds: float = 5.0
    """Longest time in which those bytes are awaited, like lingering_timeout of nginx."""
    concurrent_requests: int = 256
    """Most requests in progress per worker; a further one is answered 503."""


class ConnectionState(ServerState):
    """The state that the connections of one worker share."""

    def __init__(
        self,
        rejections: ASGIApp,
        limits: Limits | None = None,
        *,
        clients: ClientLimits | None = None,
        always_answered_paths: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.rejections = rejections
        """See `rejections.rejection_app`."""
        self.limits = limits or Limits()
        self.clients = clients or ClientLimits()
        self.always_answered_paths = frozenset(path.encode() for path in always_answered_paths)
        """Paths, such as those of probes, that are answered however busy the worker is."""
        self.draining = False
        """Whether each connection ends with its next response."""
