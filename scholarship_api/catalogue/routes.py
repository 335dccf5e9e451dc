"""Routes that read and write single awards."""

import datetime as dt
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, Header, Path, Request, Response, status
from pydantic_core import to_json

from scholarship_api.accounts.access import (
    ACCESS_ERRORS,
    ScholarshipsWriter,
    authenticate,
    may_change,
)
from scholarship_api.accounts.credentials import AuthenticatedAccount
from scholarship_api.catalogue import idempotency, json_ld, merges, schemas, service, writes
from scholarship_api.catalogue.audit import source_of_request
from scholarship_api.catalogue.models import Scholarship
from scholarship_api.catalogue.preconditions import IfMatch
from scholarship_api.catalogue.stored_awards import StoredAward
from scholarship_api.catalogue.write_schemas import WrittenScholarship
from scholarship_api.errors import (
    BadRequest,
    Conflict,
    DatabaseUnavailable,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    RateLimited,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedMediaType,
    ValidationFailed,
    document,
)
from scholarship_api.platform.database.engine import Database
from scholarship_api.platform.database.sessions import Writing
from scholarship_api.platform.http.conditional import cacheable_json, digest, entity_tag
from scholarship_api.platform.http.content_type import (
    MERGE_PATCH,
    require_json,
    require_merge_patch,
)
from scholarship_api.vocabulary import Status

PATCH_EXAMPLE: Final = {
    "amount": 2500,
    "currency": "USD",
    "eligibility_criteria": {"min_gpa": 3.5},
}
BODY_ERRORS: Final = (BadRequest, PayloadTooLarge, UnsupportedMediaType, ValidationFailed)
CHANGE_ERRORS: Final = (
    *ACCESS_ERRORS,
    BadRequest,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
)

_CACHE_CONTROL: Final = b"public, max-age=60"
_ETAG: Final = {
    "ETag": {
        "description": 'The ETag of the new version: `"<version>-<digest>"`.',
        "schema": {"type": "string"},
    }
}
_LOCATION: Final = {
    "Location": {"description": "The path of the award.", "schema": {"type": "string"}}
}
_REPLAYED: Final = {
    idempotency.REPLAYED_HEADER: {
        "description": "`true` when this is the stored answer of an earlier request.",
        "schema": {"type": "string"},
    }
}

router = APIRouter(
    prefix="/api/v1/scholarships",
    tags=["scholarships"],
    responses=document(RateLimited, DatabaseUnavailable, ServiceUnavailable),
)

ScholarshipPath = Annotated[str, Path()]


# --- Reading -------------------------------------------------------------------------------------


@router.get(
    "/{scholarship_id}",
    response_model=schemas.Scholarship,
    summary="An award in full",
    description=(
        "Drafts are shown to accounts that may change them. With `Accept: application/ld+json`, the"
        " award is a MonetaryGrant of schema.org."
    ),
    responses={
        status.HTTP_200_OK: {
            "headers": _ETAG,
            "content": {json_ld.MEDIA_TYPE: {"schema": {"type": "object"}}},
        },
        status.HTTP_301_MOVED_PERMANENTLY: {
            "description": "The award was merged into the one that Location names."
        },
        status.HTTP_304_NOT_MODIFIED: {"description": "If-None-Match names the current ETag."},
        **document(NotFound, Unauthorized, ValidationFailed),
    },
)
async def get_scholarship(
    request: Request,
    scholarship_id: ScholarshipPath,
    if_none_match: Annotated[str | None, Header()] = None,  # noqa: ARG001 - documents the header
) -> Response:
    database: Database = request.app.state.database
    scholarship = await service.find(database.fetch, scholarship_id=scholarship_id)
    # The account is read only now, so that public awards need none and no request holds two
    # connections. It is read for ids without an award too: with a bad token, the answer must not
    # tell a draft from an award that does not exist.
    if scholarship is None or not service.is_public(scholarship):
        scholarship = _if_visible(scholarship, await authenticate(request))
    if scholarship.status == Status.ARCHIVED:
        into = await merges.merged_into(database.fetch, scholarship.id)
        if into is not None:
            return _moved(into)
    answer = service.to_response(scholarship, now=dt.datetime.now(dt.UTC))
    body, media_type = _representation(request, answer)
    response = cacheable_json(
        request.scope,
        body,
        etag=etag(answer, body).encode(),
        cache_control=_CACHE_CONTROL,
        media_type=media_type,
    )
    response.headers.append("Vary", "Accept")
    return response


def _representation(request: Request, award: schemas.Scholarship) -> tuple[bytes, str]:
    """The body and its type, by what the client accepts."""
    if not json_ld.is_wanted(request.headers.get("accept", "")):
        return award.model_dump_json().encode(), "application/json"
    base_url = request.app.state.settings.public_base_url
    path = f"{router.prefix}/{award.id}"
    content = json_ld.to_json_ld(award, url=f"{base_url}{path}" if base_url else None)
    return to_json(content), json_ld.MEDIA_TYPE


def _moved(into: str) -> Response:
    """A merge can be undone, so the redirect is kept no longer than an award."""
    headers = {
        "Location": f"{router.prefix}/{quote(into)}",
        "Cache-Control": _CACHE_CONTROL.decode(),
    }
    return Response(to_json({"merged_into": into}), 301, headers, media_type="application/json")


