"""If-Match (RFC 9110, 13.1.1) on awards, which compares only the version in an ETag.

A tag is `"<version>-<digest>"`. Its digest also changes with the days that are left until the
deadline, which is no reason to refuse a write. A proxy that compresses makes the tag weak; as only
the version counts, the weak form is taken as well.
"""

import re
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Header, Request

from scholarship_api.errors import PreconditionRequired
from scholarship_api.platform.http import conditional

_VERSION: Final = re.compile(r"([0-9]{1,10})(-|$)")


class Precondition(NamedTuple):
    versions: frozenset[int] | None
    """None for `*`: any version."""

    def allows(self, version: int) -> bool:
        return self.versions is None or version in self.versions


async def _if_match(
    request: Request,
    if_match: Annotated[  # noqa: ARG001 - documents the header, which may be sent twice
        str | None,
        Header(
            alias="If-Match",
            description='The ETag that was read, its version alone (`"3"`), or `*`. Required.',
        ),
    ] = None,
) -> Precondition:
    """Read If-Match. Raises PreconditionRequired, or BadRequest if it is not a list of tags."""
    precondition = precondition_of(request)
    if precondition is None:
        raise PreconditionRequired
    return precondition


def precondition_of(request: Request) -> Precondition | None:
    """The If-Match of a request; None without it. Raises BadRequest."""
    tags = conditional.if_match(request.headers.getlist("if-match"))
    if tags is None:
        return Precondition(None)
    if not tags:
        return None
    versions = [int(version[1]) for tag in tags if (version := _VERSION.match(tag))]
    return Precondition(frozenset(versions))


IfMatch = Annotated[Precondition, Depends(_if_match)]
