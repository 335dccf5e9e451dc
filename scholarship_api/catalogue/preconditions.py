"""If-Match (RFC 9110, 13.1.1), by the version in our ETags alone.

A tag is `"<version>-<digest>"`, and its digest changes with the days left, which is no conflict.
"""

import re
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Header, Request

from scholarship_api.errors import PreconditionRequired
from scholarship_api.platform.http import conditional

_VERSION: Final = re.compile(r"([0-9]{1,10})(-|$)")


class Precondition(NamedTuple):
    versions: frozenset[int] | None
    """None: any, as `*` says."""

    def admits(self, version: int) -> bool:
        return self.versions is None or version in self.versions


async def _if_match(
    request: Request,
    if_match: Annotated[  # noqa: ARG001 - documents it; a header may come in several lines
        str | None,
        Header(
            alias="If-Match",
            description='The ETag that was read, its version alone (`"3"`), or `*`. Required.',
        ),
    ] = None,
) -> Precondition:
    """Raises PreconditionRequired, or BadRequest for what is no list of tags."""
    tags = conditional.if_match(request.headers.getlist("if-match"))
    if tags is None:
        return Precondition(None)
    if not tags:
        raise PreconditionRequired
    versions = [
        int(version[1])
        for tag in tags
        if not tag.weak and (version := _VERSION.match(tag.opaque))  # a weak tag never matches
    ]
    return Precondition(frozenset(versions))


IfMatch = Annotated[Precondition, Depends(_if_match)]
