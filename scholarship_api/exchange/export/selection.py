"""Which awards an export holds, as conditions of the statements that read them."""

import asyncio
import zlib
from collections.abc import Iterator
from typing import Final, Self

from psycopg.sql import SQL, Composable, Literal

from scholarship_api.catalogue.bulk.exporter import of_status
from scholarship_api.errors import ValidationFailed
from scholarship_api.exchange.export import workbook
from scholarship_api.exchange.export.formats import ExportFormat
from scholarship_api.exchange.export.schemas import ExportQuery
from scholarship_api.search import service as search
from scholarship_api.search.cursors import CursorCodec
from scholarship_api.search.service import Selected
from scholarship_api.search.snapshot import Snapshot
from scholarship_api.vocabulary import Status

IDS_AT_ONCE: Final = 500
"""Awards that one statement reads by their ids: about 1 MB."""

_SEPARATOR: Final = "\n"


class ByStatus:
    """All awards, or those of one status."""

    def __init__(self, status: Status | None = None) -> None:
        self._status = status

    def conditions(self) -> Iterator[Composable]:
        yield of_status(self._status)


class ByIds:
    """The published awards of some ids, which may also have to have words.

    The ids are held compressed: those of a million awards take about 5 MB.
    """

    def __init__(self, tsquery: str | None = None) -> None:
        self._tsquery = tsquery
        self._blocks: list[bytes] = []

    @classmethod
    async def of(cls, snapshot: Snapshot, selected: Selected) -> Self:
        """The ids of what a search has selected, without holding up other requests."""
        text = selected.text
        by_ids = cls(None if text is None else text.match)
        ordinals = list(selected.awards)
        for start in range(0, len(ordinals), IDS_AT_ONCE):
            # The model may change between blocks: an award that has left it has no id any more.
            model = await snapshot.model()
            block = [each for each in ordinals[start : start + IDS_AT_ONCE] if each in model.all()]
            by_ids.add([model.ordinals.id_of(each) for each in block])
            await asyncio.sleep(0)
        return by_ids

    def add(self, ids: list[str]) -> None:
        if ids:
            self._blocks.append(zlib.compress(_SEPARATOR.join(ids).encode(), 1))

    def conditions(self) -> Iterator[Composable]:
        words: Composable = SQL("")
        if self._tsquery is not None:
            # IS TRUE keeps the index of words out: the awards are named.
            words = SQL(" AND (search_vector @@ {}::tsquery) IS TRUE").format(
                Literal(self._tsquery)
            )
        for block in self._blocks:
            ids = zlib.decompress(block).decode().split(_SEPARATOR)
            yield SQL("status = 'published' AND id = ANY({}){}").format(Literal(ids), words)


Selection = ByStatus | ByIds


async def find(snapshot: Snapshot, query: ExportQuery, *, codec: CursorCodec) -> ByIds:
    """The awards that the filters leave. Raises ValidationFailed and DatabaseUnavailable."""
    selected = await search.select(snapshot, query.as_search(), codec=codec)
    if query.format is ExportFormat.XLSX and len(selected.awards) > workbook.MAX_ROWS:
        raise ValidationFailed.of("format", f"a sheet holds at most {workbook.MAX_ROWS:,} awards")
    return await ByIds.of(snapshot, selected)
