"""Opaque cursors: where the next page of a result begins.

A cursor names the sort key of the last row, so that a walk neither skips nor repeats a row while
others come and go. It belongs to one search, whose filters it holds a digest of. It also holds the
compiled text query, because new words in the catalogue could otherwise change the ranking between
two pages.

The text query decides how much work a page is, so cursors are signed: only this service makes them.
The fields are bounded all the same, and a page after the first costs no more than the first.
"""

import hashlib
import json
import zlib
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner
from scholarship_api.search import limits

PURPOSE: Final = "search cursor"
"""The purpose that the signing key is derived for."""

_KEYSET_VALUES: Final = 4
"""The longest keyset: the tier, the negated score, the deadline and the id."""

_Key = float | Annotated[str, Field(max_length=limits.MAX_CURSOR_KEY_CHARACTERS)]
_TextQuery = Annotated[str, Field(max_length=limits.MAX_TSQUERY_CHARACTERS, pattern=r"^[^\x00]*$")]
_Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
_AlternativeCount = Annotated[int, Field(ge=1, le=1000)]
_Clause = tuple[_Weight, _TextQuery, _AlternativeCount]


Keyset = tuple[float | str, ...]
"""The sort key of a row: what a cursor continues after."""


class Cursor(BaseModel):
    """The aliases are the names in the JSON of a cursor."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    digest: Annotated[str, Field(alias="d", max_length=64)]
    keyset: Annotated[tuple[_Key, ...], Field(alias="k", max_length=_KEYSET_VALUES)]
    """The sort key of the last row; empty where only pinned awards have been shown yet."""
    page: Annotated[int, Field(alias="p", ge=2, le=limits.MAX_PAGE_NUMBER)]
    match: Annotated[_TextQuery | None, Field(alias="m")] = None
    weighted_clauses: Annotated[
        tuple[_Clause, ...] | None, Field(alias="r", max_length=limits.MAX_WEIGHTED_CLAUSES)
    ] = None
    field_query: Annotated[_TextQuery | None, Field(alias="w")] = None
    query_length: Annotated[int, Field(alias="l", ge=0, le=limits.MAX_TSQUERY_CHARACTERS)] = 0
    is_tiered: Annotated[bool | None, Field(alias="g")] = None
    """Whether the walk began with tiers; it goes on with them."""
    did_you_mean: Annotated[
        str | None, Field(alias="c", max_length=limits.MAX_TSQUERY_CHARACTERS)
    ] = None
    is_uncorrected: Annotated[bool, Field(alias="u")] = False
    """Whether `did_you_mean` is offered only."""
    ignored_words: Annotated[
        tuple[str, ...], Field(alias="i", max_length=limits.MAX_QUERY_WORDS)
    ] = ()
    pinned: Annotated[
        tuple[Annotated[str, Field(max_length=limits.MAX_AWARD_ID_CHARACTERS)], ...],
        Field(alias="n", max_length=limits.MAX_PINS),
    ] = ()
    """The ids of the awards that rules have put first when the walk began."""
    pins_left: Annotated[int, Field(alias="f", ge=0, le=limits.MAX_PINS)] = 0
    """How many of them, the last ones, are yet to be shown."""
    boosts: Annotated[str | None, Field(alias="b", max_length=24)] = None
    """Identifies the boosts that the walk began with."""


class CursorCodec:
    """Makes texts of cursors, and cursors of texts; one per process."""

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, cursor: Cursor) -> str:
        raw = cursor.model_dump_json(by_alias=True, exclude_defaults=True).encode()
        return self._signer.sign(zlib.compress(raw, level=9))

    def private_digest_of(self, filters: dict[str, object]) -> str:
        """A digest from which nobody can tell the filters by trying them."""
        return digest_of({"tag": self._signer.tag(_canonical(filters)).hex()})

    def decode(self, text: str, *, digest: str) -> Cursor:
        """The cursor of `text`, for the search with this digest.

        Raises ValidationFailed for a text that is no cursor or was not signed by this service,
        before it decompresses anything; and for the cursor of another search.
        """
        try:
            packed = self._signer.verify(text)
            unpacked = zlib.decompressobj().decompress(packed, limits.MAX_CURSOR_BYTES)
            cursor = Cursor.model_validate_json(unpacked)
        except (InvalidTokenError, zlib.error, ValidationError):
            raise invalid() from None
        if cursor.digest != digest:
            raise ValidationFailed.of(
                "cursor", "belongs to a search with other filters; start again without a cursor"
            )
        return cursor


def digest_of(filters: dict[str, object]) -> str:
    return hashlib.blake2b(_canonical(filters), digest_size=9).hexdigest()


def _canonical(filters: dict[str, object]) -> bytes:
    return json.dumps(filters, sort_keys=True, default=str).encode()


def invalid() -> ValidationFailed:
    return ValidationFailed.of(
        "cursor", "is not a cursor of this API, or no longer one; start again without a cursor"
    )


def other_rules() -> ValidationFailed:
    return ValidationFailed.of(
        "cursor",
        "cannot continue, as the rules of the search have changed; start again without a cursor",
    )


def outdated() -> ValidationFailed:
    return ValidationFailed.of(
        "cursor", "cannot continue, as many more awards match now; start again without a cursor"
    )
