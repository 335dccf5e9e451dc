"""Login, logout, and the account of the token that is sent."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response, status

from scholarship_api.accounts import schemas, service
from scholarship_api.accounts.access import (
    ANONYMOUS_ALLOWED,
    CurrentAccount,
    CurrentAccountOrNone,
)
from scholarship_api.accounts.authentication import Authentication
from scholarship_api.accounts.roles import Role
from scholarship_api.accounts.token_check import CHECK_PATH
from scholarship_api.catalogue.audit import source_of_request
from scholarship_api.errors import (
    BadRequest,
    DatabaseUnavailable,
    Forbidden,
    RateLimited,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.sessions import Writing
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.platform.http.request_context import ACCOUNT_ID_KEY


async def _no_store(response: Response) -> None:
    """Forbid storing the answer of a login. SecurityHeadersMiddleware only does so for requests
    with an Authorization header, which a login lacks."""
    response.headers["Cache-Control"] = "no-store"


async def _require_form(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("Send the body as application/x-www-form-urlencoded.")


LOGIN_ERRORS = (BadRequest, Forbidden, service.LoginRefused, UnsupportedMediaType, ValidationFailed)

router = APIRouter(
    prefix="/api/v1/auth",
    tags=["accounts"],
    dependencies=[Depends(_no_store)],
    responses=document(Unauthorized, RateLimited, DatabaseUnavailable, ServiceUnavailable),
)


@router.post(
    "/login",
    summary="Log in by form (OAuth2 password grant)",
    dependencies=[Depends(_require_form)],
    responses=document(*LOGIN_ERRORS),
)
async def log_in_by_form(
    request: Request, form: Annotated[schemas.LoginForm, Form()]
) -> schemas.AccessToken:
    return await _log_in(request, form)


@router.post(
    "/login-simple",
    summary="Log in by JSON",
    dependencies=[Depends(require_json)],
    responses=document(*LOGIN_ERRORS),
)
async def log_in_by_json(request: Request, credentials: schemas.Credentials) -> schemas.AccessToken:
    return await _log_in(request, credentials)


async def _log_in(request: Request, credentials: schemas.Credentials) -> schemas.AccessToken:
    if not request.app.state.settings.local_login_enabled:
        raise Forbidden("Logins with a password are closed; log in at your identity provider.")
    authentication: Authentication = request.app.state.authentication
    async with authentication.login_limits.attempt(
        folded_username=schemas.fold_username(credentials.username), scope=request.scope
    ):
        account = await service.log_in(
            request.app.state.database,
            authentication.passwords,
            username=credentials.username,
            password=credentials.password.get_secret_value(),
            source=source_of_request(request.scope, None),
        )
    request.scope[ACCOUNT_ID_KEY] = str(account.id)  # for the access log
    tokens = authentication.tokens
    return schemas.AccessToken(
        access_token=tokens.issue(account_id=account.id, password_version=account.password_version),
        expires_in=tokens.expires_in,
    )


@router.get("/me", response_model=schemas.Me, summary="The account of the token")
async def show_me(account: CurrentAccount) -> object:
    return account


@router.delete(
    "/me",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete the account of the token",
)
async def delete_me(account: CurrentAccount, session: Writing, request: Request) -> None:
    if account.role is Role.SERVICE:
        raise Forbidden("An API key is revoked with DELETE /api/v1/api-keys/{id}.")
    await service.delete(
        session, account_id=account.id, source=source_of_request(request.scope, account.id)
    )


@router.post(
    "/logout", status_code=status.HTTP_204_NO_CONTENT, summary="Revoke the token that is sent"
)
async def log_out(account: CurrentAccount, session: Writing) -> None:
    if account.session is None:
        raise Forbidden("Only the token of a login can be revoked here.")
    await service.log_out(
        session,
        account_id=account.id,
        token_id=account.session.token_id,
        expires_at=account.session.expires_at,
    )


@router.get(
    CHECK_PATH.removeprefix(router.prefix),
    response_model=schemas.AuthenticationState,
    response_model_exclude_unset=True,
    openapi_extra=ANONYMOUS_ALLOWED,
    summary="Whether the token that is sent is valid",
    description="An invalid token is answered with `authenticated: false`, not with 401.",
)
async def check(account: CurrentAccountOrNone) -> schemas.AuthenticationState:
    if account is None:
        return schemas.AuthenticationState(authenticated=False)
    return schemas.AuthenticationState(
        authenticated=True, username=account.username, role=account.role, scopes=account.scopes
    )
