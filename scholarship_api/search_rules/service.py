"""Synonyms and rules of the search: their life, and the file that holds them all.

A trigger tells the search of every change. Every change is in the audit with its fields before and
after.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pydantic import BaseModel
from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.identifiers import new_id
from scholarship_api.catalogue.preconditions import Precondition
from scholarship_api.errors import (
    Conflict,
    NotFound,
    PreconditionFailed,
    ValidationFailed,
)
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.search.text.synonyms import built_in_rows
from scholarship_api.search_rules import queries, schemas
from scholarship_api.search_rules.models import SearchRule, SearchSynonym
from scholarship_api.subjects.cursors import CursorCodec
from scholarship_api.subjects.preconditions import OptionalPrecondition
from scholarship_api.subjects.schemas import ListRequest

Model = TypeVar("Model", SearchSynonym, SearchRule)
Shown = TypeVar("Shown", schemas.Synonym, schemas.Rule)


@dataclass(frozen=True)
class Collection(Generic[Model, Shown]):
    """One of the two lists."""

    name: str
    """Begins the actions of the audit, and names the list in cursors and errors."""
    model: type[Model]
    shown: type[Shown]
    most: int
    """How many entries there may be."""
    columns: Mapping[str, str]
    """The column of each field of a request."""

    def values(self, written: BaseModel) -> dict[str, Any]:
        """The columns of a written entry."""
        fields = written.model_dump(mode="json", exclude_none=True)
        given = written.model_dump()
        return {
            column: given[field] if field.endswith("_at") else fields.get(field)
            for field, column in self.columns.items()
        }

    def stored(self, row: Model) -> "Stored[Shown]":
        return Stored(self._shown(row), row.version)

    def fields(self, row: Model) -> dict[str, Any]:
        """The fields that a client can write, as JSON."""
        return self._shown(row).model_dump(
            mode="json", by_alias=True, exclude={"id", "created_at", "updated_at"}
        )

    def _shown(self, row: Model) -> Shown:
        return self.shown.model_validate(
            {
                self.shown.model_fields[field].alias or field: getattr(row, column)
                for field, column in self.columns.items()
            }
            | {name: getattr(row, name) for name in ("id", "created_at", "updated_at")}
        )


class Stored(NamedTuple, Generic[Shown]):
    shown: Shown
    version: int


SYNONYMS: Final = Collection(
    "search_synonym",
    SearchSynonym,
    schemas.Synonym,
    schemas.MAX_SYNONYMS,
    {name: name for name in ("kind", "words", "others", "enabled", "note")},
)
RULES: Final = Collection(
    "search_rule",
    SearchRule,
    schemas.Rule,
    schemas.MAX_RULES,
    {name: name for name in ("query", "match", "starts_at", "ends_at", "enabled", "note")}
    | {"pin": "pins", "hide": "hides", "boost": "boosts"},
)


async def list_page(
    session: ReadSession,
    entries: Collection[Model, Shown],
    *,
    request: ListRequest,
    codec: CursorCodec,
) -> tuple[list[Shown], str | None]:
    """A page, oldest first, and the cursor of the next one. Raises ValidationFailed for an invalid
    cursor."""
    after = codec.decode(entries.name, request.cursor)
    rows = list(await queries.page(session, entries.model, after=after, limit=request.limit + 1))
    has_next = len(rows) > request.limit
    del rows[request.limit :]
    return (
        [entries.stored(row).shown for row in rows],
        codec.encode(entries.name, rows[-1].id) if has_next else None,
    )


def built_in_synonyms() -> schemas.BuiltInTable:
    return schemas.BuiltInTable(
        items=[
            schemas.BuiltInSynonyms(words=words, others=others) for words, others in built_in_rows()
        ]
    )


async def create(
    session: WriteSession,
    entries: Collection[Model, Shown],
    *,
    new: BaseModel,
    source: ChangeSource,
) -> Stored[Shown]:
    """Raises Conflict when the list is full, and ValidationFailed."""
    await _check_stems(session, {"": new})
    await queries.lock_table(session, entries.model)
    if await queries.count(session, entries.model) >= entries.most:
        raise Conflict(f"There are {entries.most} entries; delete one that is not used any more.")
    return entries.stored(await _add(session, entries, uuid.UUID(new_id()), new, source))


async def read(
    session: ReadSession, entries: Collection[Model, Shown], *, entry_id: uuid.UUID
) -> Stored[Shown]:
    """Raises NotFound."""
    return entries.stored(await _read(session, entries, entry_id))


async def replace(
    session: WriteSession,
    entries: Collection[Model, Shown],
    *,
    entry_id: uuid.UUID,
    new: BaseModel,
    precondition: Precondition,
    source: ChangeSource,
) -> Stored[Shown]:
    """Raises NotFound, PreconditionFailed and ValidationFailed."""
    row = await _read(session, entries, entry_id, lock=True)
    if not precondition.allows(row.version):
        raise PreconditionFailed
    await _check_stems(session, {"": new})
    return entries.stored(await _change(session, entries, row, new, source))


async def delete(
    session: WriteSession,
    entries: Collection[Model, Shown],
    *,
    entry_id: uuid.UUID,
    precondition: OptionalPrecondition,
    source: ChangeSource,
) -> None:
    """Raises NotFound and PreconditionFailed."""
    row = await _read(session, entries, entry_id, lock=True)
    precondition.check(row.version)
    await _remove(session, entries, row, source)


# --- The file ------------------------------------------------------------------------------------


class ImportCounts(NamedTuple):
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0


async def export(session: ReadSession) -> dict[str, Any]:
    """The content of a file with all entries."""
    return {
        "format": schemas.FILE_FORMAT,
        "version": schemas.FILE_VERSION,
        "synonyms": [
            {"id": str(row.id), **SYNONYMS.fields(row)}
            for row in await queries.every(session, SearchSynonym)
        ],
        "rules": [
            {"id": str(row.id), **RULES.fields(row)}
            for row in await queries.every(session, SearchRule)
        ],
    }


def parse_file(content: bytes) -> schemas.RulesFile:
    """Raises ValidationError with all that is wrong in the file, or ValueError if it is not
    JSON."""
    return schemas.RulesFile.model_validate(from_json(content))


async def import_file(
    session: WriteSession,
    *,
    content: schemas.RulesFile,
    source: ChangeSource,
    removes_others: bool = False,
) -> ImportCounts:
    """Add the entries of a file, and replace those of the same id; with `removes_others`, delete
    all others.

    Raises ValidationFailed and Conflict, before anything is written.
    """
    await _check_stems(
        session,
        {f"synonyms.{place}": entry for place, entry in enumerate(content.synonyms)},
    )
    counts = ImportCounts()
    for entries, given in ((SYNONYMS, content.synonyms), (RULES, content.rules)):
        counts = await _import(
            session, entries, given, counts, source=source, removes_others=removes_others
        )
    await audit.record(session, "search_rules.imported", source=source, **counts._asdict())
    return counts


async def _import(
    session: WriteSession,
    entries: Any,  # noqa: ANN401 - either collection
    given: Any,  # noqa: ANN401 - the entries of a file
    counts: ImportCounts,
    *,
    source: ChangeSource,
    removes_others: bool,
) -> ImportCounts:
    await queries.lock_table(session, entries.model)
    present = {row.id: row for row in await queries.every(session, entries.model)}
    ids = {entry.id for entry in given}
    others = [row for row_id, row in present.items() if row_id not in ids]
    if len(ids) + (0 if removes_others else len(others)) > entries.most:
        raise Conflict(f"With this file there would be more than {entries.most} entries.")
    for row in others if removes_others else ():
        await _remove(session, entries, row, source)
    created, updated, unchanged, deleted = counts
    for entry in given:
        row = present.get(entry.id)
        if row is None:
            await _add(session, entries, entry.id, entry, source)
            created += 1
        elif all(getattr(row, column) == value for column, value in entries.values(entry).items()):
            unchanged += 1
        else:
            await _change(session, entries, row, entry, source)
            updated += 1
    deleted += len(others) if removes_others else 0
    return ImportCounts(created, updated, unchanged, deleted)


# --- Rows ----------------------------------------------------------------------------------------


async def _add(
    session: WriteSession,
    entries: Collection[Model, Shown],
    entry_id: uuid.UUID,
    new: BaseModel,
    source: ChangeSource,
) -> Model:
    row = await queries.add(session, entries.model, {"id": entry_id, **entries.values(new)})
    await audit.record(
        session,
        f"{entries.name}.created",
        source=source,
        target_id=entry_id,
        after=entries.fields(row),
    )
    return row


async def _change(
    session: WriteSession,
    entries: Collection[Model, Shown],
    row: Model,
    new: BaseModel,
    source: ChangeSource,
) -> Model:
    before = entries.fields(row)
    changed = await queries.change(session, entries.model, row.id, entries.values(new))
    after = entries.fields(changed)
    names = [name for name in after if before[name] != after[name]]
    await audit.record(
        session,
        f"{entries.name}.updated",
        source=source,
        target_id=changed.id,
        before={name: before[name] for name in names},
        after={name: after[name] for name in names},
    )
    return changed


async def _remove(
    session: WriteSession, entries: Collection[Model, Shown], row: Model, source: ChangeSource
) -> None:
    await queries.remove(session, entries.model, row.id)
    await audit.record(
        session,
        f"{entries.name}.deleted",
        source=source,
        target_id=row.id,
        before=entries.fields(row),
    )


async def _read(
    session: AsyncSession,
    entries: Collection[Model, Shown],
    entry_id: uuid.UUID,
    *,
    lock: bool = False,
) -> Model:
    row = await queries.read(session, entries.model, entry_id, lock=lock)
    if row is None:
        raise NotFound("There is no entry with this id.")
    return row


async def _check_stems(session: AsyncSession, written: Mapping[str, BaseModel]) -> None:
    """Raises ValidationFailed for words that are to be separated and have no stem in common."""
    separated = {
        place: entry
        for place, entry in written.items()
        if isinstance(entry, schemas.WrittenSynonym) and entry.kind is schemas.SynonymKind.SEPARATE
    }
    words = {word for entry in separated.values() for word in (*entry.words, *entry.others)}
    if not words:
        return
    stems = await queries.stems(session, words)
    wrong = [
        {
            "field": f"{place}.words".removeprefix("."),
            "message": "words and others must all have one stem; these are not mixed",
        }
        for place, entry in separated.items()
        if len({stems[word] for word in (*entry.words, *entry.others)}) > 1
    ]
    if wrong:
        raise ValidationFailed(wrong)
