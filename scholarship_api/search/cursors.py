"""Opaque cursors: the place of the last row in the sort order, so that a walk stays in step while
rows come and go.

A cursor belongs to one search: it holds a digest of the filters. It also holds the compiled text
query, as new words in the catalogue could otherwise change the ranking between two pages. It is
not secret and not trusted: what it can say is no more than what a search can say.
"""

import base64
import binascii
import hashlib
import json
import zlib
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scholarship_api.errors import ValidationFailed

MAX_LENGTH: Final = 6000
MAX_BYTES: Final = 100_000
"""Unpacked; more are cut off, and what is left is no cursor."""

_TEXT_QUERY: Final = r"^[^\x00]*$"


Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
Alternatives = Annotated[int, Field(ge=1, le=1000)]
Part = tuple[Weight, Annotated[str, Field(pattern=_TEXT_QUERY)], Alternatives]


class Cursor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    digest: Annotated[str, Field(alias="d")]
    keys: Annotated[tuple[float | str, ...], Field(alias="k")]
    """The last row's values of the sort order, in its order."""
    page: Annotated[int, Field(alias="p", ge=2, le=1_000_000)]
    match: Annotated[str | None, Field(alias="m", pattern=_TEXT_QUERY)] = None
    ranked: Annotated[tuple[Part, ...] | None, Field(alias="r")] = None
    placed: Annotated[str | None, Field(alias="w", pattern=_TEXT_QUERY)] = None
    letters: Annotated[int, Field(alias="l", ge=0, le=10_000)] = 0
    is_graded: Annotated[bool | None, Field(alias="g")] = None
    """The walk is one by grades, see `ranking`, and stays so."""
    did_you_mean: Annotated[str | None, Field(alias="c")] = None

    def encode(self) -> str:
        raw = self.model_dump_json(by_alias=True, exclude_defaults=True).encode()
        return base64.urlsafe_b64encode(zlib.compress(raw, level=9)).decode().rstrip("=")


def decode(text: str, *, digest: str) -> Cursor:
    """Raises ValidationFailed for what is no cursor, or one of another search."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = Cursor.model_validate_json(zlib.decompressobj().decompress(packed, MAX_BYTES))
    except (binascii.Error, zlib.error, ValidationError, ValueError):
        raise invalid() from None
    if cursor.digest != digest:
        raise ValidationFailed.of(
            "cursor", "belongs to a search with other filters; start again without a cursor"
        )
    return cursor


def digest_of(filters: dict[str, object]) -> str:
    canonical = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.blake2b(canonical.encode(), digest_size=9).hexdigest()


def invalid() -> ValidationFailed:
    return ValidationFailed.of("cursor", "is not a cursor of this API; start again without one")
