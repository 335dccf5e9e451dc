"""Opaque cursors of the list of interactions: the position of a page's last row, newest first.

A cursor is neither secret nor trusted. It holds nothing but that position, so that a forged one
can only ask for another place in a list that its sender may read anyway.
"""

import base64
import binascii
import datetime as dt
import re
from typing import Final

from scholarship_api.errors import ValidationFailed

MAX_LENGTH: Final = 64
"""Characters. A cursor that this module makes has at most 51."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_POSITION: Final = re.compile(rb"([0-9]{1,18})\.([0-9]{1,18})")


def encode(occurred_at: dt.datetime, interaction_id: int) -> str:
    position = f"{(occurred_at - _EPOCH) // _MICROSECOND}.{interaction_id}"
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def decode(text: str) -> tuple[dt.datetime, int]:
    """The position. Raises ValidationFailed for a text that `encode` cannot have made."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        position = _POSITION.fullmatch(raw)
        if position is not None:
            return _EPOCH + int(position[1]) * _MICROSECOND, int(position[2])
    except (binascii.Error, ValueError, OverflowError):
        pass
    raise ValidationFailed.of("cursor", "is not a cursor of this API; start again without one")
