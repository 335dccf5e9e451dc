"""Opaque cursors: where the next page of a result begins.

A cursor names the sort key of the last row, so that a walk neither skips nor repeats a row while
others come and go. It belongs to one search, whose filters it holds a digest of. It also holds the
compiled text query, because new words in the catalogue could otherwise change the ranking between
two pages.
"""

import base64
import binascii
import hashlib
import json
import zlib
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scholarship_api.errors import ValidationFailed
from scholarship_api.search import limits

_TEXT_QUERY: Final = r"^[^\x00]*$"

_Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
_AlternativeCount = Annotated[int, Field(ge=1, le=1000)]
_Clause = tuple[_Weight, Annotated[str, Field(pattern=_TEXT_QUERY)], _AlternativeCount]


class Cursor(BaseModel):
    """The aliases are the names on the wire; cursors that were issued before use them."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    digest: Annotated[str, Field(alias="d")]
    keyset: Annotated[tuple[float | str, ...], Field(alias="k")]
    """The sort key of the last row."""
    page: Annotated[int, Field(alias="p", ge=2, le=1_000_000)]
    match: Annotated[str | None, Field(alias="m", pattern=_TEXT_QUERY)] = None
    weighted_clauses: Annotated[tuple[_Clause, ...] | None, Field(alias="r")] = None
    field_query: Annotated[str | None, Field(alias="w", pattern=_TEXT_QUERY)] = None
    query_length: Annotated[int, Field(alias="l", ge=0, le=10_000)] = 0
    is_tiered: Annotated[bool | None, Field(alias="g")] = None
    """Whether the walk began with tiers; it goes on with them."""
    did_you_mean: Annotated[str | None, Field(alias="c")] = None

    def encode(self) -> str:
        raw = self.model_dump_json(by_alias=True, exclude_defaults=True).encode()
        return base64.urlsafe_b64encode(zlib.compress(raw, level=9)).decode().rstrip("=")


def decode(text: str, *, digest: str) -> Cursor:
    """Raises ValidationFailed for a text that is no cursor, and for one of another search."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacked = zlib.decompressobj().decompress(packed, limits.MAX_CURSOR_BYTES)
        cursor = Cursor.model_validate_json(unpacked)
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
