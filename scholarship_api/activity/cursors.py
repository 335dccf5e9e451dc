"""Opaque cursors of the list of interactions: the position of a page's last row, newest first.

They are signed, as all cursors are, so that each comes from a page of this list.
"""

import datetime as dt
import re
from typing import Final

from scholarship_api.errors import ValidationFailed
from scholarship_api.platform.signed_tokens import InvalidTokenError, TokenSigner

PURPOSE: Final = "interactions cursor"
"""The purpose that the signing key is derived for."""

MAX_LENGTH: Final = 96
"""Characters. A cursor that this module makes has at most 71."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_POSITION: Final = re.compile(rb"([0-9]{1,18})\.([0-9]{1,18})")


class CursorCodec:
    """Makes texts of positions, and positions of texts; one per process."""

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def encode(self, occurred_at: dt.datetime, interaction_id: int) -> str:
        position = f"{(occurred_at - _EPOCH) // _MICROSECOND}.{interaction_id}"
        return self._signer.sign(position.encode())

    def decode(self, text: str) -> tuple[dt.datetime, int]:
        """The position. Raises ValidationFailed for a text that `encode` has not made."""
        try:
            position = _POSITION.fullmatch(self._signer.verify(text))
            if position is not None:
                return _EPOCH + int(position[1]) * _MICROSECOND, int(position[2])
        except (InvalidTokenError, OverflowError):
            pass
        raise ValidationFailed.of(
            "cursor", "is not a cursor of this API, or no longer one; start again without a cursor"
        )
