"""ETag and If-Match on personal resources.

A tag is `"<version>-<digest>"`, as that of an award; If-Match compares the version only. Where a
resource may be created by the request or is removed by it, the header can be left out.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request
from pydantic_core import to_json
from starlette.responses import Response

from scholarship_api.catalogue.preconditions import Precondition, precondition_of
from scholarship_api.errors import (
    BadRequest,
    PreconditionFailed,
    PreconditionRequired,
    UnsupportedMediaType,
)
from scholarship_api.platform.http.conditional import cacheable_json, digest, entity_tag
from scholarship_api.platform.http.content_type import MERGE_PATCH

NO_STORE: Final = b"no-store"


@dataclass(frozen=True, slots=True)
class OptionalPrecondition:
    """If-Match as it was sent, or not."""

    sent: Precondition | None
    is_required: bool
    """Whether a resource that exists may only be changed with it."""

    def check(self, version: int | None) -> None:
        """Compare with the stored version, None for no resource.

        Raises PreconditionRequired and PreconditionFailed.
        """
        if self.sent is None:
            if self.is_required and version is not None:
                raise PreconditionRequired
        elif version is None or not self.sent.allows(version):
            raise PreconditionFailed


_IfMatchHeader = Annotated[
    str | None,
    Header(alias="If-Match", description='The ETag that was read, its version (`"3"`), or `*`.'),
]


async def _when_it_exists(
    request: Request,
    if_match: _IfMatchHeader = None,  # noqa: ARG001 - documents the header
) -> OptionalPrecondition:
    return OptionalPrecondition(precondition_of(request), is_required=True)


async def _if_sent(
    request: Request,
    if_match: _IfMatchHeader = None,  # noqa: ARG001 - documents the header
) -> OptionalPrecondition:
    return OptionalPrecondition(precondition_of(request), is_required=False)


IfMatchWhenItExists = Annotated[OptionalPrecondition, Depends(_when_it_exists)]
"""If-Match is required to change what exists, and not to create it."""

IfMatchIfSent = Annotated[OptionalPrecondition, Depends(_if_sent)]
"""If-Match is compared if it is sent."""


def read_response(request: Request, body: object, *, version: int) -> Response:
    """The answer to a GET: 200 with an ETag, or 304."""
    content = to_json(body)
    etag = entity_tag(f"{version}-{digest(content)}")
    return cacheable_json(request.scope, content, etag=etag, cache_control=NO_STORE)


def written_response(
    body: object, *, version: int, status_code: int = 200, location: str | None = None
) -> Response:
    """The answer to a change: the resource as a GET would now show it."""
    content = to_json(body)
    etag = entity_tag(f"{version}-{digest(content)}").decode()
    headers = {"ETag": etag, "Cache-Control": NO_STORE.decode()}
    if location is not None:
        headers["Location"] = location
    return Response(content, status_code, headers, media_type="application/json")


# --- For the routes ------------------------------------------------------------------------------

CHANGE_ERRORS: Final = (BadRequest, PreconditionFailed, PreconditionRequired, UnsupportedMediaType)

ETAG: Final = {
    "ETag": {
        "description": 'The ETag of the version that is shown: `"<version>-<digest>"`.',
        "schema": {"type": "string"},
    }
}
LOCATION: Final = {"Location": {"description": "The path of it.", "schema": {"type": "string"}}}
NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "If-None-Match names the current ETag."}
}


def merge_patch_body(example: object) -> dict[str, Any]:
    """`openapi_extra=` of a route that takes a JSON merge patch."""
    schema = {"type": "object", "examples": [example]}
    content = {media_type: {"schema": schema} for media_type in (MERGE_PATCH, "application/json")}
    return {"requestBody": {"content": content, "required": True}}
