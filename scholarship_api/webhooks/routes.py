"""Webhooks and their deliveries, for administrators, and for API keys their own."""

import uuid
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from scholarship_api.accounts.access import ACCESS_ERRORS, WebhooksWriter
from scholarship_api.catalogue.audit import source_of_request
from scholarship_api.catalogue.preconditions import IfMatch
from scholarship_api.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    ServiceUnavailable,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.sessions import Reading, Writing
from scholarship_api.platform.http.conditional import entity_tag
from scholarship_api.platform.http.content_type import require_json
from scholarship_api.webhooks import schemas, service
from scholarship_api.webhooks.cursors import CursorCodec

_ETAG: Final = {
    "ETag": {"description": 'The version: `"<version>"`.', "schema": {"type": "string"}}
}

router = APIRouter(
    prefix="/api/v1",
    tags=["webhooks"],
    responses=document(
        *ACCESS_ERRORS, ValidationFailed, RateLimited, DatabaseUnavailable, ServiceUnavailable
    ),
)

WebhookId = Annotated[uuid.UUID, Path(alias="webhook_id")]


@router.post(
    "/webhooks",
    status_code=status.HTTP_201_CREATED,
    summary="Create a webhook",
    description="The answer has the secret that signs the messages; it cannot be read again.",
    dependencies=[Depends(require_json)],
    responses=document(BadRequest, Conflict, UnsupportedMediaType),
)
async def create_webhook(
    account: WebhooksWriter,
    session: Writing,
    request: Request,
    response: Response,
    new: schemas.NewWebhook,
) -> schemas.WebhookWithSecret:
    webhook = await service.create(
        session,
        account=account,
        new=new,
        allow_private=request.app.state.settings.webhook_allow_private,
        source=source_of_request(request.scope, account.id),
    )
    response.headers["ETag"] = _etag(webhook.version)
    response.headers["Location"] = f"{router.prefix}/webhooks/{webhook.id}"
    return webhook


@router.get("/webhooks", summary="Webhooks: all for administrators, for a key its own")
async def list_webhooks(account: WebhooksWriter, session: Reading) -> schemas.WebhookList:
    return await service.list_all(session, owner_id=service.owner_of(account))


@router.get(
    "/webhooks/{webhook_id}",
    summary="One webhook",
    responses={status.HTTP_200_OK: {"headers": _ETAG}, **document(NotFound)},
)
async def show_webhook(
    account: WebhooksWriter, session: Reading, response: Response, webhook_id: WebhookId
) -> schemas.Webhook:
    found = await service.get(session, webhook_id, owner_id=service.owner_of(account))
    response.headers["ETag"] = _etag(found.version)
    return schemas.Webhook.model_validate(found)


@router.patch(
    "/webhooks/{webhook_id}",
    summary="Change some fields of a webhook",
    description="Another address, or `enabled`, lets waiting messages be delivered at once.",
    dependencies=[Depends(require_json)],
    responses={
        status.HTTP_200_OK: {"headers": _ETAG},
        **document(
            BadRequest, NotFound, PreconditionFailed, PreconditionRequired, UnsupportedMediaType
        ),
    },
)
async def change_webhook(
    *,
    account: WebhooksWriter,
    session: Writing,
    request: Request,
    response: Response,
    precondition: IfMatch,
    webhook_id: WebhookId,
    patch: schemas.WebhookPatch,
) -> schemas.Webhook:
    changed = await service.change(
        session,
        webhook_id,
        owner_id=service.owner_of(account),
        patch=patch,
        precondition=precondition,
        allow_private=request.app.state.settings.webhook_allow_private,
        source=source_of_request(request.scope, account.id),
    )
    response.headers["ETag"] = _etag(changed.version)
    return schemas.Webhook.model_validate(changed)


@router.delete(
    "/webhooks/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a webhook with its messages",
    responses=document(BadRequest, NotFound, PreconditionFailed, PreconditionRequired),
)
async def delete_webhook(
    *,
    account: WebhooksWriter,
    session: Writing,
    request: Request,
    precondition: IfMatch,
    webhook_id: WebhookId,
) -> None:
    await service.remove(
        session,
        webhook_id,
        owner_id=service.owner_of(account),
        precondition=precondition,
        source=source_of_request(request.scope, account.id),
    )


@router.post(
    "/webhooks/{webhook_id}/rotate",
    summary="Give a webhook a new secret",
    description="For `overlap_hours` each message has a signature by both secrets.",
    dependencies=[Depends(require_json)],
    responses=document(BadRequest, Conflict, NotFound, UnsupportedMediaType),
)
async def rotate_webhook(
    *,
    account: WebhooksWriter,
    session: Writing,
    request: Request,
    webhook_id: WebhookId,
    rotation: schemas.WebhookRotation,
) -> schemas.WebhookWithSecret:
    return await service.rotate(
        session,
        webhook_id,
        owner_id=service.owner_of(account),
        overlap_hours=rotation.overlap_hours,
        source=source_of_request(request.scope, account.id),
    )


@router.post(
    "/webhooks/{webhook_id}/test",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a test message",
    description="Its event is `webhook.test`. The deliveries tell what has become of it.",
    responses=document(Conflict, NotFound),
)
async def test_webhook(
    account: WebhooksWriter, session: Writing, webhook_id: WebhookId
) -> schemas.Delivery:
    return await service.test(session, webhook_id, owner_id=service.owner_of(account))


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    summary="The messages of a webhook, newest first",
    responses=document(NotFound),
)
async def list_deliveries(
    account: WebhooksWriter,
    session: Reading,
    request: Request,
    webhook_id: WebhookId,
    query: Annotated[schemas.DeliveriesRequest, Query()],
) -> schemas.Deliveries:
    codec: CursorCodec = request.app.state.deliveries_cursor_codec
    return await service.deliveries(
        session, codec, webhook_id, owner_id=service.owner_of(account), query=query
    )


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Deliver a message again",
    description="With the same `webhook-id`. Meant for dead messages; any can be repeated.",
    responses=document(NotFound),
)
async def redeliver_message(
    account: WebhooksWriter,
    session: Writing,
    webhook_id: WebhookId,
    delivery_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
) -> schemas.Delivery:
    return await service.redeliver(
        session, webhook_id, delivery_id, owner_id=service.owner_of(account)
    )


def _etag(version: int) -> str:
    return entity_tag(str(version)).decode()
