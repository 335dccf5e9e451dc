"""Schema migrations, safe when replicas race and bounded so that they never stall a live service.

Rules: expand, deploy, contract later; indexes on a filled table are built concurrently. Old
replicas keep working on the new schema.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import alembic.command
import alembic.config
import psycopg
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, text

from scholarship_api.platform.database import revisions
from scholarship_api.platform.database.advisory_locks import AdvisoryLock
from scholarship_api.platform.database.connection_settings import connection_arguments

LIBRARY_TABLES: Final = "procrastinate_"
"""Tables whose names begin so belong to the library of the job queue, and have no models."""


class MigrationTimeoutError(Exception):
    """Another replica has held the migration lock for too long."""


def has_model(name: str | None, kind: str, _: Any) -> bool:  # noqa: ANN401 - Alembic's hook
    """Whether Alembic compares an object of the database with the models."""
    return kind != "table" or not (name or "").startswith(LIBRARY_TABLES)


def upgrade(
    database_url: str, *, revision: str = "head", wait_seconds: float = 300
) -> tuple[str, ...]:
    """Bring the schema to `revision`, and return the revisions that are now applied.

    When replicas race, one migrates and the others wait. Raises MigrationTimeoutError after
    `wait_seconds`.
    """
    with locked_connection(database_url, wait_seconds) as connection:
        alembic.command.upgrade(_config(connection), revision)
        return current_revisions(connection)


def downgrade(database_url: str, *, revision: str, wait_seconds: float = 300) -> tuple[str, ...]:
    """Take the schema back to `revision` (`base` is the empty database)."""
    with locked_connection(database_url, wait_seconds) as connection:
        alembic.command.downgrade(_config(connection), revision)
        return current_revisions(connection)


def current_revisions(connection: Connection) -> tuple[str, ...]:
    """The revisions that are applied; none on a database without our schema."""
    return tuple(MigrationContext.configure(connection).get_current_heads())


def _config(connection: Connection) -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(revisions.LOCATION).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


@contextmanager
def locked_connection(database_url: str, wait_seconds: float) -> Iterator[Connection]:
    """A connection to migrate on, while no other replica does. Raises MigrationTimeoutError."""
    arguments = connection_arguments(database_url, application_name="scholarship-api migrate")
    engine = create_engine(
        "postgresql+psycopg://", poolclass=NullPool, creator=partial(psycopg.connect, **arguments)
    )
    # The lock is polled in autocommit: a session that waits for it in one statement holds a
    # snapshot, and CREATE INDEX CONCURRENTLY in the winner would wait for that one for ever.
    autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as guard:
        deadline = time.monotonic() + wait_seconds
        while not guard.scalar(text(AdvisoryLock.SCHEMA_MIGRATION.try_for_session)):
            if time.monotonic() > deadline:
                raise MigrationTimeoutError(
                    f"another replica has been migrating for {wait_seconds:.0f} s; see its log"
                )
            time.sleep(0.2)
        with engine.connect() as connection:
            connection.execute(text("SET lock_timeout = '5s'"))
            connection.execute(text("SET statement_timeout = '15min'"))
            connection.commit()
            yield connection
