"""A worker that starts takes the model that another one has left, or loads it."""

import asyncio
import os
import pickle
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given

from scholarship_api.catalogue.read_model import current, snapshots
from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.read_model.model import ReadModel
from scholarship_api.catalogue.read_model.position import Position
from scholarship_api.catalogue.read_model.records import AwardRecord
from scholarship_api.catalogue.read_model.snapshots import FILE_NAME, Snapshots
from scholarship_api.catalogue.versions import CatalogueVersions
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.shared_folder import SharedFolder
from tests.catalogue.read_model.tables import EXTENDED, NOW, catalogues, examples
from tests.catalogue.read_model.test_current import (
    Connection,
    assert_newest,
    conninfo,
    database,
    put,
    writer,
)
from tests.catalogue.read_model.test_model import contents, model_of

__all__ = ["conninfo", "database", "writer"]  # fixtures

pytestmark = pytest.mark.anyio

POSITION = Position(b"17", b"5:9:6,7", b"a history")


@pytest.fixture
def folder() -> Iterator[Path]:
    shared = SharedFolder.make("scholarship-api-test-")
    assert shared is not None
    yield shared.path
    shared.remove()


def extended() -> ReadModel:
    return ReadModel(criteria=EXTENDED)


@pytest.mark.slow
@examples
@given(catalogues())
def test_a_snapshot_holds_all_of_a_model(awards: list[AwardRecord]) -> None:
    shared = SharedFolder.make("scholarship-api-test-")
    assert shared is not None
    model = model_of(awards)
    model.open(NOW)

    async def copy() -> None:
        ours = Snapshots(shared.path, make_model=extended)
        await ours.write(model, POSITION)
        found = await Snapshots(shared.path, make_model=extended).read()
        assert found is not None
        assert found[1] == POSITION
        assert contents(found[0], NOW) == contents(model, NOW)

    asyncio.run(copy())
    shared.remove()


def test_a_snapshot_is_for_its_user_alone(folder: Path) -> None:
    asyncio.run(Snapshots(folder).write(ReadModel(), POSITION))
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    content[8:12] = b"\xff\xff\xff\xff"
    path.write_bytes(content)


def _link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


class _Intruder:
    """Its pickle would make a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self._path),)


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _garble,
        _link,
        lambda path: path.write_bytes(b""),
        lambda path: path.chmod(0o620),
        lambda path: path.parent.chmod(0o770),
    ],
)
async def test_a_snapshot_that_cannot_be_trusted_is_not_read(
    damage: Callable[[Path], None], folder: Path
) -> None:
    ours = Snapshots(folder)
    await ours.write(model_of([]), POSITION)
    damage(folder / FILE_NAME)
    assert await ours.read() is None


async def test_a_snapshot_makes_no_objects_of_other_classes(folder: Path) -> None:
    intruder = _Intruder(folder / "made")
    model = ReadModel()
    model.by_attribute = intruder  # type: ignore[assignment]
    await Snapshots(folder).write(model, POSITION)
    assert await Snapshots(folder).read() is None
    assert not (folder / "made").exists()
    pickle.loads(pickle.dumps(intruder))  # noqa: S301 - what would have happened
    assert (folder / "made").exists()


async def test_the_snapshot_of_another_release_is_not_read(folder: Path) -> None:
    await Snapshots(folder, code=b"release 1").write(ReadModel(), POSITION)
    assert await Snapshots(folder, code=b"release 2").read() is None
    assert await Snapshots(folder, code=b"release 1").read() is not None


def test_without_room_there_is_no_snapshot(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Snapshots(folder)
    asyncio.run(ours.write(ReadModel(), POSITION))
    monkeypatch.setattr(snapshots, "MAX_BYTES", 1_000)
    asyncio.run(ours.write(ReadModel(), POSITION))
    assert asyncio.run(ours.read()) is None
    assert [path.name for path in folder.iterdir()] == [f"{FILE_NAME}.lock"]


# --- With a database -----------------------------------------------------------------------------


@pytest.fixture
async def worker(database: Database, folder: Path) -> AsyncIterator[Callable[[], CurrentModel]]:
    """Makes the model of one more worker of the service."""
    workers = []

    def make() -> CurrentModel:
        workers.append(
            CurrentModel(database, CatalogueVersions(database), snapshots=Snapshots(folder))
        )
        return workers[-1]

    yield make
    for each in workers:
        await each.close()


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each model that is loaded from PostgreSQL."""
    counted: list[str] = []

    async def load(database: Database) -> tuple[ReadModel, Position]:
        counted.append("loaded")
        return await original(database)

    original = current.load
    monkeypatch.setattr(current, "load", load)
    return counted


async def test_the_next_worker_goes_on_from_the_snapshot(
    worker: Callable[[], CurrentModel], database: Database, writer: Connection, loads: list[str]
) -> None:
    await worker().loaded()
    put(writer, "award-03", amount=77)
    put(writer, "new", states=["CA"])
    writer.execute("DELETE FROM scholarships WHERE id = 'award-05'")
    following = worker()
    await following.loaded()
    assert len(loads) == 1
    model, _ = await following.newest()
    reference = await assert_newest(following, database)
    assert contents(model, NOW) == contents(reference, NOW)
    assert len(model) == 20


async def test_workers_that_start_together_load_the_model_once(
    worker: Callable[[], CurrentModel], writer: Connection, loads: list[str]
) -> None:
    workers = [worker() for _ in range(4)]
    await asyncio.gather(*(each.loaded() for each in workers))
    assert len(loads) == 1
    assert {len((await each.newest())[0]) for each in workers} == {20}


async def test_a_snapshot_of_another_history_is_not_used(
    worker: Callable[[], CurrentModel], folder: Path, writer: Connection, loads: list[str]
) -> None:
    first = worker()
    await first.loaded()
    model, _ = await first.newest()
    await Snapshots(folder).write(model, POSITION)
    model, _ = await worker().newest()
    assert len(loads) == 2
    assert len(model) == 20


async def test_many_changes_are_followed_by_a_new_snapshot(
    worker: Callable[[], CurrentModel],
    folder: Path,
    writer: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshots, "REFRESH_AFTER_CHANGES", 5)
    monkeypatch.setattr(snapshots, "REFRESH_SECONDS", 0)
    monkeypatch.setattr(snapshots, "REFRESH_COST", 0)
    monkeypatch.setattr(current, "POLL_SECONDS", 0.01)
    first = worker()
    await first.loaded()
    written = await Snapshots(folder).read()
    assert written is not None
    task = asyncio.ensure_future(first.run())
    writer.execute("UPDATE scholarships SET amount_max = 9000 WHERE id < 'award-10'")
    found = written
    async with asyncio.timeout(30):
        while found[1] == written[1]:
            await asyncio.sleep(0.01)
            found = await Snapshots(folder).read() or found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert contents(found[0], NOW) == contents((await first.newest())[0], NOW)
