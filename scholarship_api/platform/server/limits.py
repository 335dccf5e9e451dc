"""What one client may take of a worker, and what the connections of a worker share."""

import dataclasses

from starlette.types import ASGIApp
from uvicorn.server import ServerState


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What one client may take of a worker; sizes in bytes."""

    head_bytes: int = 16 * 1024
    url_bytes: int = 2048
    """A request line that is too long by itself is answered 414 instead of 431."""
    head_seconds: float = 10.0
    """From the first byte of a request (or from the connection) to the end of its head."""
    body_bytes: int = 1024
    """Least progress of a body in each `body_seconds`."""
    body_seconds: float = 10.0
    write_seconds: float = 30.0
    """How long a client may leave an answer unread once the buffers are full."""
    linger_bytes: int = 16 * 1024 * 1024
    """Read and thrown away after an answer that came before the end of the body. A proxy that has
    the whole body sends it whole: nginx makes a 502 of an answer to a body that it cannot send."""
    head_linger_bytes: int = 1024 * 1024
    """The same after the refusal of a head, which no proxy sends in that size."""
    linger_seconds: float = 5.0
    """As nginx's lingering_timeout, but in all."""
    concurrency: int = 256
    """Requests in progress per worker."""


class ConnectionState(ServerState):
    """What the connections of a worker share."""

    def __init__(self, refusals: ASGIApp, limits: Limits | None = None) -> None:
        super().__init__()
        self.refusals = refusals
        """See `refusals.refusal_app`."""
        self.limits = limits or Limits()
        self.draining = False
        """Whether each connection ends with its next answer."""
