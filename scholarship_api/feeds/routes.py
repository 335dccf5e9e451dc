"""Feeds: making and revoking secret addresses, and what is read at them."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status
from fastapi.responses import JSONResponse

from scholarship_api.catalogue import service as catalogue
from scholarship_api.catalogue.idempotency import REPLAYED_HEADER
from scholarship_api.catalogue.versions import utc_now
from scholarship_api.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.feeds import readers, schemas, service
from scholarship_api.feeds.entries import Entry, of_award
from scholarship_api.feeds.responses import CALENDAR, PRIVATE, PUBLIC, content_of, feed_response
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.subjects import results
from scholarship_api.subjects.access import MOUNTS, Mount, change_source
from scholarship_api.subjects.creation import CreationKey
from scholarship_api.subjects.cursors import ListCursors
from scholarship_api.subjects.owners import Owner
from scholarship_api.subjects.schemas import ListRequest

READ_ERRORS = (NotFound, ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable)

FeedId = Annotated[uuid.UUID, Path(alias="id")]


def _router(mount: Mount) -> APIRouter:
    router = mount.router(tags=["feeds"])

    @router.get("/feeds", name=mount.operation("list_feeds"), summary="The feeds, oldest first")
    async def list_feeds(
        session: Reading,
        cursors: ListCursors,
        query: Annotated[ListRequest, Query()],
        owner: Owner = mount.reader,
    ) -> schemas.FeedPage:
        return await service.list_page(session, owner, request=query, codec=cursors)

    @router.post(
        "/feeds",
        name=mount.operation("create_feed"),
        status_code=status.HTTP_201_CREATED,
        response_model=schemas.FeedWithAddresses,
        summary="Make a secret address for calendars and feed readers",
        description=(
            f"At most {schemas.MAX_FEEDS}; then 409. Whoever knows the address can read the feed."
            " It is shown this once: a request that is repeated with its `Idempotency-Key` gives"
            " the same feed another address, and ends the first one."
        ),
        dependencies=[Depends(require_json)],
        responses=document(BadRequest, Conflict, NotFound, UnsupportedMediaType),
    )
    async def create_feed(
        request: Request,
        session: Writing,
        new: schemas.NewFeed,
        creation_key: CreationKey = None,
        owner: Owner = mount.writer,
    ) -> Response:
        base: str = request.app.state.settings.public_base_url
        feed, is_replayed = await service.create(
            session,
            owner,
            new=new,
            creation_key=creation_key,
            address=lambda path: f"{base}{path}",
            source=change_source(request, owner),
        )
        return JSONResponse(
            feed.model_dump(mode="json", by_alias=True),
            status.HTTP_201_CREATED,
            {REPLAYED_HEADER: "true"} if is_replayed else None,
        )

    @router.delete(
        "/feeds/{id}",
        name=mount.operation("delete_feed"),
        status_code=status.HTTP_204_NO_CONTENT,
        summary="Revoke the address of a feed at once",
        responses=document(NotFound),
    )
    async def delete_feed(
        request: Request, session: Writing, feed_id: FeedId, owner: Owner = mount.writer
    ) -> None:
        await service.delete(session, owner, feed_id=feed_id, source=change_source(request, owner))

    return router


ROUTERS = tuple(_router(mount) for mount in MOUNTS)
public_router = APIRouter(prefix="/api/v1", tags=["feeds"], responses=document(*READ_ERRORS))


@public_router.get(
    "/feeds/{token}.{format}",
    response_class=Response,
    summary="The deadlines of a feed",
    description=(
        "The address is the secret: no account is needed. 409 when the saved search cannot be run:"
        " it is no longer valid, or uses a stored profile that is gone. A feed of `both` then shows"
        " the tracker alone."
    ),
    responses={
        **document(Conflict),
        **content_of(CALENDAR, readers.ATOM, readers.JSON_FEED),
    },
)
async def show_feed(
    request: Request,
    token: Annotated[str, Path(max_length=100)],
    as_format: Annotated[schemas.Format, Path(alias="format")],
) -> Response:
    database: Database = request.app.state.database
    now = utc_now()
    # The session ends before the search begins: no request holds two connections.
    async with database.read_session() as session:
        feed = await service.read(session, token=token, now=now)
    found: list[Entry] = []
    if feed.search is not None:
        page = await results.page_of(request, feed.search)
        found = await service.found_entries(database.read, page, now=now)
    return feed_response(request, service.render(feed, found, as_format=as_format), PRIVATE)


@public_router.get(
    "/scholarships/{scholarship_id}.ics",
    response_class=Response,
    summary="The deadline of an award as a calendar",
    responses=content_of(CALENDAR),
)
async def show_calendar(
    request: Request, scholarship_id: Annotated[str, Path(max_length=128)]
) -> Response:
    database: Database = request.app.state.database
    award = await catalogue.find(database.fetch, scholarship_id=scholarship_id)
    if award is None or not catalogue.is_public(award):
        raise catalogue.not_found()
    entry = of_award(award, now=utc_now())
    content = service.render_entries(
        [entry], name=award.name, feed_id=f"urn:scholarship-api:{award.id}", as_format="ics"
    )
    return feed_response(request, content, PUBLIC)
