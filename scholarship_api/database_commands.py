"""A connection and errors with exit codes, for all commands that work in the database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, NoReturn, TypeVar

import sqlalchemy.exc
import typer

from scholarship_api.command_errors import EXIT_CONFIG, EXIT_PROBLEM, EXIT_UNAVAILABLE
from scholarship_api.errors import ApiError, DatabaseUnavailable, ValidationFailed
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import WriteSession
from scholarship_api.platform.observability import logging
from scholarship_api.settings.settings import Settings, load_settings

UNDEFINED_TABLE: Final = "42P01"

T = TypeVar("T")


def in_transaction(work: Callable[[WriteSession], Awaitable[T]]) -> T:
    async def work_in_transaction(database: Database) -> T:
        async with database.write_session() as session:
            return await work(session)

    return with_database(work_in_transaction)


def with_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """The result of `work`. Failures end the program with a message and an exit code."""
    settings = load_settings()
    logging.configure(settings)
    if not settings.database_url.get_secret_value():
        fail("DATABASE_URL is not set", code=EXIT_CONFIG)

    async def run() -> T:
        async with _opened(settings) as database:
            return await work(database)

    try:
        return asyncio.run(run())
    except DatabaseUnavailable:
        fail("the database cannot be reached", code=EXIT_UNAVAILABLE)
    except ValidationFailed as error:
        fail(*(f"{field['field']}: {field['message']}" for field in error.fields))
    except ApiError as error:
        fail(error.message)
    except sqlalchemy.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != UNDEFINED_TABLE:
            raise
        fail("the schema is not up to date; run: scholarship-api migrate")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    try:
        yield database
    finally:
        await database.close()


def fail(*messages: str, code: int = EXIT_PROBLEM) -> NoReturn:
    for message in messages:
        typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(code)
