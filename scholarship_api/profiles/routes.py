"""The stored profile of an account or of a subject."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Request, Response, status

from scholarship_api.catalogue.read_model.current import Model
from scholarship_api.eligibility import service as eligibility
from scholarship_api.eligibility.schemas import Questions
from scholarship_api.errors import (
    BadRequest,
    Conflict,
    NotFound,
    PreconditionFailed,
    document,
)
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json, require_merge_patch
from scholarship_api.profiles import service
from scholarship_api.profiles.schemas import PATCH_EXAMPLE, MatchesRequest, StudentProfile
from scholarship_api.search.response_schemas import SearchPage
from scholarship_api.subjects import results
from scholarship_api.subjects.access import MOUNTS, Mount, change_source
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.preconditions import (
    CHANGE_ERRORS,
    ETAG,
    NOT_MODIFIED,
    IfMatchIfSent,
    IfMatchWhenItExists,
    merge_patch_body,
    read_response,
    written_response,
)


def _router(mount: Mount) -> APIRouter:
    router = mount.router(tags=["profiles"])

    @router.get(
        "/profile",
        name=mount.operation("show_profile"),
        response_model=StudentProfile,
        summary="The stored profile",
        responses={200: {"headers": ETAG}, **NOT_MODIFIED, **document(NotFound)},
    )
    async def show_profile(
        request: Request, session: Reading, owner: Owner = mount.reader
    ) -> Response:
        stored = await service.read(session, owner)
        return read_response(request, stored.body, version=stored.version)

    @router.put(
        "/profile",
        name=mount.operation("store_profile"),
        response_model=StudentProfile,
        summary="Store a profile, in place of the one that is stored",
        description="If-Match is required once a profile is stored.",
        dependencies=[Depends(require_json)],
        responses={
            200: {"headers": ETAG},
            201: {"headers": ETAG, "model": StudentProfile, "description": "There was none."},
            **document(*CHANGE_ERRORS),
        },
    )
    async def store_profile(
        request: Request,
        session: Writing,
        precondition: IfMatchWhenItExists,
        profile: StudentProfile,
        owner: Owner = mount.writer,
    ) -> Response:
        stored, is_new = await service.put(
            session,
            owner,
            profile=profile,
            precondition=precondition,
            source=change_source(request, owner),
        )
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return written_response(stored.body, version=stored.version, status_code=code)

    @router.patch(
        "/profile",
        name=mount.operation("change_profile"),
        response_model=StudentProfile,
        summary="Change some answers of the stored profile (JSON merge patch)",
        description="null removes an answer; lists are replaced. The result is validated whole.",
        dependencies=[Depends(require_merge_patch)],
        responses={200: {"headers": ETAG}, **document(*CHANGE_ERRORS, NotFound)},
        openapi_extra=merge_patch_body(PATCH_EXAMPLE),
    )
    async def change_profile(
        request: Request,
        session: Writing,
        precondition: IfMatchWhenItExists,
        changes: Annotated[object, Body()],
        owner: Owner = mount.writer,
    ) -> Response:
        stored = await service.patch(
            session,
            owner,
            changes=changes,
            precondition=precondition,
            source=change_source(request, owner),
        )
        return written_response(stored.body, version=stored.version)

    @router.delete(
        "/profile",
        name=mount.operation("delete_profile"),
        status_code=status.HTTP_204_NO_CONTENT,
        summary="Erase the stored profile at once",
        responses=document(BadRequest, NotFound, PreconditionFailed),
    )
    async def delete_profile(
        request: Request,
        session: Writing,
        precondition: IfMatchIfSent,
        owner: Owner = mount.writer,
    ) -> None:
        await service.delete(
            session, owner, precondition=precondition, source=change_source(request, owner)
        )

    @router.get(
        "/matches",
        name=mount.operation("list_matches"),
        response_model=SearchPage,
        summary="The awards that suit the stored profile, best first",
        description="Each with its verdict and score. Dismissed awards are left out.",
        responses=document(Conflict, NotFound),
    )
    async def list_matches(
        request: Request,
        query: Annotated[MatchesRequest, Query()],
        owner: Owner = mount.reader,
    ) -> Response:
        # The session ends before the search begins: no request holds two connections.
        async with request.app.state.database.read_session() as session:
            stored = await service.matches_query(session, owner, request=query)
        return await results.answer(request, stored, since=query.since)

    @router.get(
        "/questions",
        name=mount.operation("list_questions"),
        summary="Which missing answers of the stored profile would settle most of the open awards",
        responses=document(Conflict, NotFound),
    )
    async def list_questions(
        request: Request, current: Model, owner: Owner = mount.reader
    ) -> Questions:
        async with request.app.state.database.read_session() as session:
            known = await service.questions_request(session, owner)
        return await eligibility.ask(current, known)

    return router


ROUTERS = tuple(_router(mount) for mount in MOUNTS)
