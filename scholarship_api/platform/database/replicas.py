"""Read replicas: standbys that answer reads once they have replayed all that this process has seen.

The primary tells for each request which state the data are in. Where that state is new to the
process, the position of the primary's log at that moment is required from then on: a standby that
has replayed the log up to there has every write that the request must see. The position is asked
on the very connection that runs the statement, so that it does not matter to which standby an
address leads. A standby that is behind is waited for at most WAIT_SECONDS; then the primary reads.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, LiteralString

import psycopg
import sqlalchemy.exc
import structlog

from scholarship_api.platform.database.connection import deadline, seconds_left
from scholarship_api.platform.database.connector import Connector
from scholarship_api.platform.database.errors import outage_reason
from scholarship_api.platform.database.libpq import Row, numbered, values
from scholarship_api.platform.database.statement_pool import (
    BehindError,
    Lease,
    PendingQuery,
    StatementPool,
)
from scholarship_api.platform.observability import metrics

WAIT_SECONDS: Final = 0.05
"""How long a read waits for a standby that is behind, before the primary reads."""

AVOID_SECONDS: Final = 0.25
"""How long a standby that was behind is not waited for again, unless a check finds it up to date:
otherwise every read would wait while a standby replays late."""

READ_SECONDS: Final = 2.5
"""For one read on a standby. The rest of the request's time is for the primary."""

CHECK_SECONDS: Final = 1.0
"""The pause between two checks of a standby, and the deadline of each."""

LEASE_SECONDS: Final = 280.0
"""How long a connection is kept, as those to the primary are."""

SAMPLES: Final = 4096
"""Positions of the primary that are remembered, one a second, to tell the lag of a standby."""

POSITION: Final[LiteralString] = "SELECT (pg_current_wal_insert_lsn() - '0/0')::text"
"""The position of the primary's log in bytes: everything that is visible now is before it."""

_CHECK: Final = """
    SELECT pg_is_in_recovery(),
           (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                 ELSE pg_current_wal_insert_lsn() END - '0/0')::text
"""

Source = Literal["version", "read model"]
"""Who has seen a position; each sees them in their order."""

_log = structlog.stdlib.get_logger(__name__)


class Replica:
    """One standby. `state` is a word for metrics and probes: `up`, or why it is left out."""

    def __init__(
        self, name: str, arguments: Mapping[str, Any], *, size: int, through_pooler: bool
    ) -> None:
        self.name = name
        self.state = "unchecked"
        self.lag_seconds = 0.0
        self._connector = Connector(arguments, accepts_standby=True)
        self._size = size
        self._through_pooler = through_pooler
        self._pool = self._new_pool()
        self._checks = StatementPool(
            1,
            acquire=self._open,
            max_lease_seconds=LEASE_SECONDS,
            idle_lease_seconds=LEASE_SECONDS,
            retry=True,
        )
        self._behind_until = 0.0

    @property
    def is_up(self) -> bool:
        return self.state == "up"

    @property
    def is_usable(self) -> bool:
        return self.is_up and time.monotonic() >= self._behind_until

    async def fetch(
        self, statement: bytes, parameters: list[bytes | None], *, position: int
    ) -> list[Row]:
        """Raises BehindError, psycopg.Error, or sqlalchemy.exc.TimeoutError for a busy pool."""
        with deadline(READ_SECONDS):
            query = PendingQuery(
                statement,
                parameters,
                seconds=seconds_left(),
                position=position,
                wait_seconds=WAIT_SECONDS,
            )
            self._pool.submit(query)
        try:
            return await query.result
        except BehindError:
            self._behind_until = time.monotonic() + AVOID_SECONDS
            raise

    async def check(self, required: int) -> int:
        """The position that it has replayed. Raises psycopg.Error."""
        with deadline(CHECK_SECONDS):
            [(_, replayed)] = await self._checks.fetch(_CHECK, {})
        if int(replayed) >= required:
            self._behind_until = 0.0
        return int(replayed)

    async def found(self, state: str) -> None:
        """Change the state; when it is left out, statements in flight end at once."""
        if state == self.state:
            return
        log = _log.info if state == "up" else _log.warning
        log("read_replica.changed", replica=self.name, state=state)
        before, self.state = self.state, state
        if before == "up":
            pool, self._pool = self._pool, self._new_pool()
            await pool.close()

    async def close(self) -> None:
        await self._pool.close()
        await self._checks.close()

    def _new_pool(self) -> StatementPool:
        return StatementPool(
            self._size,
            acquire=self._open,
            max_lease_seconds=LEASE_SECONDS,
            idle_lease_seconds=LEASE_SECONDS,
            prepare=not self._through_pooler,
            # Behind a pooler, a standby can restart without the connection's notice.
            remembers_position=not self._through_pooler,
        )

    async def _open(self) -> Lease:
        connection = await self._connector.open()
        connection.switch_autocommit(on=True)
        return Lease(connection, connection.close)


