"""Every failure of PostgreSQL has a fixed reason, which says what an operator has to look at."""

import psycopg
import pytest
import sqlalchemy.exc
from sqlalchemy import make_url

from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import NoAnswerError
from scholarship_api.platform.database.errors import (
    as_unavailable,
    outage_reason,
    raising_unavailable,
    reason_of,
)


def raised(database_url: str, sqlstate: str) -> psycopg.Error:
    """The driver's error for a code, raised by the server itself."""
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{sqlstate}'; END $$"
    with (
        psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection,
        pytest.raises(psycopg.Error) as error,
    ):
        connection.execute(statement.encode())
    return error.value


@pytest.mark.parametrize(
    ("sqlstate", "word"),
    [
        ("28P01", "access_denied"),
        ("53100", "disk_full"),
        ("53200", "out_of_memory"),
        ("53300", "too_many_connections"),
        ("53400", "failed"),
        ("55P03", "locked"),
        ("57014", "statement_timeout"),
        ("57P01", "shutting_down"),
        ("57P03", "starting_up"),
        ("58030", "failed"),
    ],
)
def test_an_outage_has_the_reason_of_its_code(database_url: str, sqlstate: str, word: str) -> None:
    error = raised(database_url, sqlstate)
    assert outage_reason(error) == word
    assert outage_reason(sqlalchemy.exc.OperationalError("", {}, error)) == word


@pytest.mark.parametrize("sqlstate", ["22003", "23505", "42P01", "42501", "54001", "54023"])
def test_an_error_of_the_statement_is_no_outage(database_url: str, sqlstate: str) -> None:
    error = raised(database_url, sqlstate)
    assert outage_reason(error) is None
    assert as_unavailable(error) is error
    with pytest.raises(type(error)), raising_unavailable():
        raise error


@pytest.mark.parametrize(
    ("text", "word", "sentence"),
    [
        (
            'FATAL:  password authentication failed for user "app"',
            "access_denied",
            "it refuses the password",
        ),
        (
            "fe_sendauth: no password supplied",
            "access_denied",
            "it wants a password, and the URL has none",
        ),
        (
            (
                'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "app", database "db",'
                " no encryption"
            ),
            "access_denied",
            "its pg_hba.conf does not let this role in from here, or not without TLS",
        ),
        ('FATAL:  role "SSL" does not exist', "access_denied", "it refuses the role"),
        ('FATAL:  database "app" does not exist', "access_denied", "the database does not exist"),
        (
            "FATAL:  sorry, too many clients already",
            "too_many_connections",
            "it has no connection left",
        ),
        (
            (
                "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER"
                " attribute"
            ),
            "too_many_connections",
            "it has no connection left",
        ),
        ("FATAL:  the database system is starting up", "starting_up", "it is starting up"),
        ("FATAL:  the database system is shutting down", "shutting_down", "it is shutting down"),
        (
            (
                'root certificate file "/etc/ca.crt" does not exist\nEither provide the file, use'
                " the system's trusted roots with sslrootcert=system, or change sslmode"
            ),
            "tls_failed",
            "the file of its root certificate (sslrootcert) is missing",
        ),
        (
            'server certificate for "db" does not match host name "127.0.0.1"',
            "tls_failed",
            "its certificate is for another host name",
        ),
        (
            "SSL error: certificate verify failed",
            "tls_failed",
            "its certificate is not signed by a trusted authority",
        ),
        (
            "server does not support SSL, but SSL was required",
            "tls_failed",
            "it does not offer TLS, which sslmode asks for",
        ),
        ("SSL error: unsupported protocol", "tls_failed", "it does not agree on TLS"),
        (
            "FATAL:  unsupported startup parameter: options",
            "pgbouncer_not_configured",
            "it is a PgBouncer: set DATABASE_PGBOUNCER=true",
        ),
        (
            "[Errno -2] could not resolve host 'db.internal'",
            "unreachable",
            "its host name is unknown",
        ),
        (
            'connection to server at "127.0.0.1", port 1 failed: Connection refused',
            "refused",
            "it refuses connections",
        ),
        ("something in another language", "unreachable", "it cannot be used"),
    ],
)
def test_a_failed_connection_has_the_reason_of_its_words(
    text: str, word: str, sentence: str
) -> None:
    error = psycopg.OperationalError(f"connection failed: {text}")
    assert (outage_reason(error), reason_of(error).sentence) == (word, sentence)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"database": "no_such_database"}, "the database does not exist"),
        ({"username": "no_such_role"}, "it refuses the role"),
    ],
)
def test_the_words_are_those_of_a_real_server(
    database_url: str, change: dict[str, str], sentence: str
) -> None:
    url = make_url(database_url).set(drivername="postgresql", **change)  # type: ignore[arg-type]
    with pytest.raises(psycopg.OperationalError) as error:
        psycopg.connect(url.render_as_string(hide_password=False))
    assert reason_of(error.value).sentence == sentence


def test_waiting_in_vain_is_an_outage_too() -> None:
    assert outage_reason(NoAnswerError("planted")) == "timeout"
    assert outage_reason(psycopg.errors.ConnectionTimeout("planted")) == "timeout"
    assert outage_reason(sqlalchemy.exc.TimeoutError("planted")) == "pool_exhausted"


def test_a_connection_that_was_lost_is_an_outage() -> None:
    lost = sqlalchemy.exc.DBAPIError("", {}, Exception(), connection_invalidated=True)
    assert outage_reason(lost) == "unreachable"
    assert outage_reason(KeyError("planted")) is None


def test_an_outage_is_raised_as_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable), raising_unavailable():
        raise NoAnswerError("planted")
