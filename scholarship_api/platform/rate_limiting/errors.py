"""Why the rate limiter's backend, Redis or Valkey, cannot do its work.

As with the database, a reason's `word` is shown by logs and probes, and its `sentence` by messages
of the command line; neither repeats the client's text, which holds host names.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import redis.exceptions

BACKEND_ERRORS: Final = (redis.exceptions.RedisError, OSError, TimeoutError, EOFError)
"""Every use of the backend can raise these."""


class SlotMovesError(Exception):
    """A Cluster is moving the slot of this client's buckets, and serves all other clients."""


class NoPrimaryError(redis.exceptions.ConnectionError):
    """No Sentinel that answers knows a primary of the service."""


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
_UNKNOWN_HOST: Final = BackendReason("unreachable", "its host name is unknown")
_NO_PRIMARY: Final = BackendReason("no_primary", "no Sentinel knows a primary of the service")
_MISSING_FILE: Final = BackendReason(
    "tls_failed", "a file that its ssl_ parameters name is missing"
)
_TLS_FAILED: Final = BackendReason("tls_failed", "it does not agree on TLS")

_BY_CODE: Final = {
    "CLUSTERDOWN": BackendReason("cluster_down", "its Cluster does not serve every slot"),
    "CROSSSLOT": BackendReason("cross_slot", "its Cluster refuses keys of several slots"),
    "LOADING": BackendReason("loading", "it is loading its data"),
    "MASTERDOWN": BackendReason("primary_down", "it is a replica that has lost its primary"),
    "MISCONF": BackendReason("not_writable", "it accepts no writes as it cannot save its data"),
    "NOAUTH": BackendReason("access_denied", "it wants a password, and the URL has none"),
    "NOPERM": BackendReason(
        "no_permission", "its user lacks a right: see the documentation for the least rights"
    ),
    "NOREPLICAS": BackendReason("no_replicas", "it accepts no writes without its replicas"),
    "OOM": BackendReason("out_of_memory", "its memory is full"),
    "READONLY": BackendReason("read_only", "it is a replica: it accepts no writes"),
    "TRYAGAIN": BackendReason("cluster_down", "its Cluster is moving a slot"),
    "WRONGPASS": _ACCESS_DENIED,
}
_NOT_PERMITTED: Final = re.compile(r"ACL failure|can't run this command|no permissions")
_CODE: Final = re.compile(rf"\b({'|'.join(_BY_CODE)})\b")

_OF_OTHER_SERVER: Final = frozenset(
    {"access_denied", "cluster_down", "loading", "no_permission", "primary_down", "read_only"}
)
"""Reasons that a server gives which is not, or not yet, the one that counts."""

_BY_WORDS: Final = tuple(
    (re.compile(words, re.IGNORECASE), reason)
    for words, reason in (
        (
            "certificate is not valid for|hostname mismatch|doesn't match",
            BackendReason("tls_failed", "its certificate is for another host name"),
        ),
        (
            "certificate verify failed",
            BackendReason("tls_failed", "its certificate is not signed by a trusted authority"),
        ),
        (
            "certificate.required|peer did not return a certificate",
            BackendReason("tls_failed", "it wants a certificate of the client"),
        ),
        (
            "max number of clients",
            BackendReason("too_many_connections", "it has no connection left"),
        ),
        ("refused", _REFUSED),
    )
)


_BY_TYPE: Final[tuple[tuple[type[BaseException], BackendReason], ...]] = (
    (ConnectionRefusedError, _REFUSED),
    (ssl.SSLError, _TLS_FAILED),
    (socket.gaierror, _UNKNOWN_HOST),
    (TimeoutError, _TIMEOUT),
    (redis.exceptions.TimeoutError, _TIMEOUT),
)


def backend_reason(error: BaseException) -> BackendReason:
    """Why the backend is of no use, after one of BACKEND_ERRORS."""
    if isinstance(error, NoPrimaryError):
        return _NO_PRIMARY
    if code := _code_of(error):
        return _BY_CODE[code]
    if isinstance(error, redis.exceptions.AuthenticationError):
        return _ACCESS_DENIED
    if isinstance(error, redis.exceptions.ResponseError):
        return _REJECTED
    return _reason_of_connection(list(_chain(error)))


def _reason_of_connection(chain: list[BaseException]) -> BackendReason:
    """The reason of a connection that failed, from the error and its causes."""
    if any(isinstance(each, FileNotFoundError) for each in chain):
        return _MISSING_FILE
    by_words = (r for words, r in _BY_WORDS for each in chain if words.search(str(each)))
    by_type = (r for kind, r in _BY_TYPE for each in chain if isinstance(each, kind))
    return next(by_words, None) or next(by_type, _UNREACHABLE)


def is_of_other_server(error: BaseException) -> bool:
    """Whether the connection leads to a server that does not count, so that another one may."""
    return backend_reason(error).word in _OF_OTHER_SERVER


def _code_of(error: BaseException) -> str:
    """The code of an error that Redis has answered with; empty for other errors.

    Redis before 7 has the code of a script's command within the text.
    """
    code = str(getattr(error, "status_code", None))
    if code in _BY_CODE:
        return code
    if isinstance(error, redis.exceptions.ResponseError):
        if _NOT_PERMITTED.search(str(error)):
            return "NOPERM"
        found = _CODE.search(str(error))
        return found[1] if found else ""
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and the errors that led to it."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__