def _if_visible(
    scholarship: StoredAward | None, account: AuthenticatedAccount | None
) -> StoredAward:
    if scholarship is None or account is None or not may_change(account, scholarship.organization):
        raise service.not_found()
    return scholarship


def etag(scholarship: schemas.Scholarship, body: bytes) -> str:
    """`"<version>-<digest>"`. The digest is there because days left change without a version."""
    return entity_tag(f"{scholarship.version}-{digest(body)}").decode()


# --- Writing -------------------------------------------------------------------------------------


def _response(scholarship: Scholarship, *, status_code: int = status.HTTP_200_OK) -> Response:
    answer = service.to_response(scholarship, now=dt.datetime.now(dt.UTC))
    body = answer.model_dump_json().encode()
    # Content-Location says that the body is what a read of the award would answer now, so that
    # the ETag belongs to that answer too.
    headers = {"ETag": etag(answer, body), "Content-Location": _path(scholarship)}
    if status_code == status.HTTP_201_CREATED:
        headers["Location"] = headers["Content-Location"]
    if status_code == status.HTTP_204_NO_CONTENT:
        return Response(status_code=status_code, headers={"ETag": headers["ETag"]})
    return Response(body, status_code, headers, media_type="application/json")


def _path(scholarship: Scholarship) -> str:
    return f"{router.prefix}/{scholarship.id}"


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=schemas.Scholarship,
    summary="Create an award",
    dependencies=[Depends(require_json)],
    responses={
        status.HTTP_201_CREATED: {"headers": {**_ETAG, **_LOCATION, **_REPLAYED}},
        **document(*ACCESS_ERRORS, *BODY_ERRORS, Conflict),
    },
)
async def create_scholarship(
    request: Request,
    account: ScholarshipsWriter,
    session: Writing,
    award: WrittenScholarship,
    idempotency_key: idempotency.KeyHeader = None,
) -> Response:
    key = idempotency_key and idempotency.Key(account.id, idempotency_key)
    if key and (stored := await idempotency.claim(session, key, idempotency.fingerprint(award))):
        return stored
    scholarship = await writes.create(
        session,
        account=account,
        award=award,
        change_source=source_of_request(request.scope, account.id),
    )
    answer = _response(scholarship, status_code=status.HTTP_201_CREATED)
    if key:
        await idempotency.store(session, key, answer)
    return answer


@router.put(
    "/{scholarship_id}",
    response_model=schemas.Scholarship,
    summary="Replace an award",
    dependencies=[Depends(require_json)],
    responses={
        status.HTTP_200_OK: {"headers": _ETAG},
        **document(*CHANGE_ERRORS, *BODY_ERRORS, Conflict),
    },
)
async def replace_scholarship(
    *,
    request: Request,
    account: ScholarshipsWriter,
    precondition: IfMatch,
    session: Writing,
    scholarship_id: ScholarshipPath,
    award: WrittenScholarship,
) -> Response:
    scholarship = await writes.replace(
        session,
        account=account,
        scholarship_id=scholarship_id,
        precondition=precondition,
        award=award,
        change_source=source_of_request(request.scope, account.id),
    )
    return _response(scholarship)


@router.patch(
    "/{scholarship_id}",
    response_model=schemas.Scholarship,
    summary="Change some fields of an award (JSON merge patch)",
    description=(
        "null removes a field; `eligibility_criteria` is merged field by field and replaces the"
        " sets by one, lists are replaced."
        " `amount` replaces both bounds. The result is validated as a whole."
    ),
    dependencies=[Depends(require_merge_patch)],
    responses={
        status.HTTP_200_OK: {"headers": _ETAG},
        **document(*CHANGE_ERRORS, *BODY_ERRORS, Conflict),
    },
    openapi_extra={
        "requestBody": {
            "content": {
                "application/json": {"schema": {"type": "object", "examples": [PATCH_EXAMPLE]}}
            }
        }
    },
)
async def patch_scholarship(
    *,
    request: Request,
    account: ScholarshipsWriter,
    precondition: IfMatch,
    session: Writing,
    scholarship_id: ScholarshipPath,
    patch: Annotated[
        object,
        Body(
            media_type=MERGE_PATCH,
            json_schema_extra={"type": "object"},
            examples=[PATCH_EXAMPLE],
        ),
    ],
) -> Response:
    scholarship = await writes.patch(
        session,
        account=account,
        scholarship_id=scholarship_id,
        precondition=precondition,
        patch=patch,
        change_source=source_of_request(request.scope, account.id),
    )
    return _response(scholarship)


@router.delete(
    "/{scholarship_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Archive an award",
    description="It can still be read by its id, as closed. Archiving it again changes nothing.",
    responses={
        status.HTTP_204_NO_CONTENT: {"headers": _ETAG},
        **document(*CHANGE_ERRORS, ValidationFailed),
    },
)
async def archive_scholarship(
    *,
    request: Request,
    account: ScholarshipsWriter,
    precondition: IfMatch,
    session: Writing,
    scholarship_id: ScholarshipPath,
) -> Response:
    scholarship = await writes.archive(
        session,
        account=account,
        scholarship_id=scholarship_id,
        precondition=precondition,
        change_source=source_of_request(request.scope, account.id),
    )
    return _response(scholarship, status_code=status.HTTP_204_NO_CONTENT)