class Replicas:
    """All standbys of one process. `ask_primary` runs a statement on the primary, for probes."""

    def __init__(
        self,
        arguments: Sequence[Mapping[str, Any]],
        *,
        size: int,
        max_lag_seconds: float,
        through_pooler: bool,
        ask_primary: Callable[[str], Awaitable[list[Row]]],
    ) -> None:
        self.all = [
            Replica(str(number), each, size=size, through_pooler=through_pooler)
            for number, each in enumerate(arguments, start=1)
        ]
        for replica in self.all:
            metrics.set_replica_lag(replica.name, 0.0)
        self._max_lag_seconds = max_lag_seconds
        self._ask_primary = ask_primary
        self._required: dict[Source, int] = {}
        self._primary_positions: deque[tuple[float, int]] = deque(maxlen=SAMPLES)
        self._turns = itertools.count()

    @property
    def required(self) -> int:
        """The position that a standby must have replayed to answer reads of this process."""
        return max(self._required.values(), default=0)

    def require(self, source: Source, position: int) -> None:
        """The source has seen the primary at this position.

        A smaller one than before belongs to another history, after a failover or a restore.
        """
        self._required[source] = position

    async def observe_primary(self, source: Source) -> None:
        """Require all that the primary has written until now. Raises psycopg.Error."""
        [(position,)] = await self._ask_primary(POSITION)
        self.require(source, int(position))

    async def fetch(self, statement: str, parameters: Mapping[str, object]) -> list[Row] | None:
        """The rows from a standby that is as new as required; None if the primary must read.

        Raises what `libpq.values` raises.
        """
        usable = [replica for replica in self.all if replica.is_usable]
        if not usable:
            return None
        replica = usable[next(self._turns) % len(usable)]
        numbered_statement, names = numbered(statement)
        texts = values(names, parameters)
        try:
            found = await replica.fetch(numbered_statement, texts, position=self.required)
        except BehindError:
            metrics.count_read("behind")
        except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError):
            # Whether the statement or the standby is at fault, the primary will tell.
            metrics.count_read("failed")
        else:
            metrics.count_read("replica")
            return found
        return None

    async def run(self) -> None:
        """Check every standby once a second, for as long as the task runs."""
        while True:
            await self.check()
            await asyncio.sleep(CHECK_SECONDS)

    async def check(self) -> None:
        with suppress(psycopg.Error, sqlalchemy.exc.SQLAlchemyError):
            [(position,)] = await self._ask_primary(POSITION)
            self._primary_positions.append((time.monotonic(), int(position)))
        await asyncio.gather(*(self._check(replica) for replica in self.all))
        metrics.set_replicas(
            available=sum(replica.is_up for replica in self.all), configured=len(self.all)
        )

    async def close(self) -> None:
        for replica in self.all:
            await replica.close()

    async def _check(self, replica: Replica) -> None:
        try:
            replayed = await replica.check(self.required)
        except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as error:
            state = outage_reason(error) or "failed"
        else:
            replica.lag_seconds = self._lag_of(replayed)
            metrics.set_replica_lag(replica.name, replica.lag_seconds)
            state = "up" if replica.lag_seconds <= self._max_lag_seconds else "lagging"
        await replica.found(state)

    def _lag_of(self, replayed: int) -> float:
        """Seconds since the primary was at a position that the standby has not reached."""
        for sampled_at, position in self._primary_positions:
            if position > replayed:
                return time.monotonic() - sampled_at
        return 0.0
