"""Synonyms and rules of the search, for administrators."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from scholarship_api.accounts.access import ACCESS_ERRORS, CurrentAdmin
from scholarship_api.catalogue.audit import source_of_request
from scholarship_api.catalogue.preconditions import IfMatch
from scholarship_api.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    NotFound,
    PreconditionFailed,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.search_rules import schemas, service
from scholarship_api.search_rules.service import RULES, SYNONYMS
from scholarship_api.subjects.cursors import ListCursors
from scholarship_api.subjects.preconditions import (
    CHANGE_ERRORS,
    ETAG,
    LOCATION,
    NOT_MODIFIED,
    IfMatchIfSent,
    read_response,
    written_response,
)
from scholarship_api.subjects.schemas import ListRequest

PREFIX = "/api/v1/search"

router = APIRouter(
    prefix=PREFIX,
    tags=["search rules"],
    responses=document(
        *ACCESS_ERRORS, ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable
    ),
)

EntryId = Annotated[uuid.UUID, Path(alias="id")]
ListQuery = Annotated[ListRequest, Query()]
CREATION_ERRORS = document(BadRequest, Conflict, UnsupportedMediaType)
DELETION_ERRORS = document(BadRequest, NotFound, PreconditionFailed)


# --- Synonyms ------------------------------------------------------------------------------------


@router.get("/synonyms", summary="Synonyms and exceptions, oldest first")
async def list_synonyms(
    _: CurrentAdmin, session: Reading, cursors: ListCursors, query: ListQuery
) -> schemas.SynonymPage:
    items, cursor = await service.list_page(session, SYNONYMS, request=query, codec=cursors)
    return schemas.SynonymPage(items=items, next_cursor=cursor)


@router.post(
    "/synonyms",
    status_code=status.HTTP_201_CREATED,
    response_model=schemas.Synonym,
    summary="Add synonyms, or an exception",
    description=f"In force with the next search. At most {schemas.MAX_SYNONYMS}; then 409.",
    dependencies=[Depends(require_json)],
    responses={201: {"headers": ETAG | LOCATION}, **CREATION_ERRORS},
)
async def create_synonym(
    account: CurrentAdmin, session: Writing, request: Request, new: schemas.WrittenSynonym
) -> Response:
    stored = await service.create(
        session, SYNONYMS, new=new, source=source_of_request(request.scope, account.id)
    )
    location = f"{PREFIX}/synonyms/{stored.shown.id}"
    return written_response(
        stored.shown, version=stored.version, status_code=201, location=location
    )


@router.get(
    "/synonyms/built-in",
    summary="The built-in synonyms",
    description="They come with each release. `not_synonyms` takes some of them away.",
)
async def list_built_in_synonyms(_: CurrentAdmin) -> schemas.BuiltInTable:
    return service.built_in_synonyms()


@router.get(
    "/synonyms/{id}",
    response_model=schemas.Synonym,
    summary="One entry of synonyms or exceptions",
    responses={200: {"headers": ETAG}, **NOT_MODIFIED, **document(NotFound)},
)
async def show_synonym(
    _: CurrentAdmin, session: Reading, request: Request, entry_id: EntryId
) -> Response:
    stored = await service.read(session, SYNONYMS, entry_id=entry_id)
    return read_response(request, stored.shown, version=stored.version)


@router.put(
    "/synonyms/{id}",
    response_model=schemas.Synonym,
    summary="Replace an entry of synonyms or exceptions",
    dependencies=[Depends(require_json)],
    responses={200: {"headers": ETAG}, **document(*CHANGE_ERRORS, NotFound)},
)
async def replace_synonym(
    *,
    account: CurrentAdmin,
    session: Writing,
    request: Request,
    precondition: IfMatch,
    entry_id: EntryId,
    new: schemas.WrittenSynonym,
) -> Response:
    stored = await service.replace(
        session,
        SYNONYMS,
        entry_id=entry_id,
        new=new,
        precondition=precondition,
        source=source_of_request(request.scope, account.id),
    )
    return written_response(stored.shown, version=stored.version)


@router.delete(
    "/synonyms/{id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete an entry of synonyms or exceptions",
    responses=DELETION_ERRORS,
)
async def delete_synonym(
    account: CurrentAdmin,
    session: Writing,
    request: Request,
    precondition: IfMatchIfSent,
    entry_id: EntryId,
) -> None:
    await service.delete(
        session,
        SYNONYMS,
        entry_id=entry_id,
        precondition=precondition,
        source=source_of_request(request.scope, account.id),
    )


# --- Rules ---------------------------------------------------------------------------------------


@router.get("/rules", summary="Rules that pin, hide and boost awards, oldest first")
async def list_rules(
    _: CurrentAdmin, session: Reading, cursors: ListCursors, query: ListQuery
) -> schemas.RulePage:
    items, cursor = await service.list_page(session, RULES, request=query, codec=cursors)
    return schemas.RulePage(items=items, next_cursor=cursor)


@router.post(
    "/rules",
    status_code=status.HTTP_201_CREATED,
    response_model=schemas.Rule,
    summary="Pin, hide or boost awards for a query",
    description=f"In force with the next search. At most {schemas.MAX_RULES}; then 409.",
    dependencies=[Depends(require_json)],
    responses={201: {"headers": ETAG | LOCATION}, **CREATION_ERRORS},
)
async def create_rule(
    account: CurrentAdmin, session: Writing, request: Request, new: schemas.WrittenRule
) -> Response:
    stored = await service.create(
        session, RULES, new=new, source=source_of_request(request.scope, account.id)
    )
    location = f"{PREFIX}/rules/{stored.shown.id}"
    return written_response(
        stored.shown, version=stored.version, status_code=201, location=location
    )


@router.get(
    "/rules/{id}",
    response_model=schemas.Rule,
    summary="One rule of the search",
    responses={200: {"headers": ETAG}, **NOT_MODIFIED, **document(NotFound)},
)
async def show_rule(
    _: CurrentAdmin, session: Reading, request: Request, entry_id: EntryId
) -> Response:
    stored = await service.read(session, RULES, entry_id=entry_id)
    return read_response(request, stored.shown, version=stored.version)


@router.put(
    "/rules/{id}",
    response_model=schemas.Rule,
    summary="Replace a rule",
    dependencies=[Depends(require_json)],
    responses={200: {"headers": ETAG}, **document(*CHANGE_ERRORS, NotFound)},
)
async def replace_rule(
    *,
    account: CurrentAdmin,
    session: Writing,
    request: Request,
    precondition: IfMatch,
    entry_id: EntryId,
    new: schemas.WrittenRule,
) -> Response:
    stored = await service.replace(
        session,
        RULES,
        entry_id=entry_id,
        new=new,
        precondition=precondition,
        source=source_of_request(request.scope, account.id),
    )
    return written_response(stored.shown, version=stored.version)


@router.delete(
    "/rules/{id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a rule",
    responses=DELETION_ERRORS,
)
async def delete_rule(
    account: CurrentAdmin,
    session: Writing,
    request: Request,
    precondition: IfMatchIfSent,
    entry_id: EntryId,
) -> None:
    await service.delete(
        session,
        RULES,
        entry_id=entry_id,
        precondition=precondition,
        source=source_of_request(request.scope, account.id),
    )
