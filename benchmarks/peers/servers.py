"""The peers as running servers over a catalogue; indexes are kept between runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.catalogues import CACHE, Catalogue, generator_hash
from benchmarks.goals import NotMeasuredError
from benchmarks.peers import awards as rows
from benchmarks.peers import groonga as groonga_server
from benchmarks.peers import sqlalchemy_app
from benchmarks.progress import STDERR
from benchmarks.servers import Server, uvicorn

SQLALCHEMY: Final = "benchmarks.peers.sqlalchemy_app:app"
TANTIVY: Final = "benchmarks.peers.tantivy_app:app"


def _folder(name: str, awards: Catalogue) -> Path:
    return CACHE / "peers" / f"{name}-{awards.rows}-{generator_hash()}"


@contextmanager
def sqlalchemy(awards: Catalogue, *, workers: int) -> Iterator[Server]:
    """FastAPI, SQLAlchemy and ts_rank_cd on the PostgreSQL of the catalogue."""
    STDERR.print("Peer: FastAPI, SQLAlchemy, ts_rank_cd")
    sqlalchemy_app.prepare(awards.conninfo)
    with uvicorn(SQLALCHEMY, workers=workers, settings={"DATABASE_URL": awards.url}) as server:
        yield server


@contextmanager
def tantivy(awards: Catalogue, *, workers: int) -> Iterator[Server]:
    """tantivy in a Starlette application."""
    try:
        from benchmarks.peers import tantivy_app  # noqa: PLC0415 - a package of a group
    except ModuleNotFoundError as error:
        raise NotMeasuredError(f"no package {error.name}: run it with `make bench`") from None
    STDERR.print("Peer: Starlette, tantivy")
    folder = _folder("tantivy", awards)
    tantivy_app.build(folder, rows.read(awards.conninfo))
    with uvicorn(TANTIVY, workers=workers, settings={"TANTIVY_INDEX": str(folder)}) as server:
        yield server


@contextmanager
def groonga(awards: Catalogue) -> Iterator[Server]:
    """Groonga's HTTP server. Raises NotMeasuredError when it is not installed."""
    groonga_server.require()
    STDERR.print("Peer: Groonga")
    database = groonga_server.build(_folder("groonga", awards), rows.read(awards.conninfo))
    with groonga_server.server(database) as server:
        yield server
