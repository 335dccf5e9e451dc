"""The read model of a process, loaded once and then kept as new as the catalogue.

PostgreSQL tells for every request which state the catalogue is in (`versions`). A request that sees
a newer one than the model has waits until the awards that were changed since are read; a task in
the background does the same, so that a request seldom has to.
"""

import asyncio
import contextvars
import datetime as dt
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Annotated, Final, TypeVar

import structlog
from fastapi import Depends, Request

from scholarship_api.catalogue.read_model import statements
from scholarship_api.catalogue.read_model.change_log import Changed, ChangeLog
from scholarship_api.catalogue.read_model.model import Change, ReadModel
from scholarship_api.catalogue.read_model.position import Position
from scholarship_api.catalogue.read_model.records import parse
from scholarship_api.catalogue.read_model.snapshots import Snapshots
from scholarship_api.catalogue.versions import CatalogueVersions, Version, utc_now
from scholarship_api.errors import DatabaseUnavailable
from scholarship_api.platform.database.connection import deadline, seconds_left
from scholarship_api.platform.database.engine import REQUEST_SECONDS, Database
from scholarship_api.platform.database.errors import raising_unavailable
from scholarship_api.platform.database.libpq import Fetch, Row

POLL_SECONDS: Final = 0.5
"""How often an idle worker asks for the state of the catalogue. LISTEN would take a connection of
its own for each worker, would not work behind PgBouncer, and would make every commit that notifies
wait for the one before it."""

FAILURE_SECONDS: Final = 1.0
"""The pause after PostgreSQL could not be asked."""

ROWS_PER_TURN: Final = 100
"""Awards that are loaded, 15 us each, before other requests get their turn."""

CHANGES_PER_TURN: Final = 1_000
"""Changed awards that are applied, 20 us each, before other requests get their turn. They are not
answered from a model that has some of the changes: those that need it wait for the last one."""

READ_ATTEMPTS: Final = 6
"""How often a page is chosen anew because an award on it was changed meanwhile."""

REMEMBERED_STATES: Final = 64
"""States that the model has left behind. A request that still sees one of them was overtaken."""

_log = structlog.stdlib.get_logger(__name__)


_Result = TypeVar("_Result")
_Row = TypeVar("_Row")

Choose = Callable[[ReadModel], tuple[Sequence[int], _Result]]
"""The ordinals of the awards to read, and what else was found in the model."""

ReadRows = Callable[[Mapping[str, int]], Awaitable[Mapping[str, tuple[int, _Row]]]]
"""The published awards of some ids, each with the version of its row (see AwardRecord). The ids
come with the versions that are wanted."""


