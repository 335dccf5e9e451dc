"""The saved searches of an account or of a subject."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response, status

from scholarship_api.errors import (
    BadRequest,
    Conflict,
    NotFound,
    PreconditionFailed,
    UnsupportedMediaType,
    document,
)
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json, require_merge_patch
from scholarship_api.saved_searches import schemas, service
from scholarship_api.search.response_schemas import SearchPage
from scholarship_api.subjects import results
from scholarship_api.subjects.access import MOUNTS, Mount, change_source
from scholarship_api.subjects.creation import CreationKey, created_response
from scholarship_api.subjects.cursors import ListCursors
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.preconditions import (
    CHANGE_ERRORS,
    ETAG,
    LOCATION,
    NOT_MODIFIED,
    IfMatchIfSent,
    IfMatchWhenItExists,
    merge_patch_body,
    read_response,
    written_response,
)
from scholarship_api.subjects.schemas import ListRequest, ResultsRequest

SearchId = Annotated[uuid.UUID, Path(alias="id")]


def _router(mount: Mount) -> APIRouter:
    router = mount.router(tags=["saved searches"])

    @router.get(
        "/saved-searches",
        name=mount.operation("list_saved_searches"),
        summary="The saved searches, oldest first",
    )
    async def list_saved_searches(
        session: Reading,
        cursors: ListCursors,
        query: Annotated[ListRequest, Query()],
        owner: Owner = mount.reader,
    ) -> schemas.SavedSearchPage:
        return await service.list_page(session, owner, request=query, codec=cursors)

    @router.post(
        "/saved-searches",
        name=mount.operation("create_saved_search"),
        status_code=status.HTTP_201_CREATED,
        response_model=schemas.SavedSearch,
        summary="Save a search",
        description=f"At most {schemas.MAX_SAVED_SEARCHES}; then 409.",
        dependencies=[Depends(require_json)],
        responses={
            201: {"headers": ETAG | LOCATION},
            **document(BadRequest, Conflict, UnsupportedMediaType),
        },
    )
    async def create_saved_search(
        request: Request,
        session: Writing,
        new: schemas.WrittenSearch,
        creation_key: CreationKey = None,
        owner: Owner = mount.writer,
    ) -> Response:
        stored, is_replayed = await service.create(
            session,
            owner,
            new=new,
            creation_key=creation_key,
            source=change_source(request, owner),
        )
        return created_response(
            stored.shown,
            version=stored.version,
            location=mount.path(owner, f"/saved-searches/{stored.shown.id}"),
            is_replayed=is_replayed,
        )

    @router.get(
        "/saved-searches/{id}",
        name=mount.operation("show_saved_search"),
        response_model=schemas.SavedSearch,
        summary="One saved search",
        responses={200: {"headers": ETAG}, **NOT_MODIFIED, **document(NotFound)},
    )
    async def show_saved_search(
        request: Request, session: Reading, search_id: SearchId, owner: Owner = mount.reader
    ) -> Response:
        stored = await service.read(session, owner, search_id=search_id)
        return read_response(request, stored.shown, version=stored.version)

    @router.patch(
        "/saved-searches/{id}",
        name=mount.operation("change_saved_search"),
        response_model=schemas.SavedSearch,
        summary="Change a saved search (JSON merge patch)",
        description="`query` is replaced as a whole. The result is validated whole.",
        dependencies=[Depends(require_merge_patch)],
        responses={200: {"headers": ETAG}, **document(*CHANGE_ERRORS, NotFound)},
        openapi_extra=merge_patch_body(schemas.PATCH_EXAMPLE),
    )
    async def change_saved_search(
        *,
        request: Request,
        session: Writing,
        precondition: IfMatchWhenItExists,
        search_id: SearchId,
        changes: Annotated[object, Body()],
        owner: Owner = mount.writer,
    ) -> Response:
        stored = await service.patch(
            session,
            owner,
            search_id=search_id,
            changes=changes,
            precondition=precondition,
            source=change_source(request, owner),
        )
        return written_response(stored.shown, version=stored.version)

    @router.delete(
        "/saved-searches/{id}",
        name=mount.operation("delete_saved_search"),
        status_code=status.HTTP_204_NO_CONTENT,
        summary="Delete a saved search",
        responses=document(BadRequest, NotFound, PreconditionFailed),
    )
    async def delete_saved_search(
        request: Request,
        session: Writing,
        precondition: IfMatchIfSent,
        search_id: SearchId,
        owner: Owner = mount.writer,
    ) -> None:
        await service.delete(
            session,
            owner,
            search_id=search_id,
            precondition=precondition,
            source=change_source(request, owner),
        )

    @router.get(
        "/saved-searches/{id}/results",
        name=mount.operation("list_results"),
        response_model=SearchPage,
        summary="The results of a saved search",
        description=(
            "With `since`, the awards that the search finds now and would not have found as they"
            " were then. Dismissed awards are left out."
        ),
        responses=document(Conflict, NotFound),
    )
    async def list_results(
        request: Request,
        search_id: SearchId,
        query: Annotated[ResultsRequest, Query()],
        owner: Owner = mount.reader,
    ) -> Response:
        # The session ends before the search begins: no request holds two connections.
        async with request.app.state.database.read_session() as session:
            stored = await service.query_of(
                session, owner, search_id=search_id, limit=query.limit, cursor=query.cursor
            )
        return await results.answer(request, stored, since=query.since)

    return router


ROUTERS = tuple(_router(mount) for mount in MOUNTS)
