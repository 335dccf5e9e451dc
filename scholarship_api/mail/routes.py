"""The address of an account, and the pages that links in mails lead to."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, status
from starlette.responses import HTMLResponse, Response

from scholarship_api.accounts.access import ACCESS_ERRORS, CurrentAccount
from scholarship_api.accounts.roles import Role
from scholarship_api.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    NotFound,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.mail import pages, schemas, service
from scholarship_api.mail.links import CONFIRM, UNSUBSCRIBE, Links
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.subjects.access import change_source
from scholarship_api.subjects.owners import Owner

router = APIRouter(
    prefix="/api/v1",
    tags=["mail"],
    responses=document(ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable),
)

Token = Annotated[str, Path(min_length=1, max_length=128)]
_PAGE: Final[dict[int | str, dict[str, Any]]] = {
    status.HTTP_200_OK: {"content": {"text/html": {"schema": {"type": "string"}}}}
}


async def _own(account: CurrentAccount) -> Owner:
    if account.role is Role.SERVICE:
        raise Forbidden("An API key has no mailbox.")
    return Owner(account)


Own = Annotated[Owner, Depends(_own)]


@router.get(
    "/me/email",
    summary="The address that alerts are sent to",
    responses=document(*ACCESS_ERRORS, NotFound),
)
async def show_email(owner: Own, session: Reading) -> schemas.Address:
    return await service.read(session, owner)


@router.put(
    "/me/email",
    summary="Have alerts sent to an address",
    description="A link that is sent to the address confirms it. Nothing else is sent before.",
    dependencies=[Depends(require_json)],
    responses=document(*ACCESS_ERRORS, BadRequest, Conflict, UnsupportedMediaType),
)
async def put_email(
    owner: Own, session: Writing, request: Request, new: schemas.NewAddress
) -> schemas.Address:
    settings = request.app.state.settings
    return await service.put(
        session,
        owner,
        email=new.email,
        sends_mail=bool(settings.smtp_url.get_secret_value()),
        source=change_source(request, owner),
    )


@router.delete(
    "/me/email",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Have no alerts sent any more",
    responses=document(*ACCESS_ERRORS, NotFound),
)
async def delete_email(owner: Own, session: Writing, request: Request) -> None:
    await service.remove(session, owner, source=change_source(request, owner))


@router.get(
    f"/{CONFIRM}/{{token}}",
    summary="A page that asks whether an address is right",
    response_class=Response,
    responses={**_PAGE, **document(NotFound)},
)
async def ask_to_confirm(session: Reading, request: Request, token: Token) -> HTMLResponse:
    target = Links(request.app.state.settings, CONFIRM).read(token)
    if not await service.is_current(session, target):
        return _expired(request)
    return HTMLResponse(pages.CONFIRM)


@router.post(
    f"/{CONFIRM}/{{token}}",
    summary="Confirm an address",
    response_class=Response,
    responses={**_PAGE, **document(NotFound)},
)
async def confirm_email(session: Writing, request: Request, token: Token) -> HTMLResponse:
    target = Links(request.app.state.settings, CONFIRM).read(token)
    if not await service.confirm(session, target):
        return _expired(request)
    return HTMLResponse(pages.CONFIRMED)


@router.get(
    f"/{UNSUBSCRIBE}/{{token}}",
    summary="A page that asks whether to end the mails",
    response_class=Response,
    responses={**_PAGE, **document(NotFound)},
)
async def ask_to_unsubscribe(request: Request, token: Token) -> HTMLResponse:
    if Links(request.app.state.settings, UNSUBSCRIBE).read(token) is None:
        return _expired(request)
    return HTMLResponse(pages.UNSUBSCRIBE)


@router.post(
    f"/{UNSUBSCRIBE}/{{token}}",
    summary="End the mails with one click (RFC 8058)",
    response_class=Response,
    responses={**_PAGE, **document(NotFound)},
)
async def unsubscribe(session: Writing, request: Request, token: Token) -> HTMLResponse:
    target = Links(request.app.state.settings, UNSUBSCRIBE).read(token)
    if target is None:
        return _expired(request)
    await service.unsubscribe(session, target)
    return HTMLResponse(pages.UNSUBSCRIBED)


def _expired(request: Request) -> HTMLResponse:
    """404: a page for a browser. Raises NotFound for a program."""
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(pages.EXPIRED, status_code=status.HTTP_404_NOT_FOUND)
    raise NotFound("This link is no longer good.")
