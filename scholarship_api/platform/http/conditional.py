"""Conditional requests (RFC 9110, section 13): entity tags, If-None-Match and If-Match."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Final

from starlette.responses import Response
from starlette.types import Scope

from scholarship_api.errors import BadRequest

RawHeaders = tuple[tuple[bytes, bytes], ...]

NOT_MODIFIED: Final = 304
_DIGEST_BYTES: Final = 9
"""Two of 2^36 versions of one resource would have to exist before a collision is likely."""
_ENTITY_TAG: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def digest(*parts: bytes) -> str:
    """A digest of a response's content, for use in an entity tag."""
    content = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for part in parts:
        content.update(part)
    return content.hexdigest()


def entity_tag(opaque: str, *, weak: bool = False) -> bytes:
    """The value of an ETag header."""
    return f'{"W/" if weak else ""}"{opaque}"'.encode()


def caching_headers(etag: bytes, cache_control: bytes) -> RawHeaders:
    """The headers that a 200 and its 304 have in common (RFC 9110, 15.4.5)."""
    return ((b"etag", etag), (b"cache-control", cache_control))


def is_not_modified(etag: bytes, request_headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether If-None-Match lists `etag` or `*`; tags are compared weakly (RFC 9110, 13.1.2)."""
    for name, value in request_headers:
        if name == b"if-none-match":
            if value == etag:
                return True
            listed = {tag.strip().removeprefix(b"W/") for tag in value.split(b",")}
            if b"*" in listed or etag.removeprefix(b"W/") in listed:
                return True
    return False


def cacheable_json(
    scope: Scope,
    body: bytes,
    *,
    etag: bytes,
    cache_control: bytes,
    media_type: str = "application/json",
) -> Response:
    """200 with `body`, or 304 to a client that has the version named by `etag`."""
    if is_not_modified(etag, scope["headers"]):
        response = Response(status_code=NOT_MODIFIED)
    else:
        response = Response(body, media_type=media_type)
    response.raw_headers += caching_headers(etag, cache_control)
    return response


def if_match(lines: Sequence[str]) -> Sequence[str] | None:
    """The tags of the If-Match header lines, without quotes and without a `W/`.

    None for `*`; empty without the header. Raises BadRequest for anything else.
    """
    value = ",".join(lines).strip(" \t,")
    if value == "*":
        return None
    if _ENTITY_TAG.sub("", value).strip(" \t,"):
        raise BadRequest('If-Match must be `*` or a list of ETags, with their quotes: `"3-0f1e"`.')
    return _ENTITY_TAG.findall(value)
