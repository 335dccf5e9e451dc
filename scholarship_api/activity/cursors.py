"""Opaque cursors: the place of a page's last interaction in their order, newest first.

Not secret and not trusted: what a cursor can say is where to go on.
"""

import base64
import binascii
import datetime as dt
import re
from typing import Final

from scholarship_api.errors import ValidationFailed

MAX_LENGTH: Final = 64

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_PLACE: Final = re.compile(rb"([0-9]{1,18})\.([0-9]{1,18})")


def encode(occurred_at: dt.datetime, interaction_id: int) -> str:
    place = f"{(occurred_at - _EPOCH) // _MICROSECOND}.{interaction_id}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def decode(text: str) -> tuple[dt.datetime, int]:
    """Raises ValidationFailed for what `encode` did not make."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        place = _PLACE.fullmatch(raw)
        if place is not None:
            return _EPOCH + int(place[1]) * _MICROSECOND, int(place[2])
    except (binascii.Error, ValueError, OverflowError):
        pass
    raise ValidationFailed.of("cursor", "is not a cursor of this API; start again without one")
