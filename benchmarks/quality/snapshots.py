"""A snapshot of a catalogue, for measurements that search without the HTTP layer."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pydantic import SecretStr

from scholarship_api.catalogue.read_model.current import CurrentModel
from scholarship_api.catalogue.versions import CatalogueVersions
from scholarship_api.platform.database.engine import Database
from scholarship_api.search.snapshot import CatalogueVersion, Snapshot
from scholarship_api.settings.settings import Settings

TODAY: Final = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
"""The date of the searches. No result depends on it, because closed awards are included."""


@asynccontextmanager
async def open_snapshot(database_url: str) -> AsyncIterator[Snapshot]:
    settings = Settings(environment="test", database_url=SecretStr(database_url))
    database = Database(settings)
    try:
        current = CurrentModel(database, CatalogueVersions(database))
        await current.loaded()
        catalogue = CatalogueVersion(current, await current.version())
        yield Snapshot(database.fetch, TODAY, catalogue=catalogue)
    finally:
        await database.close()
