"""Responses with calendars, feeds and tables."""

from typing import Any, Final, NamedTuple

from fastapi import Request, Response

from scholarship_api.platform.http.conditional import (
    NOT_MODIFIED,
    caching_headers,
    digest,
    entity_tag,
    is_not_modified,
)

CALENDAR: Final = "text/calendar; charset=utf-8"
PRIVATE: Final = b"private, no-cache"
PUBLIC: Final = b"public, max-age=60"


class Content(NamedTuple):
    body: bytes
    media_type: str


def content_of(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """`responses=` of a route that answers with these types."""
    content = {each.partition(";")[0]: {"schema": {"type": "string"}} for each in media_types}
    return {
        200: {"content": content},
        304: {"description": "If-None-Match names this very answer."},
    }


def feed_response(request: Request, content: Content, cache_control: bytes) -> Response:
    """200 with an ETag, or 304. Search engines are asked not to list it."""
    etag = entity_tag(digest(content.body))
    if is_not_modified(etag, request.scope["headers"]):
        response = Response(status_code=NOT_MODIFIED)
    else:
        response = Response(content.body, media_type=content.media_type)
    response.raw_headers += caching_headers(etag, cache_control)
    response.headers["X-Robots-Tag"] = "noindex"
    return response
