"""Why PostgreSQL cannot do its work: one fixed reason for each kind of failure.

A reason's `word` is shown by logs, probes and the label of `database_unavailable_total`; its
`sentence` by the messages of the command line. Neither repeats the driver's text, which holds names
of hosts, roles and databases.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
import sqlalchemy.exc
import structlog

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import NoAnswerError
from scholarship_api.platform.database.connector import StandbyError
from scholarship_api.platform.observability import metrics

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reason:
    word: str
    sentence: str
    """About the server: `it refuses the password`."""


_FAILED: Final = Reason("failed", "it cannot be used")
_NO_ANSWER: Final = Reason("timeout", "it does not answer")
_POOL_EXHAUSTED: Final = Reason("pool_exhausted", "every connection of the pool is in use")
_UNREACHABLE: Final = Reason("unreachable", "it cannot be used")
_WRONG_PASSWORD: Final = Reason("access_denied", "it refuses the password")
_WRONG_ROLE: Final = Reason("access_denied", "it refuses the role")
_NO_DATABASE: Final = Reason("access_denied", "the database does not exist")
_NO_CONNECTION_LEFT: Final = Reason("too_many_connections", "it has no connection left")
_SHUTTING_DOWN: Final = Reason("shutting_down", "it is shutting down")
_STARTING_UP: Final = Reason("starting_up", "it is starting up")
_READ_ONLY: Final = Reason("read_only", "it accepts no writes: it is a standby or read-only")
_LOCKED: Final = Reason("locked", "a lock is held by somebody else for too long")

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_BY_SQLSTATE: Final = {
    "25006": _READ_ONLY,
    "28000": _WRONG_ROLE,
    "28P01": _WRONG_PASSWORD,
    "3D000": _NO_DATABASE,
    "42501": Reason("access_denied", "the role lacks a privilege"),
    "53100": Reason("disk_full", "its disk is full"),
    "53200": Reason("out_of_memory", "it is out of memory"),
    "53300": _NO_CONNECTION_LEFT,
    "55006": _LOCKED,
    "55P03": _LOCKED,
    "57014": Reason("statement_timeout", "a statement takes too long"),
    "57P01": _SHUTTING_DOWN,
    "57P02": _SHUTTING_DOWN,
    "57P03": _STARTING_UP,
}

# An attempt to connect that fails has no SQLSTATE in libpq, only the server's or libpq's own words.
# The first that fits counts: `does not exist` is also said of certificate files.
_BY_WORDS: Final = tuple(
    (re.compile(words), reason)
    for words, reason in (
        ("password authentication failed", _WRONG_PASSWORD),
        (
            "no password supplied",
            Reason("access_denied", "it wants a password, and the URL has none"),
        ),
        (
            "no pg_hba.conf entry|pg_hba.conf rejects",
            Reason(
                "access_denied",
                "its pg_hba.conf does not let this role in from here, or not without TLS",
            ),
        ),
        (
            "root certificate file .* does not exist",
            Reason("tls_failed", "the file of its root certificate (sslrootcert) is missing"),
        ),
        (
            "certificate file .* does not exist|private key file .* does not exist",
            Reason("tls_failed", "the file of the client's certificate or key is missing"),
        ),
        (
            "certificate .* does not match host name",
            Reason("tls_failed", "its certificate is for another host name"),
        ),
        (
            "certificate verify failed",
            Reason("tls_failed", "its certificate is not signed by a trusted authority"),
        ),
        (
            "server does not support SSL|SSL is not enabled",
            Reason("tls_failed", "it does not offer TLS, which sslmode asks for"),
        ),
        ('role ".*" does not exist|role ".*" is not permitted', _WRONG_ROLE),
        ('database ".*" does not exist', _NO_DATABASE),
        ("SSL|certificate|channel binding", Reason("tls_failed", "it does not agree on TLS")),
        (
            "too many clients|connection slots are reserved|too many connections",
            _NO_CONNECTION_LEFT,
        ),
        (
            "unsupported startup parameter",
            Reason(
                "pgbouncer_not_configured",
                "it is a PgBouncer: set DATABASE_PGBOUNCER=true",
            ),
        ),
        ("session is read-only|server is in hot standby mode", _READ_ONLY),
        ("is shutting down|terminating connection", _SHUTTING_DOWN),
        ("is starting up|not yet accepting connections", _STARTING_UP),
        ("timeout expired", _NO_ANSWER),
        ("refused", Reason("refused", "it refuses connections")),
        ("resolve|translate host name", Reason("unreachable", "its host name is unknown")),
    )
)


def reason_of(error: psycopg.Error) -> Reason:
    """Why the server is of no use, after any error of the driver."""
    if isinstance(error, NoAnswerError | psycopg.errors.ConnectionTimeout):
        return _NO_ANSWER
    if isinstance(error, StandbyError):
        return _READ_ONLY
    if error.sqlstate:
        return _BY_SQLSTATE.get(error.sqlstate, _FAILED)
    text = str(error)
    for words, reason in _BY_WORDS:
        if words.search(text):
            return reason
    return _UNREACHABLE


def outage_reason(error: BaseException) -> str | None:
    """Why the database is unavailable, as a fixed word; None if the statement is at fault."""
    if _is_statement_too_large(error):
        return None
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return _POOL_EXHAUSTED.word
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        if isinstance(error.orig, psycopg.Error) and _is_outage(error.orig):
            return reason_of(error.orig).word
        return _UNREACHABLE.word if error.connection_invalidated else None
    if isinstance(error, psycopg.Error) and _is_outage(error):
        return reason_of(error).word
    return None


def refuses_writes(error: BaseException | None) -> bool:
    """Whether the server has refused a write, or a lock for one, as it is read-only."""
    return isinstance(error, psycopg.errors.ReadOnlySqlTransaction)


def _is_outage(error: psycopg.Error) -> bool:
    return isinstance(error, psycopg.OperationalError) or refuses_writes(error)


def _is_statement_too_large(error: BaseException) -> bool:
    """Whether a limit of PostgreSQL on statements is exceeded, such as the depth of its stack:
    psycopg has these errors among those of the server."""
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return isinstance(cause, psycopg.Error) and (cause.sqlstate or "").startswith("54")


def as_unavailable(error: Exception) -> Exception:
    """DatabaseUnavailable, counted and logged, if `error` is an outage; else `error` itself."""
    reason = outage_reason(error)
    if reason is None:
        return error
    metrics.count_database_failure(reason)
    _log.warning("database.unavailable", reason=reason)
    return DatabaseUnavailable()


@contextmanager
def raising_unavailable() -> Iterator[None]:
    """Raise DatabaseUnavailable for an outage inside the block; other errors pass."""
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, psycopg.Error) as error:
        failure = as_unavailable(error)
        if failure is error:
            raise
        raise failure from error
