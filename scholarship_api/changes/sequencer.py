"""Extends the outbox: turns changes of awards, and deadlines that pass, into events in one order.

A change has its row in `scholarship_changes` from the transaction that made it. Ids of rows are
given out before their transactions commit, so a reader that goes by ids alone would skip a row
whose transaction commits late. The sequencer therefore compares snapshots: the next rows are those
that a new snapshot sees and the last one did not. They get their positions in the order of their
ids. Changes of one award are in the order of its versions, because a writer holds the award's lock
until it commits: a snapshot that sees a version sees those before it, and ids rise with versions.

Only the holder of the lock on the state extends the outbox, so positions become visible in order.

A database that was restored on another server starts anew with low transaction ids. Then the ids of
rows decide once, up to which the outbox had come.
"""

import datetime as dt
from typing import Final

from scholarship_api.changes import queries
from scholarship_api.changes.events import Event
from scholarship_api.platform.database.sessions import WriteSession

BATCH_CHANGES: Final = 2_000
"""Changes of one transaction: 0.2 s, so that nobody waits long for the lock on the state."""

CLOSING_SOON: Final = dt.timedelta(days=7)
"""How long before its deadline an award is said to close soon."""

_EMPTY_SNAPSHOT: Final = "1:1:"
"""Sees no transaction."""


async def advance(session: WriteSession) -> bool:
    """Add the events of the next BATCH_CHANGES changes. Returns whether there are more."""
    if not await queries.has_fresh_changes(session):
        return False
    state = await queries.lock_state(session)
    if state.batch_snapshot is None:
        # A statement of its own: its snapshot is older than that of the statement below, which
        # therefore sees all of its changes.
        present = await queries.current_snapshot(session, seen=state.sequenced_snapshot)
        if present.is_older:
            state.floor_id = state.sequenced_id
            state.sequenced_snapshot = _EMPTY_SNAPSHOT
        state.batch_snapshot = present.text
        state.batch_id = state.floor_id
    done = await queries.sequence(
        session,
        seen=state.sequenced_snapshot,
        now=state.batch_snapshot,
        after=state.batch_id,
        soon_until=state.soon_until,
        limit=BATCH_CHANGES,
    )
    if done.last_id is not None:
        state.batch_id = done.last_id
        state.sequenced_id = max(state.sequenced_id, done.last_id)
    if done.changes == BATCH_CHANGES:
        return True
    state.sequenced_snapshot = state.batch_snapshot
    state.batch_snapshot = None
    return False


async def pass_deadlines(session: WriteSession, *, now: dt.datetime) -> None:
    """Add the events of awards that have closed, or are about to, since the last call."""
    state = await queries.lock_state(session)
    if now > state.closed_until:
        await queries.add_deadlines(
            session, event=Event.CLOSED, after=state.closed_until, until=now
        )
        state.closed_until = now
    soon = now + CLOSING_SOON
    if soon > state.soon_until:
        # An award that has closed by now, because no worker ran, does not close soon any more.
        await queries.add_deadlines(
            session,
            event=Event.CLOSING_SOON,
            after=max(state.soon_until, now),
            until=soon,
            lead=CLOSING_SOON,
        )
        state.soon_until = soon
