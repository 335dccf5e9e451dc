"""The feed of changes, for programs that keep a copy of the catalogue."""

from scholarship_api.changes import queries, schemas, sequencer
from scholarship_api.changes.cursors import CursorCodec
from scholarship_api.changes.events import FEED_ACTIONS, Event
from scholarship_api.errors import Conflict
from scholarship_api.platform.database.sessions import WriteSession


async def page(
    session: WriteSession, codec: CursorCodec, query: schemas.ChangesRequest
) -> schemas.Changes:
    """The changes after a cursor, in order and without a gap.

    Extends the outbox first, so that the feed needs no worker. Raises ValidationFailed for a forged
    cursor, and Conflict for one whose changes are no longer kept.
    """
    pending = await sequencer.advance(session)
    if query.from_now:
        while await sequencer.advance(session):
            pass
        position = await queries.last_position(session)
        return schemas.Changes(items=[], next_cursor=codec.encode(position), has_more=False)
    purged = await queries.purged_position(session)
    after = purged if query.cursor is None else codec.decode(query.cursor)
    if after < purged:
        raise Conflict(
            "The changes after this cursor are no longer kept: copy the catalogue again, and start"
            " with from_now=true."
        )
    rows = await queries.feed(session, after=after, limit=query.limit + 1)
    shown = rows[: query.limit]
    return schemas.Changes(
        items=[
            schemas.Change(
                action=FEED_ACTIONS[Event(row.event)],
                scholarship_id=row.scholarship_id,
                version=row.version,
                changed_at=row.occurred_at,
                fields=row.data.get("fields"),
            )
            for row in shown
        ],
        next_cursor=codec.encode(shown[-1].position if shown else after),
        has_more=pending or len(rows) > len(shown),
    )
