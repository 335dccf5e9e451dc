"""API keys for administrators, and the use of keys."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, status

from scholarship_api.accounts.access import ACCESS_ERRORS, CurrentAccount, KeysWriter
from scholarship_api.accounts.roles import Role, Scope
from scholarship_api.api_keys import schemas, service
from scholarship_api.api_keys.cursors import CursorCodec
from scholarship_api.api_keys.usage import UsageRecorder
from scholarship_api.catalogue.audit import source_of_request
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
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.content_type import require_json

router = APIRouter(
    prefix="/api/v1",
    tags=["API keys"],
    responses=document(
        *ACCESS_ERRORS, ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable
    ),
)

KeyId = Annotated[uuid.UUID, Path(alias="id")]


async def _codec_of_the_process(request: Request) -> CursorCodec:
    codec: CursorCodec = request.app.state.api_keys_cursor_codec
    return codec


KeyCursors = Annotated[CursorCodec, Depends(_codec_of_the_process)]


@router.post(
    "/api-keys",
    status_code=status.HTTP_201_CREATED,
    summary="Create an API key",
    description="The answer has the secret, which cannot be read again.",
    dependencies=[Depends(require_json)],
    responses=document(BadRequest, Conflict, UnsupportedMediaType),
)
async def create_key(
    account: KeysWriter, session: Writing, request: Request, new: schemas.NewApiKey
) -> schemas.ApiKeyWithSecret:
    return await service.create(
        session,
        new=new,
        source=source_of_request(request.scope, account.id),
        tiers=request.app.state.settings.rate_limit_tiers,
        grantable=account.granted,
        confined_to=account.confined_to,
    )


@router.get("/api-keys", summary="All API keys by name, revoked ones included")
async def list_keys(
    account: KeysWriter,
    session: Reading,
    codec: KeyCursors,
    query: Annotated[schemas.KeysRequest, Query()],
) -> schemas.ApiKeyList:
    return await service.list_page(
        session, request=query, codec=codec, confined_to=account.confined_to
    )


@router.get("/api-keys/{id}", summary="One API key", responses=document(NotFound))
async def show_key(account: KeysWriter, session: Reading, key_id: KeyId) -> schemas.ApiKeySummary:
    return await service.get(session, key_id, confined_to=account.confined_to)


@router.post(
    "/api-keys/{id}/rotate",
    summary="Give an API key a new secret",
    description="Both secrets are valid for `overlap_hours`, so that clients can change over.",
    dependencies=[Depends(require_json)],
    responses=document(BadRequest, Conflict, NotFound, UnsupportedMediaType),
)
async def rotate_key(
    account: KeysWriter,
    session: Writing,
    request: Request,
    key_id: KeyId,
    rotation: schemas.Rotation,
) -> schemas.ApiKeyWithSecret:
    return await service.rotate(
        session,
        key_id,
        overlap_hours=rotation.overlap_hours,
        source=source_of_request(request.scope, account.id),
        grantable=account.granted,
        confined_to=account.confined_to,
    )


@router.delete(
    "/api-keys/{id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke an API key for good",
    responses=document(NotFound),
)
async def revoke_key(
    account: KeysWriter, session: Writing, request: Request, key_id: KeyId
) -> None:
    await service.revoke(
        session,
        key_id,
        source=source_of_request(request.scope, account.id),
        confined_to=account.confined_to,
    )


@router.get(
    "/usage",
    summary="Requests of API keys per day and group of routes",
    description=(
        "A key sees its own use, whoever manages keys that of all. Every request that was sent with"
        " a valid key counts, refused ones too, with a delay of some seconds."
    ),
)
async def show_usage(
    account: CurrentAccount,
    session: Reading,
    request: Request,
    codec: KeyCursors,
    query: Annotated[schemas.UsageRequest, Query()],
) -> schemas.Usage:
    recorder: UsageRecorder = request.app.state.usage_recorder
    if Scope.KEYS_WRITE in account.granted:
        key_id = query.key_id
    elif account.role is Role.SERVICE:
        key_id = account.id
    else:
        raise Forbidden("This is for API keys and for whoever manages them.")
    await recorder.flush()
    confined_to = None if key_id == account.id else account.confined_to
    return await service.usage(
        session, request=query, codec=codec, key_id=key_id, confined_to=confined_to
    )