class CurrentModel:
    """One per process."""

    def __init__(
        self,
        database: Database,
        versions: CatalogueVersions,
        *,
        snapshots: Snapshots | None = None,
        unchecked: Collection[str] = (),
    ) -> None:
        """`snapshots` are shared with the other workers of the service; `unchecked` are the fields
        of awards that nobody is matched on."""
        self.unchecked = unchecked
        self._database = database
        self._versions = versions
        self._snapshots = snapshots
        self.changes = ChangeLog()
        """The changes of the model that `at` returns."""
        self._model: ReadModel | None = None
        self._position: Position | None = None
        self._is_whole = False
        """Not while changes are applied."""
        self._in_use = asyncio.Lock()
        """Held while the model changes, or is written to a snapshot."""
        self._reload_next = False
        self._left_states: OrderedDict[bytes, dt.datetime] = OrderedDict()
        """When the model left each of the states behind that it had last."""
        self._waiting: list[asyncio.Future[ReadModel]] = []
        self._updating: asyncio.Task[None] | None = None

    @property
    def fetch(self) -> Fetch:
        """For rows of awards that are asked for by their ids; from a read replica if there is one
        with all changes of the model."""
        return self._database.read

    @property
    def is_loaded(self) -> bool:
        return self._model is not None

    async def at(self, version: Version) -> ReadModel:
        """The model with every write that `version` has seen. It changes with the next `await`.

        Raises DatabaseUnavailable, also when the deadline of the request passes before.
        """
        if self._model is not None and self._is_whole and self._has(version):
            return self._model
        return await self.updated()

    async def read(
        self, version: Version, choose: Choose[_Result], read_rows: ReadRows[_Row]
    ) -> tuple[_Result, list[_Row]]:
        """Return what `choose` finds in the model, and the rows of the awards that it has chosen.

        The rows are those that the model was made from: where PostgreSQL has a newer one, or none
        any more, the model is brought up to date and asked again. Raises DatabaseUnavailable.
        """
        with deadline(REQUEST_SECONDS):
            model = await self.at(version)
            for attempt in range(READ_ATTEMPTS):
                ordinals, result = choose(model)
                wanted = {
                    model.ordinals.id_of(ordinal): model.row_versions[ordinal]
                    for ordinal in ordinals
                }
                rows = await read_rows(wanted) if wanted else {}
                if all(
                    award_id in rows and rows[award_id][0] == row_version
                    for award_id, row_version in wanted.items()
                ):
                    return result, [rows[award_id][1] for award_id in wanted]
                if attempt == 1:
                    # A change that the audit does not know, such as a table that was rewritten.
                    self._reload_next = True
                model = await self.updated()
        _log.error("read_model.rows_differ")
        raise DatabaseUnavailable

    async def newest(self) -> tuple[ReadModel, Version]:
        """The model with every write that was acknowledged before this call."""
        version = await self.version()
        return await self.at(version), version

    async def updated(self) -> ReadModel:
        """The model after an update that begins now.

        Raises DatabaseUnavailable, also when the deadline of the request passes before.
        """
        try:
            async with asyncio.timeout(seconds_left(REQUEST_SECONDS)):
                return await self._updated()
        except TimeoutError:
            raise DatabaseUnavailable from None

    async def version(self) -> Version:
        """The version of the catalogue after every write that was acknowledged before this call."""
        return await self._versions.current()

    async def run(self) -> None:
        """Keep the model as new as the catalogue, for as long as the task runs."""
        while True:
            try:
                await self.loaded()
                await self.newest()
                await self._write_snapshot()
            except DatabaseUnavailable:
                await asyncio.sleep(FAILURE_SECONDS)
            await asyncio.sleep(POLL_SECONDS)

    async def loaded(self) -> None:
        """Wait until the model is loaded, however long that takes. Raises DatabaseUnavailable."""
        if not self.is_loaded:
            await self._updated()

    async def close(self) -> None:
        if self._updating is not None:
            self._updating.cancel()
            await asyncio.gather(self._updating, return_exceptions=True)
        await self._versions.close()

    def _has(self, version: Version) -> bool:
        if self._position is not None and version.state == self._position.state:
            return True
        left_at = self._left_states.get(version.state)
        # A state that comes back later belongs to a database that was restored.
        return left_at is not None and version.at <= left_at

    def _updated(self) -> "asyncio.Future[ReadModel]":
        """The model after an update that begins from now on; requests share the next one."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ReadModel] = loop.create_future()
        self._waiting.append(future)
        if self._updating is None:
            # An empty context: the task must not inherit the deadline of the request.
            self._updating = loop.create_task(
                self._update_while_wanted(), name="read model", context=contextvars.Context()
            )
        return future

    async def _update_while_wanted(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                try:
                    model = await self._update()
                except Exception as error:  # noqa: BLE001 - for those who wait to raise
                    _fail(waiting, error)
                else:
                    for future in waiting:
                        if not future.done():
                            future.set_result(model)
        finally:
            self._updating = None
            _fail(self._waiting, DatabaseUnavailable())

    async def _update(self) -> ReadModel:
        async with self._in_use:
            model, position = self._model, self._position
            if model is None or position is None:
                return await self._load_first()
            if not self._is_whole or self._reload_next:
                self._reload_next = False
                return await self._load()
            return await self._advance(model, position)

    async def _advance(self, model: ReadModel, position: Position) -> ReadModel:
        """Apply what was changed since `position`, or load the model anew where that is not
        known."""
        with deadline(REQUEST_SECONDS):
            [(state, snapshot, history, resets), *changed] = await self._database.fetch(
                statements.CHANGES, {"snapshot": position.snapshot.decode()}
            )
        following = Position(state, snapshot, history)
        if resets != b"0" or not _is_continued(position, following):
            _log.info("read_model.history_changed")
            self._left_states.clear()
            return await self._load()
        if len(changed) > statements.MAX_CHANGES:
            return await self._load()
        if state != position.state:
            await self._require_of_replicas()
        self._is_whole = False
        await self._apply(model, changed)
        self._moved(model, following)
        return model

    async def _apply(self, model: ReadModel, changed: Sequence[Row]) -> None:
        if self._snapshots is not None:
            self._snapshots.count(len(changed))
        for start in range(0, len(changed), CHANGES_PER_TURN):
            if start:
                await asyncio.sleep(0)
            self.changes.add(_applied(model, changed[start : start + CHANGES_PER_TURN]))

    async def _load_first(self) -> ReadModel:
        """The snapshot of another worker, or else a model that is loaded for all of them."""
        if self._snapshots is None:
            return await self._load()
        if (found := await self._snapshots.read()) is not None:
            return await self._advance(*found)
        async with self._snapshots.turn():
            if (found := await self._snapshots.read()) is not None:
                return await self._advance(*found)
            model, position = await load(self._database)
            await self._require_of_replicas()
            await self._snapshots.write(model, position)
            self._moved(model, position)
            return model

    async def _require_of_replicas(self) -> None:
        """Have rows read from a replica only once it has what the model was made from.

        The model itself is read from the primary: it must have every write that a version has seen,
        and its changes are small.
        """
        if self._database.replicas is not None:
            with raising_unavailable():
                await self._database.replicas.observe_primary("read model")

    async def _load(self) -> ReadModel:
        model, position = await load(self._database)
        await self._require_of_replicas()
        self._moved(model, position)
        return model

    async def _write_snapshot(self) -> None:
        """Write a new snapshot for the next worker, if that is worth it."""
        if self._snapshots is None or not self._snapshots.is_outdated:
            return
        async with self._in_use:
            if self._model is not None and self._position is not None and self._is_whole:
                await self._snapshots.write(self._model, self._position)

    def _moved(self, model: ReadModel, position: Position) -> None:
        if self._position is not None and self._position.state != position.state:
            self._left_states[self._position.state] = utc_now()
            if len(self._left_states) > REMEMBERED_STATES:
                self._left_states.popitem(last=False)
        if model is not self._model:
            self.changes.add_unknown()
        model.unchecked = self.unchecked
        self._model, self._position = model, position
        self._is_whole = True


def _applied(model: ReadModel, rows: Sequence[Row]) -> Changed:
    """Apply the awards that CHANGES has found."""
    changes = [
        Change(award_id.decode(), None if record is None else parse(record))
        for award_id, record, _, _ in rows
    ]
    judged_anew = model.apply(changes)
    # After several steps an award may be what it was, but PostgreSQL may have answered in between.
    judged_anew |= model.ordinals.find_all(
        change.id
        for change, (_, _, is_reworded, steps) in zip(changes, rows, strict=True)
        if is_reworded == b"true" or steps != b"1"
    )
    return Changed(
        ids=frozenset(change.id for change in changes),
        judged_anew=judged_anew,
        ids_judged_anew=frozenset(
            change.id
            for change in changes
            if (ordinal := model.ordinals.find(change.id)) is None or ordinal in judged_anew
        ),
        reworded=any(is_reworded == b"true" for _, _, is_reworded, _ in rows),
    )


def _is_continued(position: Position, following: Position) -> bool:
    """Whether the transactions of `following` come after those of `position`. When fewer have begun
    than before, they are others."""
    return (
        following.history == position.history
        and following.next_transaction >= position.next_transaction
    )


def _fail(waiting: "list[asyncio.Future[ReadModel]]", error: Exception) -> None:
    for future in waiting:
        if not future.done():
            future.set_exception(error)
    waiting.clear()


async def _current_model(request: Request) -> CurrentModel:
    model: CurrentModel = request.app.state.read_model
    return model


Model = Annotated[CurrentModel, Depends(_current_model)]
"""For the parameters of a route."""


async def load(database: Database) -> tuple[ReadModel, Position]:
    """Read all published awards as one snapshot of PostgreSQL sees them.

    Others get their turn meanwhile. Raises DatabaseUnavailable.
    """
    model = ReadModel()
    async with (
        database.bulk_connection() as connection,
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        await cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await cursor.execute("SET LOCAL statement_timeout = '10min'")
        await cursor.execute(statements.STATE)
        row = await cursor.fetchone()
        assert row is not None  # noqa: S101 - an aggregate has one row
        position = Position(*(str(value).encode() for value in row))
        records = []
        async with cursor.copy(statements.ALL) as copy:
            async for line in copy:
                records.append(parse(_unescaped(bytes(line))))
                if len(records) == ROWS_PER_TURN:
                    model.add(records)
                    records.clear()
                    await asyncio.sleep(0)
        model.add(records)
    model.build_orders()
    return model, position


def _unescaped(line: bytes) -> bytes:
    """COPY doubles the backslashes, and JSON has no other character that it would write as two."""
    return line.rstrip(b"\n").replace(rb"\\", b"\\")
