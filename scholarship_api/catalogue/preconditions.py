"""If-Match (RFC 9110, 13.1.1), by the version in our ETags alone.

A tag is `"<version>-<digest>"`, and its digest changes with the days left, which is no conflict.
"""

import re
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Header, Request

from scholarship_api.errors import BadRequest, PreconditionRequired

_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION: Final = re.compile(r"([0-9]{1,10})(-|$)")


class Precondition(NamedTuple):
    versions: frozenset[int] | None
    """None: any, as `*` says."""

    def admits(self, version: int) -> bool:
        return self.versions is None or version in self.versions


async def _if_match(
    request: Request,
    if_match: Annotated[  # documents it; a header may come in several lines
        str | None,
        Header(
            alias="If-Match",
            description='The ETag that was read, its version alone (`"3"`), or `*`. Required.',
        ),
    ] = None,
) -> Precondition:
    """Raises PreconditionRequired, or BadRequest for what is no list of tags."""
    value = ",".join(request.headers.getlist("if-match")).strip(" \t,")
    if if_match is None or not value:
        raise PreconditionRequired
    if value == "*":
        return Precondition(None)
    if _TAG.sub("", value).strip(" \t,"):
        raise BadRequest('If-Match must be `*` or a list of ETags, with their quotes: `"3-0f1e"`.')
    versions = [
        int(version[1])
        for weak, opaque in _TAG.findall(value)
        if not weak and (version := _VERSION.match(opaque))  # a weak tag never matches
    ]
    return Precondition(frozenset(versions))


IfMatch = Annotated[Precondition, Depends(_if_match)]
