"""Saved searches of a subject."""

import uuid
from typing import Any, NamedTuple

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from scholarship_api.applications import service as applications
from scholarship_api.audit import service as audit
from scholarship_api.catalogue.audit import ChangeSource
from scholarship_api.catalogue.identifiers import new_id
from scholarship_api.catalogue.merge_patch import merge
from scholarship_api.errors import Conflict, NotFound, ValidationFailed, validation_fields
from scholarship_api.platform.database.sessions import ReadSession, WriteSession
from scholarship_api.profiles import service as profiles
from scholarship_api.saved_searches import models, queries, schemas
from scholarship_api.subjects import creation
from scholarship_api.subjects import service as subjects
from scholarship_api.subjects.cursors import CursorCodec
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.preconditions import OptionalPrecondition
from scholarship_api.subjects.results import StoredQuery
from scholarship_api.subjects.schemas import ListRequest

LIST_NAME = "saved searches"


class StoredSearch(NamedTuple):
    shown: schemas.SavedSearch
    version: int


async def create(
    session: WriteSession,
    owner: Owner,
    *,
    new: schemas.WrittenSearch,
    creation_key: str | None,
    source: ChangeSource,
) -> tuple[StoredSearch, bool]:
    """The new search; true when an earlier request with the same key has created it.

    Raises Conflict when the subject has MAX_SAVED_SEARCHES, and ValidationFailed for a key that has
    created something else.
    """
    subject_id = await subjects.ensure(session, owner)
    digest = creation.fingerprint(new)
    if creation_key is not None:
        stored = await queries.created_by(session, subject_id, creation_key)
        if stored is not None:
            creation.require_same(stored.creation_digest, digest)
            return _stored(stored), True
    if await queries.count(session, subject_id) >= schemas.MAX_SAVED_SEARCHES:
        raise Conflict(f"At most {schemas.MAX_SAVED_SEARCHES} searches can be saved; delete one.")
    added = await queries.add(
        session,
        {
            "id": uuid.UUID(new_id()),
            "subject_id": subject_id,
            **_columns(new),
            "creation_key": creation_key,
            "creation_digest": None if creation_key is None else digest,
        },
    )
    await audit.record(session, "saved_search.created", source=source, target_id=added.id)
    return _stored(added), False


async def list_page(
    session: ReadSession, owner: Owner, *, request: ListRequest, codec: CursorCodec
) -> schemas.SavedSearchPage:
    """Raises ValidationFailed for an invalid cursor."""
    after = codec.decode(LIST_NAME, request.cursor)
    subject_id = await subjects.find(session, owner)
    if subject_id is None:
        return schemas.SavedSearchPage(items=[], next_cursor=None)
    rows = list(await queries.page(session, subject_id, after=after, limit=request.limit + 1))
    has_next = len(rows) > request.limit
    del rows[request.limit :]
    return schemas.SavedSearchPage(
        items=[_stored(row).shown for row in rows],
        next_cursor=codec.encode(LIST_NAME, rows[-1].id) if has_next else None,
    )


async def read(session: AsyncSession, owner: Owner, *, search_id: uuid.UUID) -> StoredSearch:
    """Raises NotFound, also for a search of somebody else."""
    subject_id = await subjects.find(session, owner)
    return _stored(await _read(session, subject_id, search_id))


async def query_of(
    session: AsyncSession, owner: Owner, *, search_id: uuid.UUID, **page: object
) -> StoredQuery:
    """The search to run, with the values of a page.

    Raises NotFound, and Conflict for a search that cannot be run as it is stored.
    """
    subject_id = await subjects.find(session, owner)
    stored = await _read(session, subject_id, search_id)
    return await stored_query(session, stored, **page)


async def query_by_id(
    session: AsyncSession, *, search_id: uuid.UUID, **page: object
) -> StoredQuery:
    """The same for a caller that knows whose search it is. Raises NotFound and Conflict."""
    stored = await queries.by_id(session, search_id)
    if stored is None:
        raise not_found()
    return await stored_query(session, stored, **page)


async def stored_query(
    session: AsyncSession, stored: models.SavedSearch, **page: object
) -> StoredQuery:
    """The same for a row. Raises Conflict."""
    profile = None
    if stored.use_profile:
        profile = await profiles.answers_of(session, subject_id=stored.subject_id)
        if profile is None:
            raise Conflict("The search uses the stored profile, and none is stored.")
    return StoredQuery(
        schemas.request_of(stored.query, profile=profile, **page),
        await applications.dismissed_awards(session, subject_id=stored.subject_id),
    )


async def patch(
    session: WriteSession,
    owner: Owner,
    *,
    search_id: uuid.UUID,
    changes: object,
    precondition: OptionalPrecondition,
    source: ChangeSource,
) -> StoredSearch:
    """Apply a JSON merge patch; `query` is replaced as a whole.

    Raises NotFound, PreconditionFailed and ValidationFailed.
    """
    stored = await _read(session, await subjects.lock(session, owner), search_id)
    precondition.check(stored.version)
    if not isinstance(changes, dict):
        raise ValidationFailed.of("body", "must be an object")
    patched = merge(_written(stored), {name: changes[name] for name in changes if name != "query"})
    if "query" in changes:
        patched["query"] = changes["query"]
    try:
        new = schemas.WrittenSearch.model_validate(patched)
    except ValidationError as error:
        raise ValidationFailed(validation_fields(error.errors())) from None
    if "query" in changes:
        await queries.end_pause(session, search_id)
    changed = await queries.change(session, search_id, _columns(new))
    await audit.record(session, "saved_search.updated", source=source, target_id=search_id)
    return _stored(changed)


async def delete(
    session: WriteSession,
    owner: Owner,
    *,
    search_id: uuid.UUID,
    precondition: OptionalPrecondition,
    source: ChangeSource,
) -> None:
    """Raises NotFound, and PreconditionFailed for another version."""
    stored = await _read(session, await subjects.lock(session, owner), search_id)
    precondition.check(stored.version)
    await queries.remove(session, search_id)
    await audit.record(session, "saved_search.deleted", source=source, target_id=search_id)


async def personal_data(session: ReadSession, subject_id: uuid.UUID) -> object:
    """All saved searches of a subject, oldest first."""
    rows = await queries.page(session, subject_id, after=None, limit=schemas.MAX_SAVED_SEARCHES)
    return [_stored(row).shown.model_dump(mode="json") for row in rows]


async def _read(
    session: AsyncSession, subject_id: uuid.UUID | None, search_id: uuid.UUID
) -> models.SavedSearch:
    stored = None if subject_id is None else await queries.read(session, subject_id, search_id)
    if stored is None:
        raise not_found()
    return stored


def not_found() -> NotFound:
    return NotFound("There is no saved search with this id.")


def _columns(search: schemas.WrittenSearch) -> dict[str, Any]:
    return {
        "name": search.name,
        "query": search.query,
        "use_profile": search.use_profile,
        "notify_channel": search.notify.channel.value,
        "notify_frequency": search.notify.frequency.value,
    }


def _written(stored: models.SavedSearch) -> dict[str, Any]:
    """The search as a client would write it."""
    return {
        "name": stored.name,
        "query": stored.query,
        "use_profile": stored.use_profile,
        "notify": {"channel": stored.notify_channel, "frequency": stored.notify_frequency},
    }


def _stored(row: models.SavedSearch) -> StoredSearch:
    shown = schemas.SavedSearch(
        id=row.id,
        **_written(row),
        alerts_paused_until=row.paused_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
    return StoredSearch(shown, row.version)
