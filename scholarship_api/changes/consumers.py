"""Hands the events of the outbox to the parts of the service that act on them, each once."""

from typing import NamedTuple

from scholarship_api.changes import queries
from scholarship_api.platform.database.sessions import WriteSession


class Span(NamedTuple):
    """The events after one position, up to another."""

    after: int
    until: int


async def take(session: WriteSession, *, consumer: str, limit: int) -> Span | None:
    """The next events of a consumer. It acts on them in the same transaction, or takes them again.

    None: there are none, or another process has them.
    """
    after = await queries.lock_consumer(session, consumer)
    if after is None:
        return None
    until = await queries.position_after(session, after=after, limit=limit)
    if until is None:
        return None
    await queries.move_consumer(session, consumer, until)
    return Span(after, until)
