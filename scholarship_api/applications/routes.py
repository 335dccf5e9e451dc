"""The tracker of an account or of a subject."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request, Response, status

from scholarship_api.applications import schemas, service
from scholarship_api.catalogue.versions import utc_now
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

ApplicationId = Annotated[uuid.UUID, Path(alias="id")]


def _router(mount: Mount) -> APIRouter:
    router = mount.router(tags=["applications"])

    @router.get(
        "/applications",
        name=mount.operation("list_applications"),
        summary="The tracked awards, newest first",
    )
    async def list_applications(
        session: Reading,
        cursors: ListCursors,
        query: Annotated[schemas.ApplicationsRequest, Query()],
        owner: Owner = mount.reader,
    ) -> schemas.ApplicationPage:
        return await service.list_page(session, owner, request=query, codec=cursors, now=utc_now())

    @router.post(
        "/applications",
        name=mount.operation("create_application"),
        status_code=status.HTTP_201_CREATED,
        response_model=schemas.Application,
        summary="Track an award",
        description=(
            f"At most {schemas.MAX_APPLICATIONS}; then 409. So is a round that is tracked already."
        ),
        dependencies=[Depends(require_json)],
        responses={
            201: {"headers": ETAG | LOCATION},
            **document(BadRequest, Conflict, NotFound, UnsupportedMediaType),
        },
    )
    async def create_application(
        request: Request,
        session: Writing,
        new: schemas.NewApplication,
        creation_key: CreationKey = None,
        owner: Owner = mount.writer,
    ) -> Response:
        stored, is_replayed = await service.create(
            session,
            owner,
            new=new,
            creation_key=creation_key,
            source=change_source(request, owner),
            now=utc_now(),
        )
        return created_response(
            stored.shown,
            version=stored.version,
            location=mount.path(owner, f"/applications/{stored.shown.id}"),
            is_replayed=is_replayed,
        )

    @router.get(
        "/applications/{id}",
        name=mount.operation("show_application"),
        response_model=schemas.Application,
        summary="One tracked award",
        responses={200: {"headers": ETAG}, **NOT_MODIFIED, **document(NotFound)},
    )
    async def show_application(
        request: Request,
        session: Reading,
        application_id: ApplicationId,
        owner: Owner = mount.reader,
    ) -> Response:
        stored = await service.read(session, owner, application_id=application_id, now=utc_now())
        return read_response(request, stored.shown, version=stored.version)

    @router.patch(
        "/applications/{id}",
        name=mount.operation("change_application"),
        response_model=schemas.Application,
        summary="Change how far an application is (JSON merge patch)",
        description="Lists are replaced as a whole. The result is validated whole.",
        dependencies=[Depends(require_merge_patch)],
        responses={200: {"headers": ETAG}, **document(*CHANGE_ERRORS, NotFound)},
        openapi_extra=merge_patch_body(schemas.PATCH_EXAMPLE),
    )
    async def change_application(
        *,
        request: Request,
        session: Writing,
        precondition: IfMatchWhenItExists,
        application_id: ApplicationId,
        changes: Annotated[object, Body()],
        owner: Owner = mount.writer,
    ) -> Response:
        stored = await service.patch(
            session,
            owner,
            application_id=application_id,
            changes=changes,
            precondition=precondition,
            source=change_source(request, owner),
            now=utc_now(),
        )
        return written_response(stored.shown, version=stored.version)

    @router.delete(
        "/applications/{id}",
        name=mount.operation("delete_application"),
        status_code=status.HTTP_204_NO_CONTENT,
        summary="Stop tracking an award",
        responses=document(BadRequest, NotFound, PreconditionFailed),
    )
    async def delete_application(
        request: Request,
        session: Writing,
        precondition: IfMatchIfSent,
        application_id: ApplicationId,
        owner: Owner = mount.writer,
    ) -> None:
        await service.delete(
            session,
            owner,
            application_id=application_id,
            precondition=precondition,
            source=change_source(request, owner),
        )

    return router


ROUTERS = tuple(_router(mount) for mount in MOUNTS)
