"""Why the rate limiter's backend, Redis or Valkey, cannot do its work.

As with the database, a reason's `word` is shown by logs and probes, and its `sentence` by messages
of the command line; neither repeats the client's text, which holds host names.
"""

from dataclasses import dataclass
from typing import Final

import redis.exceptions

BACKEND_ERRORS: Final = (redis.exceptions.RedisError, OSError, TimeoutError, EOFError)
"""Every use of the backend can raise these."""


@dataclass(frozen=True, slots=True)
class BackendReason:
    word: str
    sentence: str
    """About the server: `it refuses the password`."""


_TIMEOUT: Final = BackendReason("timeout", "it does not answer")
_ACCESS_DENIED: Final = BackendReason("access_denied", "it refuses the password")
_REJECTED: Final = BackendReason(
    "access_denied", "it refuses the user, its rights or the number of the database"
)
_REFUSED: Final = BackendReason("refused", "it cannot be reached")
_UNREACHABLE: Final = BackendReason("unreachable", "it cannot be reached")


def backend_reason(error: BaseException) -> BackendReason:
    """Why the backend is of no use, after one of BACKEND_ERRORS."""
    if isinstance(error, TimeoutError | redis.exceptions.TimeoutError):
        return _TIMEOUT
    if isinstance(error, redis.exceptions.AuthenticationError):
        return _ACCESS_DENIED
    if isinstance(error, redis.exceptions.ResponseError):
        return _REJECTED
    if isinstance(error, ConnectionRefusedError) or "refused" in str(error):
        return _REFUSED
    return _UNREACHABLE
